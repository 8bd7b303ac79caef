"""The tables that say what must be kept in an artifact store: the stages of every study, and whose database it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.results.base import Base


class StudyRow(Base):
    """A study as it was last run."""

    __tablename__ = "study"
    __table_args__ = (CheckConstraint("name <> ''", name="named"),)

    name: Mapped[str] = mapped_column(primary_key=True, doc="name of the study")
    question: Mapped[str] = mapped_column(doc="what it is to answer")
    definition: Mapped[dict[str, Any]] = mapped_column(doc="the whole declaration, as JSON")
    digest: Mapped[str] = mapped_column(doc="of the declaration: equal digests, equal studies")
    updated_at: Mapped[datetime] = mapped_column(doc="when this declaration was first run (UTC)")


class PlannedStageRow(Base):
    """The stages that a study needs, whether they have run or not; `store gc` keeps their artifacts."""

    __tablename__ = "planned_stage"
    __table_args__ = (Index(None, "stage"), {"sqlite_with_rowid": False})

    study: Mapped[str] = mapped_column(
        ForeignKey("study.name", ondelete="CASCADE"), primary_key=True, doc="name of the study"
    )
    stage: Mapped[str] = mapped_column(
        primary_key=True, doc="key of the stage; not a reference: one that has not run has no row in `stage`"
    )


class IdentityRow(Base):
    """One row: the identity of this database, by which an artifact store knows who uses it."""

    __tablename__ = "identity"

    id: Mapped[str] = mapped_column(primary_key=True, doc="random; a copy of the database has the same")
