"""Commonsense reasoning written in, or translated into, other languages: pick the correct option; accuracy.

English training and dev rows are COPA's, or HellaSwag's where a story or sentence goes on.
"""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.languages import codes
from xtransfer.benchmarks.commonsense import COPA, HELLASWAG
from xtransfer.benchmarks.spec import Row, Source


def _kobest_copa(row: Row) -> Row:
    return {
        "context": row["premise"],
        "question": {"원인": "cause", "결과": "effect"}[row["question"].strip()],
        "choices": [row["alternative_1"], row["alternative_2"]],
        "label": row["label"],
    }


def _filled(row: Row) -> Row:
    return {
        "context": row["sentence"],
        "question": "",
        "choices": [row["sentence"].replace("_", row[option]) for option in ("option1", "option2")],
        "label": int(row["answer"]) - 1,
    }


def _story(row: Row) -> Row:
    return {
        "id": row["story_id"],
        "context": " ".join(row[f"input_sentence_{number}"] for number in range(1, 5)),
        "question": "",
        "choices": [row["sentence_quiz1"], row["sentence_quiz2"]],
        "label": int(row["answer_right_ending"]) - 1,
    }


COPAL = replace(
    COPA,
    name="copal",
    languages=codes("id"),
    source=Source("haryoaw/COPAL", config="id", splits={"test": "test"}),
    english=COPA,
    roles=("target",),
    licence="CC BY-SA 4.0",
    note="559 rows of local culture, written in Indonesian (Wibowo et al. 2024)",
)
COPAL_COLLOQUIAL = replace(
    COPAL,
    name="copal-colloquial",
    source=replace(COPAL.source, splits={"test": "test_colloquial"}),
    note="the rows of copal in colloquial Indonesian, by people",
)
KOBEST_COPA = replace(
    COPA,
    name="kobest-copa",
    languages=codes("ko"),
    source=Source("skt/kobest_v1", config="copa", splits={"train": "train", "test": "test"}),
    columns=HELLASWAG.columns,
    adapt=_kobest_copa,
    english=COPA,
    roles=("intermediate", "target"),
    licence="CC BY-SA 4.0",
    id=None,
    note="COPA written in Korean (Kim et al. 2022)",
)
_WINOGRAD = {"en": "en", "fr": "fr", "ja": "jp", "pt": "pt", "ru": "ru", "zh": "zh"}
XWINOGRAD = replace(
    COPAL,
    name="xwinograd",
    languages=codes(" ".join(_WINOGRAD)),
    source=Source("Muennighoff/xwinograd", config=_WINOGRAD, splits={"test": "test"}),
    columns=HELLASWAG.columns,
    english=HELLASWAG,
    licence="CC BY 4.0; its source, Apache 2.0",
    adapt=_filled,
    id=None,
    note="Winograd schemas written in each language (Tikhonov and Ryabinin 2021); not parallel, 83 to 2,325 rows. The "
    "context is the sentence with its blank, an option the sentence with the blank filled; English training and dev "
    "rows are HellaSwag's",
)
XSTORYCLOZE = replace(
    COPAL,
    name="xstorycloze",
    languages=codes("ar en es eu hi id my ru sw te zh"),
    source=Source(
        "juletxara/xstory_cloze", revision="refs/convert/parquet", config="{language}", splits={"test": "eval"}
    ),
    columns=HELLASWAG.columns,
    english=HELLASWAG,
    licence="CC BY-SA 4.0 (not checked on the hub)",
    adapt=_story,
    id="id",
    note="StoryCloze translated by professionals (Lin et al. 2022); English training and dev rows are HellaSwag's, "
    "which has the same form; columns and splits were read in public code, not on the hub",
)
