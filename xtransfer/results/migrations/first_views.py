"""The views of the first schema, in the order in which they are created. A later migration has its own file."""

_SCORES = """
    SELECT study_cell.study, score.cell, cell.encoder, cell.encoder_revision, cell.intermediate,
           cell.intermediate_language, cell.intermediate_engine, cell.target, cell.seed, cell.status,
           score.language, score.split, score.metric, score.value, score.n, score.chance, score.constant,
           score.recorded_at, score.low, score.high, cell.benchmark
    FROM score
    JOIN cell ON cell.key = score.cell
    JOIN study_cell ON study_cell.cell = cell.key
"""
_GAINS = """
    SELECT study_cell.study, cell.encoder, cell.intermediate, cell.target, cell.seed, one.language, one.split,
           one.metric, one.value, base.value AS baseline, one.value - base.value AS gain, one.n,
           one.cell, base.cell AS baseline_cell
    FROM study_cell
    JOIN cell ON cell.key = study_cell.cell
    JOIN cell AS direct ON direct.key = study_cell.baseline
    JOIN score AS one ON one.cell = study_cell.cell
    JOIN score AS base
      ON base.cell = study_cell.baseline AND base.language = one.language AND base.split = one.split
     AND base.metric = one.metric
    WHERE cell.status = 'done' AND direct.status = 'done'
"""
_CONTRASTS = """
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
"""
_TRANSFER_GAP = """
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
"""
_RUNS = """
    SELECT study_cell.study, cell.key AS cell, cell.encoder, cell.intermediate, cell.target, cell.seed,
           cell.status, cell.reason, score_stage.host, score_stage.device, cost.started, cost.seconds,
           cost.num_stages, cost.energy_joules
    FROM study_cell
    JOIN cell ON cell.key = study_cell.cell
    LEFT JOIN stage AS score_stage ON score_stage.key = cell.score_stage
    LEFT JOIN (
        SELECT cell_stage.cell, MIN(stage.started) AS started, SUM(stage.seconds) AS seconds,
               COUNT(*) AS num_stages, SUM(stage.energy_joules) AS energy_joules
        FROM cell_stage
        JOIN stage ON stage.key = cell_stage.stage
        GROUP BY cell_stage.cell
    ) AS cost ON cost.cell = cell.key
"""
_LEADERBOARD = """
    SELECT study_cell.study, cell_mean.target, cell_mean.split, cell_mean.metric, cell_mean.encoder,
           cell_mean.intermediate, AVG(cell_mean.value) AS mean, AVG(cell_mean.unseen) AS mean_unseen,
           COUNT(*) AS num_cells, MIN(cell_mean.num_languages) AS num_languages
    FROM study_cell
    JOIN cell_mean ON cell_mean.cell = study_cell.cell
    GROUP BY study_cell.study, cell_mean.target, cell_mean.split, cell_mean.metric, cell_mean.encoder,
             cell_mean.intermediate
"""
_LEADERBOARD_ALL = """
    SELECT target, split, metric, encoder, intermediate, AVG(value) AS mean, AVG(unseen) AS mean_unseen,
           COUNT(*) AS num_cells, MIN(num_languages) AS num_languages
    FROM cell_mean
    GROUP BY target, split, metric, encoder, intermediate
"""
# A benchmark's score is the mean over its languages and metrics, all of them there and from one cell.
_SUITE_SCORES = """
    SELECT study_cell.study, suite_part.suite, cell.encoder, cell.intermediate, cell.seed, suite_part.benchmark,
           CASE WHEN COUNT(score.value) = COUNT(*) AND COUNT(DISTINCT cell.key) = 1 THEN AVG(score.value) END
             AS value,
           COUNT(*) - COUNT(score.value) AS num_missing, COUNT(DISTINCT cell.key) AS num_cells
    FROM study_cell
    JOIN cell ON cell.key = study_cell.cell
    JOIN suite_part ON suite_part.scored = cell.benchmark
    LEFT JOIN score
      ON score.cell = cell.key AND score.language = suite_part.language AND score.metric = suite_part.metric
     AND score.split = 'test' AND cell.status = 'done'
    WHERE cell.whole_test
    GROUP BY study_cell.study, suite_part.suite, cell.encoder, cell.intermediate, cell.seed, suite_part.benchmark
"""


def _suite(name: str, members: tuple[str, ...]) -> str:
    """A row per study, encoder, intermediate and seed: the benchmarks' scores, and the total where all are there."""
    scores = ",\n".join(
        f"MAX(CASE WHEN benchmark = '{one}' THEN value END) AS {one.replace('-', '_')}" for one in members
    )
    return f"""
    SELECT study, encoder, intermediate, seed,
           {scores},
           CASE WHEN COUNT(value) = {len(members)} THEN AVG(value) END AS total,
           {len(members)} - COUNT(value) AS num_missing
    FROM suite_scores
    WHERE suite = '{name}'
    GROUP BY study, encoder, intermediate, seed
    """  # noqa: S608 - names of our own


_XTREME = ("xnli", "paws-x", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc", "tatoeba")
_XTREME_R = (
    "xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba", "mewsli-x", "lareqa",
)  # fmt: skip

VIEWS = {
    "cell_scores": _SCORES,
    "gains": _GAINS,
    "contrasts": _CONTRASTS,
    "transfer_gap": _TRANSFER_GAP,
    "runs": _RUNS,
    "leaderboard": _LEADERBOARD,
    "leaderboard_all": _LEADERBOARD_ALL,
    "suite_scores": _SUITE_SCORES,
    "xtreme": _suite("xtreme", _XTREME),
    "xtreme_r": _suite("xtreme-r", _XTREME_R),
}
