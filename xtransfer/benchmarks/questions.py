"""Extractive question answering: the answer is a span of the context.

XTREME trains XQuAD and MLQA on English SQuAD 1.1, and TyDiQA on its own English rows: learning rate 3e-5, weight decay
1e-4, 384 tokens, last checkpoint. XTREME's scores were made with 2 epochs in batches of 16; since XTREME-R, it is 3
epochs in batches of 32 with 500 warm-up steps (scripts/train_qa.sh, August 2021).
"""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.digest import digest
from xtransfer.base.languages import codes, language
from xtransfer.benchmarks.spec import Benchmark, Row, Source

_COLUMNS = {"context": "context", "question": "question", "answers": "texts", "starts": "starts"}


def _flat(row: Row) -> Row:
    """Moves the lists in `answers` to columns of their own."""
    answers = row["answers"] or {"text": [], "answer_start": []}
    return {**row, "texts": answers["text"], "starts": answers["answer_start"]}


SQUAD = Benchmark(
    name="squad",
    kind="span",
    languages=codes("en"),
    source=Source(
        "rajpurkar/squad",
        revision="7b6d24c440a36b6815f21b70d25016731768db1f",
        config="plain_text",
        splits={"train": "train", "dev": "validation"},
    ),
    columns=_COLUMNS,
    adapt=_flat,
    metric="f1",
    also=("exact_match",),
    roles=("intermediate",),
    licence="CC BY-SA 4.0",
    id="id",
    group="context",
    note="SQuAD 1.1; its test set was never published",
)
SQUAD2 = replace(
    SQUAD,
    name="squad2",
    source=Source(
        "rajpurkar/squad_v2",
        revision="3ffb306f725f7d2ce8394bc1873b24868140c412",
        config="squad_v2",
        splits={"train": "train", "dev": "validation"},
    ),
    no_answer=True,
    metric="squad2_f1",
    also=("squad2_exact_match",),
    chance=100 * 5945 / 11873,  # score on dev of always predicting no answer
    note="SQuAD 2.0: a third of the training rows and half of dev have no answer; its test set was never published",
)
_ENGLISH_TRAIN = replace(SQUAD.source, splits={"train": "train"}, languages=("en",))
_ENGLISH_DEV = replace(SQUAD.source, splits={"dev": "validation"}, languages=("en",))
XQUAD = Benchmark(
    name="xquad",
    kind="span",
    languages=codes("ar de el en es hi ru th tr vi zh"),
    source=Source(
        "google/xquad",
        revision="51adfef1c1287aab1d2d91b5bead9bcfb9c68583",
        config="xquad.{language}",
        splits={"test": "validation"},
    ),
    sources={"train": _ENGLISH_TRAIN, "dev": _ENGLISH_DEV},
    columns=_COLUMNS,
    adapt=_flat,
    metric="f1",
    also=("exact_match",),
    roles=("target",),
    licence="CC BY-SA 4.0",
    id="id",
    group="context",
    note="English training and dev rows are SQuAD's; the test rows are translations of part of SQuAD's dev, so an "
    "English dev score is not independent of the test score",
)
XQUAD_XTREME_R = replace(
    XQUAD, name="xquad-xtreme-r", languages=codes("ar de el en es hi ro ru th tr vi zh"), note="XQuAD with Romanian"
)
MLQA = replace(
    XQUAD,
    name="mlqa",
    languages=codes("ar de en es hi vi zh"),
    source=Source(
        "facebook/mlqa",
        revision="refs/convert/parquet",
        config="mlqa.{language}.{language}",
        splits={"dev": "validation", "test": "test"},
    ),
    sources={"train": _ENGLISH_TRAIN},
    metric="mlqa_f1",
    also=("mlqa_exact_match",),
    licence="CC BY-SA 3.0",
    note="context and question in one language; English training rows are SQuAD's",
)


def _is_in(row: Row, code: str) -> bool:
    """Returns whether a row is in this language; ids start with its name, as in `swahili-…`."""
    return str(row["id"]).partition("-")[0] == language(code).name.lower()


def _held_out(row: Row) -> bool:
    """Returns True for one context in ten, with all its questions."""
    return int(digest(row["context"]), 16) % 10 == 0


def _named(row: Row) -> Row:
    """Gives training rows unique ids: many share `swahili-0`, unlike test rows (`swahili-<article>-<number>`)."""
    name = str(row["id"])
    if name.rpartition("-")[0].isalpha():
        name = f"{name}-{digest(row['question'], row['context'])[:16]}"
    return {**_flat(row), "id": name}


TYDIQA = Benchmark(
    name="tydiqa",
    kind="span",
    languages=codes("ar bn en fi id ko ru sw te"),
    source=Source(
        "google-research-datasets/tydiqa",
        revision="da78f23f9119363459acbaf46bf89426ff26c259",
        config="secondary_task",
        splits={"train": "train", "test": "validation"},
        keep=_is_in,
    ),
    sources={"dev": _ENGLISH_DEV},
    columns=_COLUMNS,
    adapt=_named,
    metric="f1",
    also=("exact_match",),
    licence="Apache 2.0",
    id="id",
    group="context",
    note="gold passage task; test is its dev split and all English rows are for training, as in XTREME, which takes "
    "the last checkpoint and has no dev split; dev here is SQuAD's. See tydiqa-held-out",
)
TYDIQA_HELD_OUT = replace(
    TYDIQA,
    name="tydiqa-held-out",
    source=replace(TYDIQA.source, splits={"test": "validation"}),
    sources={
        "train": replace(
            TYDIQA.source, splits={"train": "train"}, keep=lambda row, code: _is_in(row, code) and not _held_out(row)
        ),
        "dev": replace(
            TYDIQA.source, splits={"dev": "train"}, keep=lambda row, code: _is_in(row, code) and _held_out(row)
        ),
    },
    note="tydiqa with selection on its own questions: dev is a tenth of each language's training contexts, and the "
    "rest is for training",
)
JSQUAD = Benchmark(
    name="jsquad",
    kind="span",
    languages=codes("ja"),
    source=Source(
        "shunk031/JGLUE",
        revision="refs/convert/parquet",
        config="JSQuAD",
        splits={"train": "train", "dev": "validation"},
    ),
    columns=_COLUMNS,
    adapt=_flat,
    metric="f1",
    also=("exact_match",),
    roles=("intermediate",),
    licence="CC BY-SA 4.0",
    id="id",
    group="context",
    note="contexts start with the article's title and [SEP]; the test set is not published. Words are separated by "
    "white space, so f1 is close to exact_match in Japanese",
)
