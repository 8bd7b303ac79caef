"""The tables as typed models: narrow rows with natural keys. Text keys are never NULL, since upserts need that.

Migrations make the views. A change here needs a migration; a test compares the two. docs/reference/database.md is
generated from the `doc` of each column.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.results.base import VERSION_TABLE, Base, UtcDateTime, cell_key
from xtransfer.results.catalogue import BenchmarkRow, EncoderRow, LanguageRow, MetricRow, PublishedRow, SuitePartRow
from xtransfer.results.executed import CellStageRow, StageRow
from xtransfer.results.planned import IdentityRow, PlannedStageRow, StudyRow
from xtransfer.results.watched import CheckpointRunRow, WatchedCheckpointRow

__all__ = [
    "VERSION_TABLE",
    "Base",
    "BenchmarkRow",
    "CellBenchmarkRow",
    "CellMeanRow",
    "CellRow",
    "CellStageRow",
    "CheckpointRow",
    "CheckpointRunRow",
    "EncoderRow",
    "IdentityRow",
    "LanguageRow",
    "MetricRow",
    "PlannedStageRow",
    "PredictionRow",
    "PublishedRow",
    "ScoreRow",
    "StageRow",
    "StudyCellRow",
    "StudyRow",
    "SuitePartRow",
    "TranslationRow",
    "UtcDateTime",
    "WatchedCheckpointRow",
]

SIGNED_METRICS = ("pearson", "spearman")  # metrics with values below 0; a new one needs a migration


class CellRow(Base):
    """A cell: encoder × intermediate × target × seed. Equal keys mean equal names, training and data."""

    __tablename__ = "cell"
    __table_args__ = (
        CheckConstraint("encoder <> '' AND intermediate <> '' AND target <> ''", name="named"),
        CheckConstraint("seed >= 0", name="seed"),
        CheckConstraint("status IN ('planned', 'done', 'degenerate', 'failed')", name="status"),
        CheckConstraint("status IN ('planned', 'done') OR reason <> ''", name="reason"),
        Index(None, "target", "encoder", "seed", "intermediate"),
        Index(None, "encoder"),
    )

    key: Mapped[str] = mapped_column(
        primary_key=True, doc="digest of its names, its seed and everything that changes the result"
    )
    encoder: Mapped[str] = mapped_column(ForeignKey("encoder.name"), doc="`name@seed` or `hub id@commit`")
    encoder_revision: Mapped[str] = mapped_column(
        doc="hub commit, or key of the stage that pretrained it; '' if neither"
    )
    intermediate: Mapped[str] = mapped_column(
        doc="slug: `direct`, `nli@de`, `nli@de~engine`; '+' joins a mixture, '>' phases"
    )
    intermediate_language: Mapped[str] = mapped_column(doc="'' for direct; several joined by '+'")
    intermediate_engine: Mapped[str] = mapped_column(doc="translation engine; '' for native rows")
    target: Mapped[str] = mapped_column(
        doc="slug: `xnli`, `xnli<lingnli`, `xnli:first500`, `xnli:translate-test~opus-mt`"
    )
    benchmark: Mapped[str] = mapped_column(doc="benchmark that is scored")
    whole_test: Mapped[bool] = mapped_column(
        doc="whether the whole test split is scored, not part of it or the dev split"
    )
    seed: Mapped[int] = mapped_column(doc="training seed")
    score_stage: Mapped[str] = mapped_column(
        doc="key of its score stage; not a foreign key, since a planned cell has no such row yet"
    )
    status: Mapped[str] = mapped_column(doc="`planned`, `done`, `degenerate` (learned nothing) or `failed`")
    reason: Mapped[str] = mapped_column(doc="why it is degenerate or failed; otherwise ''")


class StudyCellRow(Base):
    """The cells of each study; studies can share cells."""

    __tablename__ = "study_cell"
    __table_args__ = (Index(None, "cell"), Index(None, "baseline"))

    study: Mapped[str] = mapped_column(
        ForeignKey("study.name", ondelete="CASCADE"), primary_key=True, doc="name of the study"
    )
    cell: Mapped[str] = cell_key()
    baseline: Mapped[str | None] = mapped_column(
        ForeignKey("cell.key", ondelete="SET NULL"),
        doc="the study's `direct` cell of the same encoder, target and seed; NULL if there is none or it is this one",
    )


class CheckpointRow(Base):
    """The checkpoint of a pretrain or train stage; `cell_stage` has its role in each cell."""

    __tablename__ = "checkpoint"
    __table_args__ = (
        Index(None, "parent"),
        Index(None, "encoder"),
    )

    stage: Mapped[str] = mapped_column(
        ForeignKey("stage.key", ondelete="CASCADE"), primary_key=True, doc="key of the stage that made it"
    )
    encoder: Mapped[str] = mapped_column(ForeignKey("encoder.name"), doc="encoder that its training started from")
    trained_on: Mapped[str] = mapped_column(
        doc="corpus, or benchmark@language parts joined by '+', with `~engine` if translated"
    )
    seed: Mapped[int | None] = mapped_column(doc="training seed")
    steps: Mapped[int | None] = mapped_column(doc="optimizer steps")
    parent: Mapped[str | None] = mapped_column(
        ForeignKey("checkpoint.stage", ondelete="CASCADE"),
        doc="checkpoint that it started from; NULL for an unmodified encoder",
    )


class TranslationRow(Base):
    """A translation of a benchmark's rows, and its quality."""

    __tablename__ = "translation"
    __table_args__ = (
        CheckConstraint("num_rows >= kept AND kept >= 0 AND dropped >= 0", name="counts"),
        CheckConstraint("chrf IS NULL OR chrf BETWEEN 0 AND 100", name="chrf"),
        CheckConstraint("exact_match IS NULL OR exact_match BETWEEN 0 AND 100", name="exact_match"),
        CheckConstraint("bleu IS NULL OR bleu BETWEEN 0 AND 100", name="bleu"),
    )

    stage: Mapped[str] = mapped_column(
        ForeignKey("stage.key", ondelete="CASCADE"), primary_key=True, doc="key of the translate stage"
    )
    benchmark: Mapped[str] = mapped_column(
        doc="benchmark whose rows were translated; the stage's settings name split and source language"
    )
    language: Mapped[str] = mapped_column(ForeignKey("language.code"), doc="target language")
    engine: Mapped[str] = mapped_column(doc="name of the engine")
    engine_revision: Mapped[str] = mapped_column(
        doc="hub commit, digest of the folder, or key of the stage that trained it"
    )
    num_rows: Mapped[int] = mapped_column(doc="rows translated")
    kept: Mapped[int] = mapped_column(doc="rows that passed all checks")
    dropped: Mapped[int] = mapped_column(doc="rows left out because a check failed")
    compared: Mapped[int] = mapped_column(doc="distinct sentences compared with references; 0 if there are none")
    chrf: Mapped[float | None] = mapped_column(doc="chrF2 against the references, in points (sacrebleu)")
    exact_match: Mapped[float | None] = mapped_column(doc="percentage equal to its reference")
    bleu: Mapped[float | None] = mapped_column(
        doc="BLEU against the references, in points; NULL if it was not computed"
    )


