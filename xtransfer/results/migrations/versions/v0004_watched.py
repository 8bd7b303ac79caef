"""Checkpoints that watches have seen, and what was run for them: two new tables, nothing older changes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watched_checkpoint",
        *map(_text, ("location", "digest", "source")),
        sa.Column("step", sa.Integer, nullable=True),
        *map(_text, ("state", "reason", "fingerprint")),
        *(_moment(name, null=False) for name in ("first_seen", "changed_at")),
        sa.PrimaryKeyConstraint("location", "digest", name="pk_watched_checkpoint"),
        sa.CheckConstraint("location <> '' AND source <> ''", name="ck_watched_checkpoint_named"),
        sa.CheckConstraint(
            "state IN ('whole', 'repeated', 'unfinished', 'refused')", name="ck_watched_checkpoint_state"
        ),
        sa.CheckConstraint("(state IN ('whole', 'repeated')) = (digest <> '')", name="ck_watched_checkpoint_digest"),
        sa.CheckConstraint("state = 'whole' OR reason <> ''", name="ck_watched_checkpoint_reason"),
    )
    op.create_index("ix_watched_checkpoint_digest", "watched_checkpoint", ["digest"])
    op.create_table(
        "checkpoint_run",
        *map(_text, ("digest", "watch", "study", "location", "state", "reason")),
        sa.Column("tries", sa.Integer, nullable=False),
        *map(_text, ("claimed_by", "flow_run")),
        _moment("recorded_at", null=False),
        *(_moment(name, null=True) for name in ("announced_at", "claimed_at", "ended_at")),
        sa.PrimaryKeyConstraint("digest", "watch", name="pk_checkpoint_run"),
        sa.CheckConstraint(
            "digest <> '' AND watch <> '' AND location <> '' AND study <> ''", name="ck_checkpoint_run_named"
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'announced', 'running', 'done', 'failed')", name="ck_checkpoint_run_state"
        ),
        sa.CheckConstraint("state <> 'failed' OR reason <> ''", name="ck_checkpoint_run_reason"),
        sa.CheckConstraint("tries >= 0", name="ck_checkpoint_run_tries"),
    )
    op.create_index("ix_checkpoint_run_watch_state", "checkpoint_run", ["watch", "state"])
    op.create_index("ix_checkpoint_run_study", "checkpoint_run", ["study"])


def downgrade() -> None:
    op.drop_table("checkpoint_run")
    op.drop_table("watched_checkpoint")


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False)


def _moment(name: str, *, null: bool) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)
