"""The tables that say which artifacts are in use: studies, the stages they need, and the identity of the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.base.declared import JsonObject
from xtransfer.results.base import Base


class StudyRow(Base):
    """A study as it was last recorded."""

    __tablename__ = "study"
    __table_args__ = (CheckConstraint("name <> ''", name="named"),)

    name: Mapped[str] = mapped_column(primary_key=True, doc="name of the study")
    question: Mapped[str] = mapped_column(doc="question that it answers")
    definition: Mapped[JsonObject] = mapped_column(doc="the whole declaration")
    digest: Mapped[str] = mapped_column(doc="digest of the declaration: equal digests, equal studies")
    updated_at: Mapped[datetime] = mapped_column(doc="when a study with this declaration was first recorded (UTC)")


class PlannedStageRow(Base):
    """The stages that a study needs, finished or not; `store gc` keeps their artifacts."""

    __tablename__ = "planned_stage"
    __table_args__ = (Index(None, "stage"), {"sqlite_with_rowid": False})

    study: Mapped[str] = mapped_column(
        ForeignKey("study.name", ondelete="CASCADE"), primary_key=True, doc="name of the study"
    )
    stage: Mapped[str] = mapped_column(
        primary_key=True, doc="key of the stage; not a foreign key, since unfinished stages have no row in `stage`"
    )


class IdentityRow(Base):
    """One row: the identity of this database, by which an artifact store knows who uses it."""

    __tablename__ = "identity"

    id: Mapped[str] = mapped_column(primary_key=True, doc="random; copies of the database keep it")