class CellBenchmarkRow(Base):
    """The benchmarks that a cell read, and the pins of their rows."""

    __tablename__ = "cell_benchmark"
    __table_args__ = (
        CheckConstraint("role IN ('intermediate', 'target-train', 'target-score')", name="role"),
        ForeignKeyConstraint(["benchmark", "revision"], ["benchmark.name", "benchmark.revision"]),
        Index(None, "benchmark", "revision"),
        Index(None, "translation"),
    )

    cell: Mapped[str] = cell_key()
    role: Mapped[str] = mapped_column(primary_key=True, doc="`intermediate`, `target-train` or `target-score`")
    benchmark: Mapped[str] = mapped_column(primary_key=True, doc="name of the benchmark")
    languages: Mapped[str] = mapped_column(primary_key=True, doc="languages read, separated by spaces")
    revision: Mapped[str] = mapped_column(doc="as in `benchmark`")
    split: Mapped[str] = mapped_column(doc="`train`, `dev` or `test`")
    data: Mapped[str] = mapped_column(doc="digest that pins the rows: declaration, source revision, split, languages")
    translation: Mapped[str | None] = mapped_column(
        ForeignKey("translation.stage", ondelete="SET NULL"), doc="translation that was read; NULL for native rows"
    )


_RANGE = f"value BETWEEN CASE WHEN metric IN ({', '.join(map(repr, SIGNED_METRICS))}) THEN -100 ELSE 0 END AND 100"
_INTERVAL = (
    "(low IS NULL AND high IS NULL) OR (low IS NOT NULL AND high IS NOT NULL AND low <= value AND value <= high)"
)


