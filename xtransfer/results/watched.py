"""The tables of checkpoints that were seen by a watch, and of what was run for each of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.results.base import Base


class WatchedCheckpointRow(Base):
    """A checkpoint as a watch saw it at a place; weights that replaced others there have a row of their own."""

    __tablename__ = "watched_checkpoint"
    __table_args__ = (
        CheckConstraint("location <> '' AND source <> ''", name="named"),
        CheckConstraint("state IN ('whole', 'repeated', 'unfinished', 'refused')", name="state"),
        CheckConstraint("(state IN ('whole', 'repeated')) = (digest <> '')", name="digest"),
        CheckConstraint("state = 'whole' OR reason <> ''", name="reason"),
        Index(None, "digest"),
    )

    location: Mapped[str] = mapped_column(primary_key=True, doc="absolute path, URL, or `hf://id@commit`")
    digest: Mapped[str] = mapped_column(
        primary_key=True, doc="of weights, configuration and tokenizer; '' while it is not whole"
    )
    source: Mapped[str] = mapped_column(doc="pattern or repository that it was found by")
    step: Mapped[int | None] = mapped_column(doc="training step, where its name or the commit's title tells it")
    state: Mapped[str] = mapped_column(
        doc="`whole`, `repeated` (the same bytes are elsewhere), `unfinished` (something is missing) or `refused`"
    )
    reason: Mapped[str] = mapped_column(doc="why it is not run; '' for a whole one")
    fingerprint: Mapped[str] = mapped_column(doc="digest of the names, sizes and times of its files at the last change")
    first_seen: Mapped[datetime] = mapped_column(doc="when a watch first saw it in this state or an earlier one (UTC)")
    changed_at: Mapped[datetime] = mapped_column(doc="when its files, as the watch saw them, last changed (UTC)")


class CheckpointRunRow(Base):
    """What was run for a checkpoint: one row, and one run of the work, for each checkpoint and watch."""

    __tablename__ = "checkpoint_run"
    __table_args__ = (
        CheckConstraint("digest <> '' AND watch <> '' AND location <> '' AND study <> ''", name="named"),
        CheckConstraint("state IN ('waiting', 'announced', 'running', 'done', 'failed')", name="state"),
        CheckConstraint("state <> 'failed' OR reason <> ''", name="reason"),
        CheckConstraint("tries >= 0", name="tries"),
        Index(None, "watch", "state"),
        Index(None, "study"),
    )

    digest: Mapped[str] = mapped_column(primary_key=True, doc="as in `watched_checkpoint`")
    watch: Mapped[str] = mapped_column(primary_key=True, doc="name of the watch, which says what is run")
    study: Mapped[str] = mapped_column(doc="name of the study under which its results are")
    location: Mapped[str] = mapped_column(doc="where the checkpoint is read")
    state: Mapped[str] = mapped_column(
        doc="`waiting` for its turn, `announced` by an event, `running`, `done` or `failed`"
    )
    reason: Mapped[str] = mapped_column(doc="why it failed, or waits again")
    tries: Mapped[int] = mapped_column(doc="how often a run of it has begun")
    claimed_by: Mapped[str] = mapped_column(doc="machine and process of the run; '' before the first")
    flow_run: Mapped[str] = mapped_column(doc="id of the flow run in Prefect; '' before the first")
    recorded_at: Mapped[datetime] = mapped_column(doc="when its checkpoint was first seen whole for this watch (UTC)")
    announced_at: Mapped[datetime | None] = mapped_column(doc="when it was last announced (UTC)")
    claimed_at: Mapped[datetime | None] = mapped_column(doc="when its run began (UTC)")
    ended_at: Mapped[datetime | None] = mapped_column(doc="when its run ended (UTC)")
