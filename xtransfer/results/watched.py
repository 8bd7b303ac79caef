"""The tables of checkpoints that a watch found, and of the runs for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.results.base import Base


class WatchedCheckpointRow(Base):
    """A checkpoint that a watch found at a location; new weights at the same location get a new row."""

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
        primary_key=True, doc="digest of weights, configuration and tokenizer; '' while it is incomplete"
    )
    source: Mapped[str] = mapped_column(doc="pattern or repository that matched it")
    step: Mapped[int | None] = mapped_column(doc="training step from its name or the commit's title; NULL if unknown")
    state: Mapped[str] = mapped_column(
        doc="`whole`, `repeated` (same bytes as another), `unfinished` (files are missing) or `refused`"
    )
    reason: Mapped[str] = mapped_column(doc="why it is not run; '' if `whole`")
    fingerprint: Mapped[str] = mapped_column(
        doc="digest of the names, sizes and times of its files when they last changed"
    )
    first_seen: Mapped[datetime] = mapped_column(doc="when a watch first saw it, in any state (UTC)")
    changed_at: Mapped[datetime] = mapped_column(doc="when a watch last saw its files change (UTC)")


class CheckpointRunRow(Base):
    """The run for a checkpoint: one for each checkpoint and watch."""

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
    watch: Mapped[str] = mapped_column(primary_key=True, doc="name of the watch, which sets what is run")
    study: Mapped[str] = mapped_column(doc="name of the study that has its results")
    location: Mapped[str] = mapped_column(doc="where the checkpoint is read from")
    state: Mapped[str] = mapped_column(doc="`waiting`, `announced` by an event, `running`, `done` or `failed`")
    reason: Mapped[str] = mapped_column(doc="why it failed or waits again")
    tries: Mapped[int] = mapped_column(doc="number of runs started")
    claimed_by: Mapped[str] = mapped_column(doc="machine and process of the run; '' before the first")
    flow_run: Mapped[str] = mapped_column(doc="id of the Prefect flow run; '' before the first")
    recorded_at: Mapped[datetime] = mapped_column(doc="when this watch first saw the checkpoint whole (UTC)")
    announced_at: Mapped[datetime | None] = mapped_column(doc="when it was last announced (UTC)")
    claimed_at: Mapped[datetime | None] = mapped_column(doc="when its run started (UTC)")
    ended_at: Mapped[datetime | None] = mapped_column(doc="when its run ended (UTC)")
