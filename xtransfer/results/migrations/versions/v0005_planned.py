"""The stages that studies need, and the identity of the database: two new tables, nothing older changes.

Which stages an older study needs is written when it is run again; a database gets its identity when it is opened.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "planned_stage",
        sa.Column("study", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("study", "stage", name="pk_planned_stage"),
        sa.ForeignKeyConstraint(["study"], ["study.name"], "fk_planned_stage_study", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_planned_stage_stage", "planned_stage", ["stage"])
    op.create_table(
        "identity",
        sa.Column("id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity"),
    )


def downgrade() -> None:
    op.drop_table("identity")
    op.drop_table("planned_stage")