class ScoreRow(Base):
    """One score in points: 0 to 100; correlations start at -100."""

    __tablename__ = "score"
    __table_args__ = (
        CheckConstraint(_RANGE, name="value"),
        CheckConstraint("n > 0", name="n"),
        CheckConstraint("chance IS NULL OR chance BETWEEN 0 AND 100", name="chance"),
        CheckConstraint("split <> ''", name="named"),
        CheckConstraint(_INTERVAL, name="interval"),
        {"sqlite_with_rowid": False},
    )

    cell: Mapped[str] = cell_key()
    language: Mapped[str] = mapped_column(ForeignKey("language.code"), primary_key=True, doc="language of the items")
    split: Mapped[str] = mapped_column(primary_key=True, doc="`test`, or `dev` if the target says so")
    metric: Mapped[str] = mapped_column(ForeignKey("metric.name"), primary_key=True, doc="name of the metric")
    value: Mapped[float] = mapped_column(doc="points")
    n: Mapped[int] = mapped_column(doc="items scored")
    low: Mapped[float | None] = mapped_column(
        doc="lower end of the 95% interval over test items, of this training; NULL for metrics without item scores"
    )
    high: Mapped[float | None] = mapped_column(doc="upper end of that interval")
    chance: Mapped[float | None] = mapped_column(doc="points of a random or constant prediction; NULL if unknown")
    constant: Mapped[bool] = mapped_column(doc="whether all predictions in the language are equal")
    artifact: Mapped[str] = mapped_column(ForeignKey("stage.key"), doc="key of the score stage")
    recorded_at: Mapped[datetime] = mapped_column(doc="when this value was first recorded (UTC)")


class CellMeanRow(Base):
    """The mean of a done cell over its languages; the leaderboards read it."""

    __tablename__ = "cell_mean"
    __table_args__ = (
        Index(
            "ix_cell_mean_leaderboard",
            "target", "split", "metric", "encoder", "intermediate", "value", "unseen", "num_languages",
        ),
        {"sqlite_with_rowid": False},
    )  # fmt: skip

    cell: Mapped[str] = cell_key()
    split: Mapped[str] = mapped_column(primary_key=True, doc="as in `score`")
    metric: Mapped[str] = mapped_column(ForeignKey("metric.name"), primary_key=True, doc="as in `score`")
    target: Mapped[str] = mapped_column(doc="as in `cell`")
    encoder: Mapped[str] = mapped_column(doc="as in `cell`")
    intermediate: Mapped[str] = mapped_column(doc="as in `cell`")
    value: Mapped[float] = mapped_column(doc="mean over all its languages, in points")
    unseen: Mapped[float | None] = mapped_column(
        doc="mean over all languages except English, the training language; NULL if there is no other"
    )
    num_languages: Mapped[int] = mapped_column(doc="number of languages in the mean")


class PredictionRow(Base):
    """The Parquet file with the predictions behind a cell's scores, one row per item."""

    __tablename__ = "prediction"
    __table_args__ = (CheckConstraint("num_rows > 0", name="num_rows"), Index(None, "artifact"))

    cell: Mapped[str] = cell_key()
    artifact: Mapped[str] = mapped_column(
        ForeignKey("stage.key"), primary_key=True, doc="key of the score stage whose artifact has the file"
    )
    file: Mapped[str] = mapped_column(doc="file name in the artifact")
    num_rows: Mapped[int] = mapped_column(doc="items in the file, over all languages")
    sha256: Mapped[str] = mapped_column(doc="SHA-256 of the file, from the artifact's manifest")
