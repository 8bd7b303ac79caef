"""What results refer to gets tables of its own: languages, metrics, encoders, benchmarks, checkpoints, translations,
predictions, published figures; scores get intervals; leaderboards and suites get views.

What follows from older rows is filled in here; the rest comes with the next run of a study. The old names of
languages and metrics are taken as they are, and described when the database is opened for writing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from xtransfer.results.migrations import views_0003
from xtransfer.results.migrations.versions import v0001_first

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_MOMENT = sa.DateTime(timezone=True)
_SCORE_RANGE = "value BETWEEN CASE WHEN metric IN ('pearson', 'spearman') THEN -100 ELSE 0 END AND 100"
_INTERVAL = (
    "(low IS NULL AND high IS NULL) OR (low IS NOT NULL AND high IS NOT NULL AND low <= value AND value <= high)"
)
_NEW_TABLES = (
    "prediction", "cell_mean", "cell_benchmark", "translation", "checkpoint", "published", "suite_part",
    "benchmark", "encoder", "metric", "language",
)  # fmt: skip


def upgrade() -> None:
    for name in reversed(v0001_first._VIEWS):
        op.execute(f"DROP VIEW {name}")
    _make_catalogue()
    _describe_old_rows()
    (_rebuild_new if _sqlite() else _alter_new)()
    _make_provenance()
    _fill()
    for name, query in views_0003.VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in reversed(views_0003.VIEWS):
        op.execute(f"DROP VIEW {name}")
    (_rebuild_old if _sqlite() else _alter_old)()
    for name in _NEW_TABLES:
        op.drop_table(name)
    for name, query in v0001_first._VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def _sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Float, nullable=null)


def _count(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=null)


def _to(table: str, column: str, *, key: str, of: str = "", ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{of or column}.{key}"], f"fk_{table}_{column}", ondelete=ondelete)


def _make_catalogue() -> None:
    op.create_table(
        "language",
        *(_text(name) for name in ("code", "name", "family", "branch", "script")),
        sa.PrimaryKeyConstraint("code", name="pk_language"),
        sa.CheckConstraint("code <> ''", name="ck_language_coded"),
    )
    op.create_table(
        "metric",
        _text("name"), _number("lowest"), _number("highest"), _text("definition"),
        sa.PrimaryKeyConstraint("name", name="pk_metric"),
        sa.CheckConstraint("lowest < highest", name="ck_metric_range"),
    )  # fmt: skip
    op.create_table(
        "suite_part",
        *(_text(name) for name in ("suite", "benchmark", "scored", "language", "metric")),
        sa.PrimaryKeyConstraint("suite", "benchmark", "scored", "language", "metric", name="pk_suite_part"),
        _to("suite_part", "language", key="code"),
        _to("suite_part", "metric", key="name"),
    )
    op.create_table(
        "encoder",
        *(_text(name) for name in ("name", "source", "id", "revision")),
        sa.PrimaryKeyConstraint("name", name="pk_encoder"),
        sa.CheckConstraint("name <> ''", name="ck_encoder_named"),
        sa.CheckConstraint("source IN ('hub', 'folder', 'trained-here', 'unknown')", name="ck_encoder_source"),
    )
    op.create_table(
        "benchmark",
        _text("name"), _text("revision"), _text("kind"), _text("metric", null=True), _count("num_languages"),
        _text("source"), _text("licence"),
        sa.PrimaryKeyConstraint("name", "revision", name="pk_benchmark"),
        _to("benchmark", "metric", key="name"),
        sa.CheckConstraint("name <> ''", name="ck_benchmark_named"),
        sa.CheckConstraint("num_languages >= 0", name="ck_benchmark_num_languages"),
    )  # fmt: skip
    op.create_table(
        "published",
        *(_text(name) for name in ("paper", "model", "setting", "benchmark", "language", "metric")),
        _number("value"), _count("n_languages", null=True), _text("source"), _text("trust"), _text("note"),
        sa.PrimaryKeyConstraint("paper", "model", "setting", "benchmark", "language", "metric", name="pk_published"),
        _to("published", "metric", key="name"),
        sa.CheckConstraint("value BETWEEN -100 AND 100", name="ck_published_value"),
        sa.CheckConstraint("n_languages IS NULL OR n_languages > 0", name="ck_published_n_languages"),
        sa.CheckConstraint(
            "paper <> '' AND model <> '' AND setting <> '' AND benchmark <> ''", name="ck_published_named"
        ),
        sa.CheckConstraint("source <> ''", name="ck_published_sourced"),
        sa.CheckConstraint("trust IN ('paper', 'authors'' code or README', 'third party')", name="ck_published_trust"),
    )  # fmt: skip
    op.create_index("ix_published_benchmark_metric_language", "published", ["benchmark", "metric", "language"])


def _describe_old_rows() -> None:
    """The languages, metrics and encoders that older rows name."""
    op.execute("INSERT INTO language SELECT DISTINCT language, language, '', '', '' FROM score")
    op.execute("INSERT INTO metric SELECT DISTINCT metric, -100.0, 100.0, '' FROM score")
    encoders = sa.table("encoder", *map(sa.column, ("name", "source", "id", "revision")))
    if rows := [dict(zip(("name", "source", "id", "revision"), row, strict=True)) for row in _old_encoders()]:
        op.bulk_insert(encoders, rows)


def _old_encoders() -> Iterator[tuple[str, str, str, str]]:
    """Name, source, id and revision; what the settings of the cells' stages do not say is unknown."""
    run = op.get_bind().execute
    pretrained = set(run(sa.text("SELECT key FROM stage WHERE kind = 'pretrain'")).scalars())
    settings = sa.text(
        "SELECT stage.settings FROM stage JOIN cell_stage ON cell_stage.stage = stage.key "
        "JOIN cell ON cell.key = cell_stage.cell WHERE cell.encoder = :name"
    )
    found: dict[str, tuple[str, str, str, str]] = {}
    for name, key in run(sa.text("SELECT DISTINCT encoder, encoder_revision FROM cell")).all():
        short, _, pin = name.rpartition("@") if "@" in name else (name, "", "")
        if key in pretrained:
            found[name] = (name, "trained-here", short, pin)
        elif name not in found:
            said = (_value(one).get("encoder") for one in run(settings, {"name": name}).scalars())
            given: dict[str, Any] = next((one for one in said if isinstance(one, dict)), {})
            if "id" in given:
                found[name] = (name, "hub", given["id"], given["revision"])
            elif "digest" in given:
                found[name] = (name, "folder", short, given["digest"])
            else:
                found[name] = (name, "unknown", short, pin)
    yield from found.values()


