"""The tables of the first schema, as the models were then. Later migrations alter them."""

from __future__ import annotations

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
from sqlalchemy.schema import SchemaItem

_NAMES = {
    "pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}  # fmt: skip
METADATA = MetaData(naming_convention=_NAMES)
_JSON = JSON().with_variant(JSONB(), "postgresql")
_MOMENT = DateTime(timezone=True)


def _columns(
    kind: type[Text | Integer | Float[float]] | JSON | DateTime, names: str, null: bool = False
) -> list[SchemaItem]:
    return [Column(name, kind, nullable=null) for name in names.split()]


def _index(columns: str, name: str | None = None) -> Index:
    return Index(name, *columns.split())


def _check(name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(condition, name=name)


def _table(name: str, *items: SchemaItem, sqlite_with_rowid: bool = True) -> None:
    Table(name, METADATA, *items, sqlite_with_rowid=sqlite_with_rowid)


_table(
    "checkpoint_run",
    *_columns(Text, "digest watch study location state reason"),
    Column("tries", Integer, nullable=False),
    *_columns(Text, "claimed_by flow_run"),
    Column("recorded_at", _MOMENT, nullable=False),
    *_columns(_MOMENT, "announced_at claimed_at ended_at", null=True),
    PrimaryKeyConstraint("digest", "watch"),
    _check("named", "digest <> '' AND watch <> '' AND location <> '' AND study <> ''"),
    _check("reason", "state <> 'failed' OR reason <> ''"),
    _check("state", "state IN ('waiting', 'announced', 'running', 'done', 'failed')"),
    _check("tries", "tries >= 0"),
    _index("study"),
    _index("watch state"),
)
_table(
    "encoder",
    *_columns(Text, "name source id revision"),
    PrimaryKeyConstraint("name"),
    _check("named", "name <> ''"),
    _check("source", "source IN ('hub', 'folder', 'trained-here', 'package', 'unknown')"),
)
_table("identity", Column("id", Text, nullable=False), PrimaryKeyConstraint("id"))
_table(
    "language",
    *_columns(Text, "code name family branch script"),
    PrimaryKeyConstraint("code"),
    _check("coded", "code <> ''"),
)
_table(
    "metric",
    Column("name", Text, nullable=False),
    *_columns(Float, "lowest highest"),
    Column("definition", Text, nullable=False),
    PrimaryKeyConstraint("name"),
    _check("range", "lowest < highest"),
)
_table(
    "stage",
    *_columns(Text, "key kind"),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    *_columns(_JSON, "settings facts packages"),
    *_columns(Text, "host device"),
    Column("started", _MOMENT, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("energy_joules", Float, nullable=True),
    PrimaryKeyConstraint("key"),
    _check("energy_joules", "energy_joules >= 0"),
    _check("seconds", "seconds >= 0"),
    _check("version", "version > 0"),
)
_table(
    "study",
    *_columns(Text, "name question"),
    Column("definition", _JSON, nullable=False),
    Column("digest", Text, nullable=False),
    Column("updated_at", _MOMENT, nullable=False),
    PrimaryKeyConstraint("name"),
    _check("named", "name <> ''"),
)
_table(
    "watched_checkpoint",
    *_columns(Text, "location digest source"),
    Column("step", Integer, nullable=True),
    *_columns(Text, "state reason fingerprint"),
    *_columns(_MOMENT, "first_seen changed_at"),
    PrimaryKeyConstraint("location", "digest"),
    _check("digest", "(state IN ('whole', 'repeated')) = (digest <> '')"),
    _check("named", "location <> '' AND source <> ''"),
    _check("reason", "state = 'whole' OR reason <> ''"),
    _check("state", "state IN ('whole', 'repeated', 'unfinished', 'refused')"),
    _index("digest"),
)
_table(
    "benchmark",
    *_columns(Text, "name revision kind"),
    Column("metric", Text, nullable=True),
    Column("num_languages", Integer, nullable=False),
    *_columns(Text, "source licence"),
    PrimaryKeyConstraint("name", "revision"),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
    _check("named", "name <> ''"),
    _check("num_languages", "num_languages >= 0"),
)
_table(
    "cell",
    *_columns(
        Text, "key encoder encoder_revision intermediate intermediate_language intermediate_engine target benchmark"
    ),
    Column("whole_test", Boolean, nullable=False),
    Column("seed", Integer, nullable=False),
    *_columns(Text, "score_stage status reason"),
    PrimaryKeyConstraint("key"),
    ForeignKeyConstraint(["encoder"], ["encoder.name"]),
    _check("named", "encoder <> '' AND intermediate <> '' AND target <> ''"),
    _check("reason", "status IN ('planned', 'done') OR reason <> ''"),
    _check("seed", "seed >= 0"),
    _check("status", "status IN ('planned', 'done', 'degenerate', 'failed')"),
    _index("encoder"),
    _index("target encoder seed intermediate"),
)
_table(
    "checkpoint",
    *_columns(Text, "stage encoder trained_on"),
    *_columns(Integer, "seed steps", null=True),
    Column("parent", Text, nullable=True),
    PrimaryKeyConstraint("stage"),
    ForeignKeyConstraint(["encoder"], ["encoder.name"]),
    ForeignKeyConstraint(["parent"], ["checkpoint.stage"], ondelete="CASCADE"),
    ForeignKeyConstraint(["stage"], ["stage.key"], ondelete="CASCADE"),
    _index("encoder"),
    _index("parent"),
)
_table(
    "planned_stage",
    *_columns(Text, "study stage"),
    PrimaryKeyConstraint("study", "stage"),
    ForeignKeyConstraint(["study"], ["study.name"], ondelete="CASCADE"),
    _index("stage"),
    sqlite_with_rowid=False,
)
_table(
    "published",
    *_columns(Text, "paper model setting benchmark language metric"),
    Column("value", Float, nullable=False),
    Column("n_languages", Integer, nullable=True),
    *_columns(Text, "source trust note"),
    PrimaryKeyConstraint("paper", "model", "setting", "benchmark", "language", "metric"),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
    _check("n_languages", "n_languages IS NULL OR n_languages > 0"),
    _check("named", "paper <> '' AND model <> '' AND setting <> '' AND benchmark <> ''"),
    _check("sourced", "source <> ''"),
    _check("trust", "trust IN ('paper', 'authors'' code or README', 'third party')"),
    _check("value", "value BETWEEN -100 AND 100"),
    _index("benchmark metric language"),
)
_table(
    "suite_part",
    *_columns(Text, "suite benchmark scored language metric"),
    PrimaryKeyConstraint("suite", "benchmark", "scored", "language", "metric"),
    ForeignKeyConstraint(["language"], ["language.code"]),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
)
_table(
    "translation",
    *_columns(Text, "stage benchmark language engine engine_revision"),
    *_columns(Integer, "num_rows kept dropped compared"),
    *_columns(Float, "chrf exact_match bleu", null=True),
    PrimaryKeyConstraint("stage"),
    ForeignKeyConstraint(["language"], ["language.code"]),
    ForeignKeyConstraint(["stage"], ["stage.key"], ondelete="CASCADE"),
    _check("bleu", "bleu IS NULL OR bleu BETWEEN 0 AND 100"),
    _check("chrf", "chrf IS NULL OR chrf BETWEEN 0 AND 100"),
    _check("counts", "num_rows >= kept AND kept >= 0 AND dropped >= 0"),
    _check("exact_match", "exact_match IS NULL OR exact_match BETWEEN 0 AND 100"),
)
_table(
    "cell_benchmark",
    *_columns(Text, "cell role benchmark languages revision split data"),
    Column("translation", Text, nullable=True),
    PrimaryKeyConstraint("cell", "role", "benchmark", "languages"),
    ForeignKeyConstraint(["benchmark", "revision"], ["benchmark.name", "benchmark.revision"]),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["translation"], ["translation.stage"], ondelete="SET NULL"),
    _check("role", "role IN ('intermediate', 'target-train', 'target-score')"),
    _index("benchmark revision"),
    _index("translation"),
)
_table(
    "cell_mean",
    *_columns(Text, "cell split metric target encoder intermediate"),
    Column("value", Float, nullable=False),
    Column("unseen", Float, nullable=True),
    Column("num_languages", Integer, nullable=False),
    PrimaryKeyConstraint("cell", "split", "metric"),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
    _index("target split metric encoder intermediate value unseen num_languages", "ix_cell_mean_leaderboard"),
    sqlite_with_rowid=False,
)
_table(
    "cell_stage",
    *_columns(Text, "cell stage role"),
    Column("phase", Integer, nullable=True),
    Column("language", Text, nullable=False),
    PrimaryKeyConstraint("cell", "stage"),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["stage"], ["stage.key"], ondelete="CASCADE"),
    _check(
        "phase",
        "CASE WHEN role IN ('intermediate', 'target') THEN phase IS NOT NULL AND phase >= 0 ELSE phase IS NULL END",
    ),
    _index("stage"),
)
_table(
    "prediction",
    *_columns(Text, "cell artifact file"),
    Column("num_rows", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("cell", "artifact"),
    ForeignKeyConstraint(["artifact"], ["stage.key"]),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    _check("num_rows", "num_rows > 0"),
    _index("artifact"),
)
_table(
    "score",
    *_columns(Text, "cell language split metric"),
    Column("value", Float, nullable=False),
    Column("n", Integer, nullable=False),
    *_columns(Float, "low high chance", null=True),
    Column("constant", Boolean, nullable=False),
    Column("artifact", Text, nullable=False),
    Column("recorded_at", _MOMENT, nullable=False),
    PrimaryKeyConstraint("cell", "language", "split", "metric"),
    ForeignKeyConstraint(["artifact"], ["stage.key"]),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["language"], ["language.code"]),
    ForeignKeyConstraint(["metric"], ["metric.name"]),
    _check("chance", "chance IS NULL OR chance BETWEEN 0 AND 100"),
    _check(
        "interval",
        "(low IS NULL AND high IS NULL) OR (low IS NOT NULL AND high IS NOT NULL AND low <= value AND value <= high)",
    ),
    _check("n", "n > 0"),
    _check("named", "split <> ''"),
    _check("value", "value BETWEEN CASE WHEN metric IN ('pearson', 'spearman') THEN -100 ELSE 0 END AND 100"),
    sqlite_with_rowid=False,
)
_table(
    "study_cell",
    *_columns(Text, "study cell"),
    Column("baseline", Text, nullable=True),
    PrimaryKeyConstraint("study", "cell"),
    ForeignKeyConstraint(["baseline"], ["cell.key"], ondelete="SET NULL"),
    ForeignKeyConstraint(["cell"], ["cell.key"], ondelete="CASCADE"),
    ForeignKeyConstraint(["study"], ["study.name"], ondelete="CASCADE"),
    _index("baseline"),
    _index("cell"),
)
