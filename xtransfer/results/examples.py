"""Ten questions as SQL that runs on SQLite and PostgreSQL, for docs/database.md; a test runs each."""

from __future__ import annotations

EXAMPLES: dict[str, str] = {
    "Which intermediate is best on each target, in languages that the target was not trained in?": """
        SELECT target, encoder, intermediate, mean_unseen, num_cells
        FROM leaderboard
        WHERE study = 'example' AND split = 'test' AND metric = 'accuracy'
        ORDER BY target, encoder, mean_unseen DESC
    """,
    "How much does German inference training help Swahili, seed by seed?": """
        SELECT seed, value, baseline, gain
        FROM gains
        WHERE study = 'example' AND intermediate = 'nli@de' AND target = 'xnli' AND language = 'sw'
        ORDER BY seed
    """,
    "Does German beat English as the language of intermediate training?": """
        SELECT target, language, AVG(difference) AS german_minus_english, COUNT(*) AS seeds
        FROM contrasts
        WHERE study = 'example' AND first = 'nli@de' AND second = 'nli@en'
        GROUP BY target, language
        ORDER BY german_minus_english DESC
    """,
    "What is the mean gain by language family and script?": """
        SELECT language.family, language.script, AVG(gain) AS gain, COUNT(DISTINCT language.code) AS languages
        FROM gains
        JOIN language ON language.code = gains.language
        WHERE study = 'example'
        GROUP BY language.family, language.script
        ORDER BY gain DESC
    """,
    "Where does a score differ from chance, by its own interval?": """
        SELECT intermediate, seed, language, value, low, high, chance
        FROM cell_scores
        WHERE study = 'example' AND low > chance
        ORDER BY low - chance DESC
    """,
    "How far behind English are the other languages?": """
        SELECT encoder, intermediate, AVG(english) AS english, AVG(others) AS others, AVG(gap) AS gap
        FROM transfer_gap
        WHERE study = 'example' AND target = 'xnli'
        GROUP BY encoder, intermediate
        ORDER BY gap
    """,
    "What keeps the XTREME total from being there?": """
        SELECT encoder, intermediate, seed, benchmark, num_missing, num_cells
        FROM suite_scores
        WHERE study = 'example' AND suite = 'xtreme' AND value IS NULL
        ORDER BY encoder, intermediate, seed, benchmark
    """,
    "How do our means stand beside published figures?": """
        SELECT published.paper, published.model, published.value AS theirs, AVG(cell_mean.value) AS ours,
               published.source
        FROM published
        JOIN cell ON cell.benchmark = published.benchmark AND cell.whole_test AND cell.intermediate = 'direct'
        JOIN cell_mean ON cell_mean.cell = cell.key AND cell_mean.metric = published.metric
        WHERE published.language = '' AND published.setting = 'zero-shot'
        GROUP BY published.paper, published.model, published.value, published.source
    """,
    "What did each kind of stage cost, each stage once?": """
        SELECT kind, COUNT(*) AS stages, SUM(seconds) / 3600 AS hours, SUM(energy_joules) / 3.6e6 AS kwh
        FROM stage
        WHERE key IN (
            SELECT cell_stage.stage
            FROM cell_stage
            JOIN study_cell ON study_cell.cell = cell_stage.cell
            WHERE study_cell.study = 'example'
        )
        GROUP BY kind
        ORDER BY hours DESC
    """,
    "Which data, at which revision and licence, does a study rest on?": """
        SELECT cell_benchmark.role, benchmark.name, benchmark.source, benchmark.revision, benchmark.licence,
               COUNT(*) AS cells
        FROM study_cell
        JOIN cell_benchmark ON cell_benchmark.cell = study_cell.cell
        JOIN benchmark
          ON benchmark.name = cell_benchmark.benchmark AND benchmark.revision = cell_benchmark.revision
        WHERE study_cell.study = 'example'
        GROUP BY cell_benchmark.role, benchmark.name, benchmark.source, benchmark.revision, benchmark.licence
        ORDER BY cell_benchmark.role, benchmark.name
    """,
}