def _value(stored: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(stored) if isinstance(stored, str) else stored
    return value


def _cell(*new: Any) -> tuple[Any, ...]:
    names = ("encoder", "encoder_revision", "intermediate", "intermediate_language", "intermediate_engine", "target")
    return (
        _text("key"), *map(_text, names), *(one for one in new if isinstance(one, sa.Column)),
        _count("seed"), _text("score_stage"), sa.Column("recipes", _JSON, nullable=False), _text("status"),
        _text("reason"),
        sa.PrimaryKeyConstraint("key", name="pk_cell"),
        *(one for one in new if not isinstance(one, sa.Column)),
        sa.CheckConstraint("encoder <> '' AND intermediate <> '' AND target <> ''", name="ck_cell_named"),
        sa.CheckConstraint("seed >= 0", name="ck_cell_seed"),
        sa.CheckConstraint("status IN ('planned', 'done', 'degenerate', 'failed')", name="ck_cell_status"),
        sa.CheckConstraint("status IN ('planned', 'done') OR reason <> ''", name="ck_cell_reason"),
    )  # fmt: skip


def _study_cell(*new: Any) -> tuple[Any, ...]:
    return (
        _text("study"), _text("cell"), *new,
        sa.PrimaryKeyConstraint("study", "cell", name="pk_study_cell"),
        _to("study_cell", "study", key="name", ondelete="CASCADE"),
        _to("study_cell", "cell", key="key", ondelete="CASCADE"),
    )  # fmt: skip


def _score(value: str, *new: Any) -> tuple[Any, ...]:
    return (
        *map(_text, ("cell", "language", "split", "metric")), _number("value"), _count("n"),
        *(one for one in new if isinstance(one, sa.Column)),
        _number("chance", null=True), sa.Column("constant", sa.Boolean, nullable=False), _text("artifact"),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("cell", "language", "split", "metric", name="pk_score"),
        _to("score", "cell", key="key", ondelete="CASCADE"),
        _to("score", "artifact", key="key", of="stage"),
        *(one for one in new if not isinstance(one, sa.Column)),
        sa.CheckConstraint(value, name="ck_score_value"),
        sa.CheckConstraint("n > 0", name="ck_score_n"),
        sa.CheckConstraint("chance IS NULL OR chance BETWEEN 0 AND 100", name="ck_score_chance"),
    )  # fmt: skip


_CELL = "key, encoder, encoder_revision, intermediate, intermediate_language, intermediate_engine, target"
_REST = "seed, score_stage, recipes, status, reason"
_KEPT = "cell, language, split, metric, value, n, chance, constant, artifact, recorded_at"
# marks of a slug such as `xnli<lingnli:first500` that leave test rows out; a bare colon would name a parameter
_MARKED = r"target LIKE '%\:first%' OR target LIKE '%\:dev\:%' OR target LIKE '%\:dev'"


def _rebuild_new() -> None:
    op.execute(
        "ALTER TABLE stage ADD COLUMN energy_joules FLOAT CONSTRAINT ck_stage_energy_joules CHECK (energy_joules >= 0)"
    )
    baseline = _to("study_cell", "baseline", key="key", of="cell", ondelete="SET NULL")
    _remake("study_cell", "study, cell, NULL", *_study_cell(_text("baseline", null=True), baseline))
    op.create_index("ix_study_cell_cell", "study_cell", ["cell"])
    op.create_index("ix_study_cell_baseline", "study_cell", ["baseline"])
    benchmark = (
        "substr(substr(target, 1, instr(target || '<', '<') - 1), 1, "
        "instr(substr(target, 1, instr(target || '<', '<') - 1) || ':', ':') - 1)"
    )
    whole = sa.Column("whole_test", sa.Boolean, nullable=False)
    _remake(
        "cell", f"{_CELL}, {benchmark}, NOT ({_MARKED}), {_REST}",
        *_cell(_text("benchmark"), whole, _to("cell", "encoder", key="name")),
    )  # fmt: skip
    _index_cells()
    op.create_index("ix_cell_encoder", "cell", ["encoder"])
    interval = (_number("low", null=True), _number("high", null=True))
    constraints = (
        _to("score", "language", key="code"),
        _to("score", "metric", key="name"),
        sa.CheckConstraint("split <> ''", name="ck_score_named"),
        sa.CheckConstraint(_INTERVAL, name="ck_score_interval"),
    )
    made = _score(_SCORE_RANGE, *interval, *constraints)
    _remake("score", _KEPT.replace("n, ", "n, NULL, NULL, "), *made, sqlite_with_rowid=False)


def _rebuild_old() -> None:
    op.execute("ALTER TABLE stage DROP COLUMN energy_joules")
    _remake("study_cell", "study, cell", *_study_cell())
    op.create_index("ix_study_cell_cell", "study_cell", ["cell"])
    _remake("cell", f"{_CELL}, {_REST}", *_cell())
    _index_cells()
    named = sa.CheckConstraint("language <> '' AND split <> '' AND metric <> ''", name="ck_score_named")
    _remake("score", _KEPT, *_score("value BETWEEN -100 AND 100", named))


def _remake(name: str, copied: str, *definition: Any, **options: Any) -> None:
    """SQLite cannot change a constraint: the table is made anew. Foreign keys must be off meanwhile."""
    op.create_table(f"{name}_new", *definition, **options)
    op.execute(f"INSERT INTO {name}_new SELECT {copied} FROM {name}")  # noqa: S608 - names of our own
    op.drop_table(name)
    op.rename_table(f"{name}_new", name)


def _index_cells() -> None:
    op.create_index("ix_cell_target_encoder_seed_intermediate", "cell", ["target", "encoder", "seed", "intermediate"])


def _alter_new() -> None:
    op.add_column("stage", _number("energy_joules", null=True))
    op.create_check_constraint("ck_stage_energy_joules", "stage", "energy_joules >= 0")
    op.add_column("study_cell", _text("baseline", null=True))
    op.create_foreign_key("fk_study_cell_baseline", "study_cell", "cell", ["baseline"], ["key"], ondelete="SET NULL")
    op.create_index("ix_study_cell_baseline", "study_cell", ["baseline"])
    op.add_column("cell", sa.Column("benchmark", sa.Text))
    op.add_column("cell", sa.Column("whole_test", sa.Boolean))
    op.execute(
        f"UPDATE cell SET benchmark = split_part(split_part(target, '<', 1), ':', 1), whole_test = NOT ({_MARKED})"  # noqa: S608
    )
    op.alter_column("cell", "benchmark", nullable=False)
    op.alter_column("cell", "whole_test", nullable=False)
    op.create_foreign_key("fk_cell_encoder", "cell", "encoder", ["encoder"], ["name"])
    op.create_index("ix_cell_encoder", "cell", ["encoder"])
    op.add_column("score", _number("low", null=True))
    op.add_column("score", _number("high", null=True))
    op.drop_constraint("ck_score_named", "score", type_="check")
    op.drop_constraint("ck_score_value", "score", type_="check")
    op.create_check_constraint("ck_score_named", "score", "split <> ''")
    op.create_check_constraint("ck_score_value", "score", _SCORE_RANGE)
    op.create_check_constraint("ck_score_interval", "score", _INTERVAL)
    op.create_foreign_key("fk_score_language", "score", "language", ["language"], ["code"])
    op.create_foreign_key("fk_score_metric", "score", "metric", ["metric"], ["name"])


def _alter_old() -> None:
    op.drop_column("stage", "energy_joules")
    op.drop_column("study_cell", "baseline")
    op.drop_constraint("fk_cell_encoder", "cell", type_="foreignkey")
    op.drop_index("ix_cell_encoder", "cell")
    op.drop_column("cell", "benchmark")
    op.drop_column("cell", "whole_test")
    for name in ("fk_score_language", "fk_score_metric"):
        op.drop_constraint(name, "score", type_="foreignkey")
    for name in ("ck_score_named", "ck_score_value", "ck_score_interval"):
        op.drop_constraint(name, "score", type_="check")
    op.drop_column("score", "low")
    op.drop_column("score", "high")
    op.create_check_constraint("ck_score_named", "score", "language <> '' AND split <> '' AND metric <> ''")
    op.create_check_constraint("ck_score_value", "score", "value BETWEEN -100 AND 100")


def _make_provenance() -> None:
    op.create_table(
        "checkpoint",
        *map(_text, ("stage", "encoder", "role", "trained_on")), _count("seed", null=True),
        _count("steps", null=True), _text("parent", null=True),
        sa.PrimaryKeyConstraint("stage", name="pk_checkpoint"),
        _to("checkpoint", "stage", key="key", ondelete="CASCADE"),
        _to("checkpoint", "encoder", key="name"),
        _to("checkpoint", "parent", key="stage", of="checkpoint", ondelete="CASCADE"),
        sa.CheckConstraint("role IN ('pretrained', 'intermediate', 'target')", name="ck_checkpoint_role"),
    )  # fmt: skip
    op.create_index("ix_checkpoint_parent", "checkpoint", ["parent"])
    op.create_index("ix_checkpoint_encoder", "checkpoint", ["encoder"])
    quality = ("chrf", "exact_match", "bleu")
    op.create_table(
        "translation",
        *map(_text, ("stage", "benchmark", "language", "engine", "engine_revision")),
        *map(_count, ("num_rows", "kept", "dropped", "compared")), *(_number(name, null=True) for name in quality),
        sa.PrimaryKeyConstraint("stage", name="pk_translation"),
        _to("translation", "stage", key="key", ondelete="CASCADE"),
        _to("translation", "language", key="code"),
        sa.CheckConstraint("num_rows >= kept AND kept >= 0 AND dropped >= 0", name="ck_translation_counts"),
        *(
            sa.CheckConstraint(f"{name} IS NULL OR {name} BETWEEN 0 AND 100", name=f"ck_translation_{name}")
            for name in quality
        ),
    )  # fmt: skip
    op.create_table(
        "cell_benchmark",
        *map(_text, ("cell", "role", "benchmark", "languages", "revision", "split", "data")),
        _text("translation", null=True),
        sa.PrimaryKeyConstraint("cell", "role", "benchmark", "languages", name="pk_cell_benchmark"),
        _to("cell_benchmark", "cell", key="key", ondelete="CASCADE"),
        _to("cell_benchmark", "translation", key="stage", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["benchmark", "revision"], ["benchmark.name", "benchmark.revision"], "fk_cell_benchmark_benchmark"
        ),
        sa.CheckConstraint("role IN ('intermediate', 'target-train', 'target-score')", name="ck_cell_benchmark_role"),
    )
    op.create_index("ix_cell_benchmark_benchmark_revision", "cell_benchmark", ["benchmark", "revision"])
    op.create_index("ix_cell_benchmark_translation", "cell_benchmark", ["translation"])
    op.create_table(
        "cell_mean",
        *map(_text, ("cell", "split", "metric", "target", "encoder", "intermediate")),
        _number("value"), _number("unseen", null=True), _count("num_languages"),
        sa.PrimaryKeyConstraint("cell", "split", "metric", name="pk_cell_mean"),
        _to("cell_mean", "cell", key="key", ondelete="CASCADE"),
        _to("cell_mean", "metric", key="name"),
        sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_index(
        "ix_cell_mean_leaderboard", "cell_mean",
        ["target", "split", "metric", "encoder", "intermediate", "value", "unseen", "num_languages"],
    )  # fmt: skip
    op.create_table(
        "prediction",
        *map(_text, ("cell", "artifact", "file")), _count("num_rows"), _text("sha256"),
        sa.PrimaryKeyConstraint("cell", "artifact", name="pk_prediction"),
        _to("prediction", "cell", key="key", ondelete="CASCADE"),
        _to("prediction", "artifact", key="key", of="stage"),
        sa.CheckConstraint("num_rows > 0", name="ck_prediction_num_rows"),
    )  # fmt: skip
    op.create_index("ix_prediction_artifact", "prediction", ["artifact"])


def _fill() -> None:
    op.execute(
        "INSERT INTO cell_mean SELECT cell.key, score.split, score.metric, cell.target, cell.encoder, "
        "cell.intermediate, AVG(score.value), AVG(CASE WHEN score.language <> 'en' THEN score.value END), COUNT(*) "
        "FROM score JOIN cell ON cell.key = score.cell WHERE cell.status = 'done' "
        "GROUP BY cell.key, score.split, score.metric, cell.target, cell.encoder, cell.intermediate"
    )
    op.execute(
        "UPDATE study_cell SET baseline = (SELECT direct.key FROM cell "
        "JOIN cell AS direct ON direct.encoder = cell.encoder AND direct.target = cell.target "
        "AND direct.seed = cell.seed AND direct.intermediate = 'direct' "
        "JOIN study_cell AS other ON other.cell = direct.key AND other.study = study_cell.study "
        "WHERE cell.key = study_cell.cell AND cell.intermediate <> 'direct')"
    )
