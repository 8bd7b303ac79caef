"""The first schema: studies, cells, stages, scores, and the views that answer the questions asked."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_MOMENT = sa.DateTime(timezone=True)

_VIEWS = {
    # One row per score of a study's cell; a cell shared by two studies stands under both.
    "cell_scores": """
        SELECT study_cell.study, score.cell, cell.encoder, cell.encoder_revision, cell.intermediate,
               cell.intermediate_language, cell.intermediate_engine, cell.target, cell.seed, cell.status,
               score.language, score.split, score.metric, score.value, score.n, score.chance, score.constant,
               score.recorded_at
        FROM score
        JOIN cell ON cell.key = score.cell
        JOIN study_cell ON study_cell.cell = cell.key
    """,
    # Score minus the score of `direct` with the same encoder, target and seed; degenerate cells are left out.
    "gains": """
        SELECT one.study, one.encoder, one.intermediate, one.target, one.seed, one.language, one.split,
               one.metric, one.value, base.value AS baseline, one.value - base.value AS gain, one.n,
               one.cell, base.cell AS baseline_cell
        FROM cell_scores AS one
        JOIN cell_scores AS base
          ON base.study = one.study AND base.encoder = one.encoder AND base.target = one.target
         AND base.seed = one.seed AND base.language = one.language AND base.split = one.split
         AND base.metric = one.metric AND base.intermediate = 'direct'
        WHERE one.intermediate <> 'direct' AND one.status = 'done' AND base.status = 'done'
    """,
    # Every pair of intermediates, each once, paired as in gains; difference = first minus second.
    "contrasts": """
        SELECT one.study, one.encoder, one.intermediate AS first, two.intermediate AS second, one.target,
               one.seed, one.language, one.split, one.metric, one.value AS first_value,
               two.value AS second_value,
               one.value - two.value AS difference
        FROM cell_scores AS one
        JOIN cell_scores AS two
          ON two.study = one.study AND two.encoder = one.encoder AND two.target = one.target
         AND two.seed = one.seed AND two.language = one.language AND two.split = one.split
         AND two.metric = one.metric AND one.intermediate < two.intermediate
        WHERE one.status = 'done' AND two.status = 'done'
    """,
    # English score minus the mean of all other languages of the cell.
    "transfer_gap": """
        SELECT english.study, english.cell, english.encoder, english.intermediate, english.target,
               english.seed, english.split, english.metric, english.value AS english,
               AVG(other.value) AS others, english.value - AVG(other.value) AS gap, COUNT(*) AS num_languages
        FROM cell_scores AS english
        JOIN cell_scores AS other
          ON other.study = english.study AND other.cell = english.cell AND other.split = english.split
         AND other.metric = english.metric AND other.language <> 'en'
        WHERE english.language = 'en' AND english.status = 'done'
        GROUP BY english.study, english.cell, english.encoder, english.intermediate, english.target,
                 english.seed, english.split, english.metric, english.value
    """,
    # One row per cell of a study: how it ended, where, and its cost (shared stages count in each cell).
    "runs": """
        SELECT study_cell.study, cell.key AS cell, cell.encoder, cell.intermediate, cell.target, cell.seed,
               cell.status, cell.reason, score_stage.host, score_stage.device, cost.started, cost.seconds,
               cost.num_stages
        FROM study_cell
        JOIN cell ON cell.key = study_cell.cell
        LEFT JOIN stage AS score_stage ON score_stage.key = cell.score_stage
        LEFT JOIN (
            SELECT cell_stage.cell, MIN(stage.started) AS started, SUM(stage.seconds) AS seconds,
                   COUNT(*) AS num_stages
            FROM cell_stage
            JOIN stage ON stage.key = cell_stage.stage
            GROUP BY cell_stage.cell
        ) AS cost ON cost.cell = cell.key
    """,
}


def upgrade() -> None:
    op.create_table(
        "study",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("definition", _JSON, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_study"),
        sa.CheckConstraint("name <> ''", name="ck_study_named"),
    )
    op.create_table(
        "cell",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("encoder", sa.Text, nullable=False),
        sa.Column("encoder_revision", sa.Text, nullable=False),
        sa.Column("intermediate", sa.Text, nullable=False),
        sa.Column("intermediate_language", sa.Text, nullable=False),
        sa.Column("intermediate_engine", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("seed", sa.Integer, nullable=False),
        sa.Column("score_stage", sa.Text, nullable=False),
        sa.Column("recipes", _JSON, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_cell"),
        sa.CheckConstraint("encoder <> '' AND intermediate <> '' AND target <> ''", name="ck_cell_named"),
        sa.CheckConstraint("seed >= 0", name="ck_cell_seed"),
        sa.CheckConstraint("status IN ('planned', 'done', 'degenerate', 'failed')", name="ck_cell_status"),
        sa.CheckConstraint("status IN ('planned', 'done') OR reason <> ''", name="ck_cell_reason"),
    )
    op.create_index("ix_cell_target_encoder_seed_intermediate", "cell", ["target", "encoder", "seed", "intermediate"])
    op.create_table(
        "study_cell",
        sa.Column("study", sa.Text, nullable=False),
        sa.Column("cell", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("study", "cell", name="pk_study_cell"),
        sa.ForeignKeyConstraint(["study"], ["study.name"], name="fk_study_cell_study", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["cell"], ["cell.key"], name="fk_study_cell_cell", ondelete="CASCADE"),
    )
    op.create_index("ix_study_cell_cell", "study_cell", ["cell"])
    op.create_table(
        "stage",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("settings", _JSON, nullable=False),
        sa.Column("facts", _JSON, nullable=False),
        sa.Column("packages", _JSON, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("started", _MOMENT, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_stage"),
        sa.CheckConstraint("version > 0", name="ck_stage_version"),
        sa.CheckConstraint("seconds >= 0", name="ck_stage_seconds"),
    )
    op.create_table(
        "cell_stage",
        sa.Column("cell", sa.Text, nullable=False),
        sa.Column("stage", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("cell", "stage", name="pk_cell_stage"),
        sa.ForeignKeyConstraint(["cell"], ["cell.key"], name="fk_cell_stage_cell", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["stage"], ["stage.key"], name="fk_cell_stage_stage", ondelete="CASCADE"),
    )
    op.create_index("ix_cell_stage_stage", "cell_stage", ["stage"])
    op.create_table(
        "score",
        sa.Column("cell", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("split", sa.Text, nullable=False),
        sa.Column("metric", sa.Text, nullable=False),
        sa.Column("value", sa.Float, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("chance", sa.Float, nullable=True),
        sa.Column("constant", sa.Boolean, nullable=False),
        sa.Column("artifact", sa.Text, nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("cell", "language", "split", "metric", name="pk_score"),
        sa.ForeignKeyConstraint(["cell"], ["cell.key"], name="fk_score_cell", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["artifact"], ["stage.key"], name="fk_score_artifact"),
        sa.CheckConstraint("value BETWEEN 0 AND 100", name="ck_score_value"),
        sa.CheckConstraint("n > 0", name="ck_score_n"),
        sa.CheckConstraint("chance IS NULL OR chance BETWEEN 0 AND 100", name="ck_score_chance"),
        sa.CheckConstraint("language <> '' AND split <> '' AND metric <> ''", name="ck_score_named"),
    )
    for name, query in _VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")


def downgrade() -> None:
    for name in reversed(_VIEWS):
        op.execute(f"DROP VIEW {name}")
    for name in ("score", "cell_stage", "stage", "study_cell", "cell", "study"):
        op.drop_table(name)
