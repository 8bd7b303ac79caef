"""MultiCheckList of XTREME-R: six minimum functionality tests for question answering, from translated templates."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.languages import codes
from xtransfer.benchmarks.questions import XQUAD
from xtransfer.benchmarks.spec import Benchmark, Row, Source

TESTS = ("comp", "intense", "props", "profession_nationality", "animal_vehicle", "animal_vehicle_v2")  # as XTREME's


def _question(row: Row) -> Row | None:
    """Converts a question of a test case, or of SQuAD; None if the answer does not occur in the context."""
    if "answers" in row:
        return {**row, "case": row["id"], "texts": row["answers"]["text"], "starts": row["answers"]["answer_start"]}
    start = row["context"].find(row["answer"])
    return {**row, "texts": [row["answer"]], "starts": [start]} if start >= 0 else None


def _test(name: str) -> Benchmark:
    return replace(
        XQUAD,
        name=f"multichecklist-{name.replace('_', '-')}",
        languages=codes(
            "af ar az bg bn de el en es et eu fa fi fr gu ha he hi ht hu id it ja jv ka kk ko lt ml mr ms my nl pa pl "
            "pt qu ru sw ta te th tl tr uk ur vi wo yo zh"
        ),
        source=Source("local/multichecklist", config="{language}", splits={"test": name}),
        adapt=_question,
        metric="exact_match",
        also=("f1",),
        licence="Apache 2.0",
        group="case",
        note="trained on English SQuAD 1.1. exact_match counts questions. XTREME-R's error rate is 100 minus the share "
        "of cases (column group of predictions.parquet) with every question answered correctly, after removing each "
        "language's articles. Questions whose answer is not in the context are dropped and counted",
        how_to_get="gs://xtreme_translations/MultiCheckList/lang_suites has one pickled suite per language, and "
        "multichecklist/generate_tests.py of google-research/xtreme makes new ones. Read them with those programs if "
        "you trust them, and write each test to local/multichecklist/<language>/<test>-00000-of-00001.parquet "
        f"in a mirror, one row per question, with the columns id, case, context, question and answer; <test> is one of "
        f"{', '.join(TESTS)}",
    )


MULTICHECKLIST = tuple(_test(name) for name in TESTS)
