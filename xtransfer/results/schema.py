"""The tables, as typed models. Narrow rows with natural keys; text keys are never NULL, for upserts.

The views (`cell_scores`, `gains`, `contrasts`, `transfer_gap`, `runs`) are made by the migrations.
A change here needs a migration: a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    MetaData,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERSION_TABLE = "xtransfer_schema"  # Prefect may keep its own alembic_version in the same PostgreSQL database

_Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite keeps no time zone, so it is put back on reading. A naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        float: Float,
        datetime: UtcDateTime,
        dict[str, Any]: _Json,
    }


class StudyRow(Base):
    """A study as it was last run."""

    __tablename__ = "study"
    __table_args__ = (CheckConstraint("name <> ''", name="named"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    question: Mapped[str]
    definition: Mapped[dict[str, Any]]  # Study.model_dump(mode="json")
    digest: Mapped[str]  # of the definition: equal digests, equal studies
    updated_at: Mapped[datetime]


class CellRow(Base):
    """A cell; equal keys mean equal training, data and test."""

    __tablename__ = "cell"
    __table_args__ = (
        CheckConstraint("encoder <> '' AND intermediate <> '' AND target <> ''", name="named"),
        CheckConstraint("seed >= 0", name="seed"),
        CheckConstraint("status IN ('planned', 'done', 'degenerate', 'failed')", name="status"),
        CheckConstraint("status IN ('planned', 'done') OR reason <> ''", name="reason"),
        Index(None, "target", "encoder", "seed", "intermediate"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    encoder: Mapped[str]  # as in the plan: `name@seed` or `hub id@commit`
    encoder_revision: Mapped[str]  # hub commit, or the key of the stage that pretrained it; '' if neither
    intermediate: Mapped[str]  # slug: `direct`, `nli@de`, `nli@de~engine`, joined by '+'
    intermediate_language: Mapped[str]  # '' for direct; several joined by '+'
    intermediate_engine: Mapped[str]  # '' where the rows are native
    target: Mapped[str]  # slug: `xnli`, `xnli<lingnli`
    seed: Mapped[int]
    score_stage: Mapped[str]  # key of its score stage; not a reference: a planned cell has no such row yet
    recipes: Mapped[dict[str, Any]]  # readable stage name → recipe
    status: Mapped[str]
    reason: Mapped[str]  # why it is degenerate or failed


class StudyCellRow(Base):
    """Which cells a study has; studies may share cells."""

    __tablename__ = "study_cell"
    __table_args__ = (Index(None, "cell"),)

    study: Mapped[str] = mapped_column(ForeignKey("study.name", ondelete="CASCADE"), primary_key=True)
    cell: Mapped[str] = mapped_column(ForeignKey("cell.key", ondelete="CASCADE"), primary_key=True)


class StageRow(Base):
    """An executed stage: the manifest of its artifact."""

    __tablename__ = "stage"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("seconds >= 0", name="seconds"),
    )

    key: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    version: Mapped[int]
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]
    facts: Mapped[dict[str, Any]]
    packages: Mapped[dict[str, Any]]
    host: Mapped[str]
    device: Mapped[str]
    started: Mapped[datetime]
    seconds: Mapped[float]


class CellStageRow(Base):
    """The stages behind a cell, its score stage and all that fed it."""

    __tablename__ = "cell_stage"
    __table_args__ = (Index(None, "stage"),)

    cell: Mapped[str] = mapped_column(ForeignKey("cell.key", ondelete="CASCADE"), primary_key=True)
    stage: Mapped[str] = mapped_column(ForeignKey("stage.key", ondelete="CASCADE"), primary_key=True)


class ScoreRow(Base):
    """One number, in points: 0 to 100, a correlation from -100."""

    __tablename__ = "score"
    __table_args__ = (
        CheckConstraint("value BETWEEN -100 AND 100", name="value"),
        CheckConstraint("n > 0", name="n"),
        CheckConstraint("chance IS NULL OR chance BETWEEN 0 AND 100", name="chance"),
        CheckConstraint("language <> '' AND split <> '' AND metric <> ''", name="named"),
    )

    cell: Mapped[str] = mapped_column(ForeignKey("cell.key", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    split: Mapped[str] = mapped_column(primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    n: Mapped[int]  # items scored
    chance: Mapped[float | None]  # points of a random or constant prediction
    constant: Mapped[bool]  # all predictions of the language are equal
    artifact: Mapped[str] = mapped_column(ForeignKey("stage.key"))  # holds predictions.parquet
    recorded_at: Mapped[datetime]
