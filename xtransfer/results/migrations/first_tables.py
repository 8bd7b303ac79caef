"""The tables of the first schema, as the models had them then. Later steps change them with statements of their own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

_NAMES = {
    "pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}  # fmt: skip
METADATA = MetaData(naming_convention=_NAMES)
_JSON = JSON().with_variant(JSONB(), "postgresql")
_MOMENT = DateTime(timezone=True)


def _columns(kind: Any, *names: str, null: bool = False) -> list[Column[Any]]:
    return [Column(name, kind, nullable=null) for name in names]


def _table(name: str, *items: Any, **options: Any) -> None:
    Table(name, METADATA, *items, **options)


_table(
    "checkpoint_run",
    *_columns(Text, "digest", "watch", "study", "location", "state", "reason"),
    Column("tries", Integer, nullable=False),
    *_columns(Text, "claimed_by", "flow_run"),
    Column("recorded_at", _MOMENT, nullable=False),
    *_columns(_MOMENT, "announced_at", "claimed_at", "ended_at", null=True),
    PrimaryKeyConstraint("digest", "watch"),
    CheckConstraint("digest <> '' AND watch <> '' AND location <> '' AND study <> ''", name="named"),
    CheckConstraint("state <> 'failed' OR reason <> ''", name="reason"),
    CheckConstraint("state IN ('waiting', 'announced', 'running', 'done', 'failed')", name="state"),
    CheckConstraint("tries >= 0", name="tries"),
    Index(None, "study"),
    Index(None, "watch", "state"),
)
_table(
    "encoder",
    *_columns(Text, "name", "source", "id", "revision"),
    PrimaryKeyConstraint("name"),
    CheckConstraint("name <> ''", name="named"),
    CheckConstraint("source IN ('hub', 'folder', 'trained-here', 'unknown')", name="source"),
)
_table("identity", Column("id", Text, nullable=False), PrimaryKeyConstraint("id"))
_table(
    "language",
    *_columns(Text, "code", "name", "family", "branch", "script"),
    PrimaryKeyConstraint("code"),
    CheckConstraint("code <> ''", name="coded"),
)
_table(
    "metric",
    Column("name", Text, nullable=False),
    *_columns(Float, "lowest", "highest"),
    Column("definition", Text, nullable=False),
    PrimaryKeyConstraint("name"),
    CheckConstraint("lowest < highest", name="range"),
)
_table(
    "stage",
    *_columns(Text, "key", "kind"),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    *_columns(_JSON, "settings", "facts", "packages"),
    *_columns(Text, "host", "device"),
    Column("started", _MOMENT, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("energy_joules", Float, nullable=True),
    PrimaryKeyConstraint("key"),
    CheckConstraint("energy_joules >= 0", name="energy_joules"),
    CheckConstraint("seconds >= 0", name="seconds"),
    CheckConstraint("version > 0", name="version"),
)
_table(
    "study",
    *_columns(Text, "name", "question"),
    Column("definition", _JSON, nullable=False),
    Column("digest", Text, nullable=False),
    Column("updated_at", _MOMENT, nullable=False),
    PrimaryKeyConstraint("name"),
    CheckConstraint("name <> ''", name="named"),
)
_table(
    "watched_checkpoint",
    *_columns(Text, "location", "digest", "source"),
    Column("step", Integer, nullable=True),
    *_columns(Text, "state", "reason", "fingerprint"),
    *_columns(_MOMENT, "first_seen", "changed_at"),
    PrimaryKeyConstraint("location", "digest"),
    CheckConstraint("(state IN ('whole', 'repeated')) = (digest <> '')", name="digest"),
    CheckConstraint("location <> '' AND source <> ''", name="named"),
    CheckConstraint("state = 'whole' OR reason <> ''", name="reason"),
    CheckConstraint("state IN ('whole', 'repeated', 'unfinished', 'refused')", name="state"),
    Index(None, "digest"),
)
_table(
    "benchmark",
    *_columns(Text, "name", "revision", "kind"),
    Column("metric", Text, nullable=True),
    Column("num_languages", Integer, nullable=False),
    *_columns(Text, "source", "licence"),
    PrimaryKeyConstraint("name", "revision"),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
    CheckConstraint("name <> ''", name="named"),
    CheckConstraint("num_languages >= 0", name="num_languages"),
)
_table(
    "cell",
    *_columns(
        Text,
        "key",
        "encoder",
        "encoder_revision",
        "intermediate",
        "intermediate_language",
        "intermediate_engine",
        "target",
        "benchmark",
    ),
    Column("whole_test", Boolean, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("score_stage", Text, nullable=False),
    Column("recipes", _JSON, nullable=False),
    *_columns(Text, "status", "reason"),
    PrimaryKeyConstraint("key"),
    ForeignKeyConstraint(["encoder"], ["encoder.name"]),
    CheckConstraint("encoder <> '' AND intermediate <> '' AND target <> ''", name="named"),
    CheckConstraint("status IN ('planned', 'done') OR reason <> ''", name="reason"),
    CheckConstraint("seed >= 0", name="seed"),
    CheckConstraint("status IN ('planned', 'done', 'degenerate', 'failed')", name="status"),
    Index(None, "encoder"),
    Index(None, "target", "encoder", "seed", "intermediate"),
)
_table(
    "checkpoint",
    *_columns(Text, "stage", "encoder", "role", "trained_on"),
    *_columns(Integer, "seed", "steps", null=True),
    Column("parent", Text, nullable=True),
    PrimaryKeyConstraint("stage"),
    ForeignKeyConstraint(["encoder"], ["encoder.name"]),
    ForeignKeyConstraint(["parent"], ["checkpoint.stage"], ondelete="CASCADE"),
    ForeignKeyConstraint(["stage"], ["stage.key"], ondelete="CASCADE"),
    CheckConstraint("role IN ('pretrained', 'intermediate', 'target')", name="role"),
    Index(None, "encoder"),
    Index(None, "parent"),
)
_table(
    "planned_stage",
    *_columns(Text, "study", "stage"),
    PrimaryKeyConstraint("study", "stage"),
    ForeignKeyConstraint(["study"], ["study.name"], ondelete="CASCADE"),
    Index(None, "stage"),
    sqlite_with_rowid=False,
)
_table(
    "published",
    *_columns(Text, "paper", "model", "setting", "benchmark", "language", "metric"),
    Column("value", Float, nullable=False),
    Column("n_languages", Integer, nullable=True),
    *_columns(Text, "source", "trust", "note"),
    PrimaryKeyConstraint("paper", "model", "setting", "benchmark", "language", "metric"),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
    CheckConstraint("n_languages IS NULL OR n_languages > 0", name="n_languages"),
    CheckConstraint("paper <> '' AND model <> '' AND setting <> '' AND benchmark <> ''", name="named"),
    CheckConstraint("source <> ''", name="sourced"),
    CheckConstraint("trust IN ('paper', 'authors'' code or README', 'third party')", name="trust"),
    CheckConstraint("value BETWEEN -100 AND 100", name="value"),
    Index(None, "benchmark", "metric", "language"),
)
_table(
    "suite_part",
    *_columns(Text, "suite", "benchmark", "scored", "language", "metric"),
    PrimaryKeyConstraint("suite", "benchmark", "scored", "language", "metric"),
    ForeignKeyConstraint(["language"], ["language.code"]),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
)
_table(
    "translation",
    *_columns(Text, "stage", "benchmark", "language", "engine", "engine_revision"),
    *_columns(Integer, "num_rows", "kept", "dropped", "compared"),
    *_columns(Float, "chrf", "exact_match", "bleu", null=True),
    PrimaryKeyConstraint("stage"),
    ForeignKeyConstraint(["language"], ["language.code"]),
    ForeignKeyConstraint(["stage"], ["stage.key"], ondelete="CASCADE"),
    CheckConstraint("bleu IS NULL OR bleu BETWEEN 0 AND 100", name="bleu"),
    CheckConstraint("chrf IS NULL OR chrf BETWEEN 0 AND 100", name="chrf"),
    CheckConstraint("num_rows >= kept AND kept >= 0 AND dropped >= 0", name="counts"),
    CheckConstraint("exact_match IS NULL OR exact_match BETWEEN 0 AND 100", name="exact_match"),
)
_table(
    "cell_benchmark",
    *_columns(Text, "cell", "role", "benchmark", "languages", "revision", "split", "data"),
    Column("translation", Text, nullable=True),
    PrimaryKeyConstraint("cell", "role", "benchmark", "languages"),
    ForeignKeyConstraint(["benchmark", "revision"], ["benchmark.name", "benchmark.revision"]),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["translation"], ["translation.stage"], ondelete="SET NULL"),
    CheckConstraint("role IN ('intermediate', 'target-train', 'target-score')", name="role"),
    Index(None, "benchmark", "revision"),
    Index(None, "translation"),
)
_table(
    "cell_mean",
    *_columns(Text, "cell", "split", "metric", "target", "encoder", "intermediate"),
    Column("value", Float, nullable=False),
    Column("unseen", Float, nullable=True),
    Column("num_languages", Integer, nullable=False),
    PrimaryKeyConstraint("cell", "split", "metric"),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
    Index(
        "ix_cell_mean_leaderboard",
        "target",
        "split",
        "metric",
        "encoder",
        "intermediate",
        "value",
        "unseen",
        "num_languages",
    ),
    sqlite_with_rowid=False,
)
_table(
    "cell_stage",
    *_columns(Text, "cell", "stage"),
    PrimaryKeyConstraint("cell", "stage"),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["stage"], ["stage.key"], ondelete="CASCADE"),
    Index(None, "stage"),
)
_table(
    "prediction",
    *_columns(Text, "cell", "artifact", "file"),
    Column("num_rows", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("cell", "artifact"),
    ForeignKeyConstraint(["artifact"], ["stage.key"]),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    CheckConstraint("num_rows > 0", name="num_rows"),
    Index(None, "artifact"),
)
_table(
    "score",
    *_columns(Text, "cell", "language", "split", "metric"),
    Column("value", Float, nullable=False),
    Column("n", Integer, nullable=False),
    *_columns(Float, "low", "high", "chance", null=True),
    Column("constant", Boolean, nullable=False),
    Column("artifact", Text, nullable=False),
    Column("recorded_at", _MOMENT, nullable=False),
    PrimaryKeyConstraint("cell", "language", "split", "metric"),
    ForeignKeyConstraint(["artifact"], ["stage.key"]),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["language"], ["language.code"]),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
    CheckConstraint("chance IS NULL OR chance BETWEEN 0 AND 100", name="chance"),
    CheckConstraint(
        "(low IS NULL AND high IS NULL) OR (low IS NOT NULL AND high IS NOT NULL AND low <= value AND value <= high)",
        name="interval",
    ),
    CheckConstraint("n > 0", name="n"),
    CheckConstraint("split <> ''", name="named"),
    CheckConstraint(
        "value BETWEEN CASE WHEN metric IN ('pearson', 'spearman') THEN -100 ELSE 0 END AND 100", name="value"
    ),
    sqlite_with_rowid=False,
)
_table(
    "study_cell",
    *_columns(Text, "study", "cell"),
    Column("baseline", Text, nullable=True),
    PrimaryKeyConstraint("study", "cell"),
    ForeignKeyConstraint(["baseline"], ["cell.key"], ondelete="SET NULL"),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["study"], ["study.name"], ondelete="CASCADE"),
    Index(None, "baseline"),
    Index(None, "cell"),
)
