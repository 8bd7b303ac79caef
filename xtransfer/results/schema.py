"""The tables, as typed models. Narrow rows with natural keys; text keys are never NULL, for upserts.

The views are made by the migrations. A change here needs a migration: a test compares the two. What the columns
hold is said here (`doc`) and shown in docs/reference/database.md, which is made from it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.results.base import VERSION_TABLE, Base, UtcDateTime
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

SIGNED_METRICS = ("pearson", "spearman")  # those that reach below 0; others need a migration


def _cell_key(**options: Any) -> Mapped[str]:
    return mapped_column(ForeignKey("cell.key", ondelete="CASCADE"), doc="key of the cell", **options)


class CellRow(Base):
    """A cell: encoder × intermediate × target × seed. Equal keys mean equal names, training, data and test."""

    __tablename__ = "cell"
    __table_args__ = (
        CheckConstraint("encoder <> '' AND intermediate <> '' AND target <> ''", name="named"),
        CheckConstraint("seed >= 0", name="seed"),
        CheckConstraint("status IN ('planned', 'done', 'degenerate', 'failed')", name="status"),
        CheckConstraint("status IN ('planned', 'done') OR reason <> ''", name="reason"),
        Index(None, "target", "encoder", "seed", "intermediate"),
        Index(None, "encoder"),
    )

    key: Mapped[str] = mapped_column(primary_key=True, doc="digest of its names, its seed and what decides the result")
    encoder: Mapped[str] = mapped_column(ForeignKey("encoder.name"), doc="`name@seed` or `hub id@commit`")
    encoder_revision: Mapped[str] = mapped_column(
        doc="hub commit, or the key of the stage that pretrained it; '' if neither"
    )
    intermediate: Mapped[str] = mapped_column(
        doc="slug: `direct`, `nli@de`, `nli@de~engine`; '+' joins a mixture, '>' phases"
    )
    intermediate_language: Mapped[str] = mapped_column(doc="'' for direct; several joined by '+'")
    intermediate_engine: Mapped[str] = mapped_column(doc="translation engine; '' where the rows are native")
    target: Mapped[str] = mapped_column(
        doc="slug: `xnli`, `xnli<lingnli`, `xnli:first500`, `xnli:translate-test~opus-mt`"
    )
    benchmark: Mapped[str] = mapped_column(doc="benchmark that the target scores")
    whole_test: Mapped[bool] = mapped_column(doc="whether the whole test split is scored, not a part or the dev split")
    seed: Mapped[int] = mapped_column(doc="training seed")
    score_stage: Mapped[str] = mapped_column(
        doc="key of its score stage; not a reference: a planned cell has no such row yet"
    )
    status: Mapped[str] = mapped_column(doc="`planned`, `done`, `degenerate` (learnt nothing) or `failed`")
    reason: Mapped[str] = mapped_column(doc="why it is degenerate or failed")


class StudyCellRow(Base):
    """Which cells a study has; studies may share cells."""

    __tablename__ = "study_cell"
    __table_args__ = (Index(None, "cell"), Index(None, "baseline"))

    study: Mapped[str] = mapped_column(
        ForeignKey("study.name", ondelete="CASCADE"), primary_key=True, doc="name of the study"
    )
    cell: Mapped[str] = _cell_key(primary_key=True)
    baseline: Mapped[str | None] = mapped_column(
        ForeignKey("cell.key", ondelete="SET NULL"),
        doc="the study's `direct` cell of the same encoder, target and seed; NULL where there is none or it is one",
    )


class CheckpointRow(Base):
    """The checkpoint that a pretrain or train stage left; what it is in a cell is in `cell_stage`."""

    __tablename__ = "checkpoint"
    __table_args__ = (
        Index(None, "parent"),
        Index(None, "encoder"),
    )

    stage: Mapped[str] = mapped_column(
        ForeignKey("stage.key", ondelete="CASCADE"), primary_key=True, doc="key of the stage that left it"
    )
    encoder: Mapped[str] = mapped_column(ForeignKey("encoder.name"), doc="encoder that it descends from")
    trained_on: Mapped[str] = mapped_column(
        doc="corpus, or benchmark@language parts joined by '+', `~engine` where translated"
    )
    seed: Mapped[int | None] = mapped_column(doc="training seed")
    steps: Mapped[int | None] = mapped_column(doc="optimizer steps")
    parent: Mapped[str | None] = mapped_column(
        ForeignKey("checkpoint.stage", ondelete="CASCADE"),
        doc="checkpoint that it started from; NULL: the encoder as it comes",
    )


class TranslationRow(Base):
    """Rows of a benchmark in another language, made by an engine, and how good they are."""

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
        doc="benchmark whose rows were translated; its stage says which split, and from what language"
    )
    language: Mapped[str] = mapped_column(ForeignKey("language.code"), doc="language translated into")
    engine: Mapped[str] = mapped_column(doc="name of the engine")
    engine_revision: Mapped[str] = mapped_column(
        doc="hub commit, digest of the folder, or the key of the stage that made it"
    )
    num_rows: Mapped[int] = mapped_column(doc="rows given to it")
    kept: Mapped[int] = mapped_column(doc="rows that came out whole")
    dropped: Mapped[int] = mapped_column(doc="rows left out")
    compared: Mapped[int] = mapped_column(doc="distinct sentences compared with references; 0: there are none")
    chrf: Mapped[float | None] = mapped_column(doc="chrF2 against the references, in points (sacrebleu)")
    exact_match: Mapped[float | None] = mapped_column(doc="share that equals its reference, in points")
    bleu: Mapped[float | None] = mapped_column(doc="BLEU against the references, in points, where it was computed")


class CellBenchmarkRow(Base):
    """What a cell read: benchmarks and the pins of their rows."""

    __tablename__ = "cell_benchmark"
    __table_args__ = (
        CheckConstraint("role IN ('intermediate', 'target-train', 'target-score')", name="role"),
        ForeignKeyConstraint(["benchmark", "revision"], ["benchmark.name", "benchmark.revision"]),
        Index(None, "benchmark", "revision"),
        Index(None, "translation"),
    )

    cell: Mapped[str] = _cell_key(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True, doc="`intermediate`, `target-train` or `target-score`")
    benchmark: Mapped[str] = mapped_column(primary_key=True, doc="name of the benchmark")
    languages: Mapped[str] = mapped_column(primary_key=True, doc="languages that were read, with spaces between")
    revision: Mapped[str] = mapped_column(doc="as in `benchmark`")
    split: Mapped[str] = mapped_column(doc="`train`, `dev` or `test`")
    data: Mapped[str] = mapped_column(doc="digest that names the rows: declaration, source revision, split, languages")
    translation: Mapped[str | None] = mapped_column(
        ForeignKey("translation.stage", ondelete="SET NULL"), doc="translation that was read; NULL: native rows"
    )


_RANGE = f"value BETWEEN CASE WHEN metric IN ({', '.join(map(repr, SIGNED_METRICS))}) THEN -100 ELSE 0 END AND 100"
_INTERVAL = (
    "(low IS NULL AND high IS NULL) OR (low IS NOT NULL AND high IS NOT NULL AND low <= value AND value <= high)"
)


class ScoreRow(Base):
    """One number, in points: 0 to 100, a correlation from -100."""

    __tablename__ = "score"
    __table_args__ = (
        CheckConstraint(_RANGE, name="value"),
        CheckConstraint("n > 0", name="n"),
        CheckConstraint("chance IS NULL OR chance BETWEEN 0 AND 100", name="chance"),
        CheckConstraint("split <> ''", name="named"),
        CheckConstraint(_INTERVAL, name="interval"),
        {"sqlite_with_rowid": False},
    )

    cell: Mapped[str] = _cell_key(primary_key=True)
    language: Mapped[str] = mapped_column(ForeignKey("language.code"), primary_key=True, doc="language of the items")
    split: Mapped[str] = mapped_column(primary_key=True, doc="`test`, or `dev` where the target says so")
    metric: Mapped[str] = mapped_column(ForeignKey("metric.name"), primary_key=True, doc="name of the metric")
    value: Mapped[float] = mapped_column(doc="points")
    n: Mapped[int] = mapped_column(doc="items scored")
    low: Mapped[float | None] = mapped_column(
        doc="lower end of the 95% interval over test items, of this one training run; NULL: no points per item"
    )
    high: Mapped[float | None] = mapped_column(doc="upper end of the same interval")
    chance: Mapped[float | None] = mapped_column(doc="points of a random or constant prediction")
    constant: Mapped[bool] = mapped_column(doc="whether all predictions of the language are equal")
    artifact: Mapped[str] = mapped_column(ForeignKey("stage.key"), doc="key of the score stage")
    recorded_at: Mapped[datetime] = mapped_column(doc="when the number was first written (UTC)")


class CellMeanRow(Base):
    """The mean of a done cell over its languages; written with its scores, read by the leaderboards."""

    __tablename__ = "cell_mean"
    __table_args__ = (
        Index(
            "ix_cell_mean_leaderboard",
            "target", "split", "metric", "encoder", "intermediate", "value", "unseen", "num_languages",
        ),
        {"sqlite_with_rowid": False},
    )  # fmt: skip

    cell: Mapped[str] = _cell_key(primary_key=True)
    split: Mapped[str] = mapped_column(primary_key=True, doc="as in `score`")
    metric: Mapped[str] = mapped_column(ForeignKey("metric.name"), primary_key=True, doc="as in `score`")
    target: Mapped[str] = mapped_column(doc="as in `cell`")
    encoder: Mapped[str] = mapped_column(doc="as in `cell`")
    intermediate: Mapped[str] = mapped_column(doc="as in `cell`")
    value: Mapped[float] = mapped_column(doc="mean over all its languages, in points")
    unseen: Mapped[float | None] = mapped_column(doc="mean over all but English, which the target was trained in")
    num_languages: Mapped[int] = mapped_column(doc="languages that the mean is over")


class PredictionRow(Base):
    """Where the predictions behind a cell's scores are: a Parquet file with a row per item."""

    __tablename__ = "prediction"
    __table_args__ = (CheckConstraint("num_rows > 0", name="num_rows"), Index(None, "artifact"))

    cell: Mapped[str] = _cell_key(primary_key=True)
    artifact: Mapped[str] = mapped_column(
        ForeignKey("stage.key"), primary_key=True, doc="key of the score stage, whose artifact holds the file"
    )
    file: Mapped[str] = mapped_column(doc="name of the file in the artifact")
    num_rows: Mapped[int] = mapped_column(doc="items in it, of all languages")
    sha256: Mapped[str] = mapped_column(doc="digest of the file, as in the artifact's manifest")
