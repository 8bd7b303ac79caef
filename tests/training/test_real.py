"""Real rows, where a mirror of them is named: two steps of training on each benchmark, and its score."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.data.load import load_rows
from xtransfer.data.source import in_mirror
from xtransfer.kinds import KINDS
from xtransfer.metrics.metrics import METRICS
from xtransfer.models import checkpoints
from xtransfer.models.predict import RowEncoder, predict
from xtransfer.training.finetune import finetune

from .tiny import RECIPE

SPLITS = ("train", "dev", "test")
NAMES = ("snli", "anli", "rte", "jnli", "paws-x", "hellaswag", "cosmosqa", "csqa", "siqa", "jcommonsenseqa", "stsb",
         "tldr", "storybooks-neighbours")  # fmt: skip
SIZES = {"snli": 2266, "anli": 3198, "hellaswag": 10042, "cosmosqa": 2985, "csqa": 1221, "siqa": 1954}


def held(benchmark: Benchmark) -> dict[tuple[str, str], list[Row]]:
    """The rows of the benchmark that the mirror holds, by language and split; of texts, in two languages."""
    found = {}
    for split in SPLITS:
        for code in benchmark.languages_of(split)[: None if benchmark.metric else 2]:
            source = benchmark.source_of(split, code)
            configs, names = source.configs_of(code), source.splits_of(split, code)
            if all(in_mirror(source.path, config, name) for config in configs for name in names):
                found[code, split] = load_rows(benchmark, code, split)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_two_steps_and_a_score(name: str, hub_dir: Path, encoder: Path, tmp_path: Path) -> None:
    benchmark = get(name)
    rows = held(benchmark)
    assert rows, f"the mirror has nothing of {name}"
    if name in SIZES:
        assert sum(map(len, rows.values())) == SIZES[name]
    for (code, split), own in rows.items():
        if benchmark.labels:
            assert {row["label"] for row in own} == set(range(len(benchmark.labels))), (code, split)
        if benchmark.kind == "choice":
            options = Counter(len(row["choices"]) for row in own)
            assert list(options) == [round(100 / (benchmark.chance or 0))], "chance is one in the number of options"
            assert {row["label"] for row in own} == set(range(*options))
    recipe = RECIPE.model_copy(update={"epochs": None, "steps": 2, "max_length": 32})
    some = next(iter(rows.values()))[:16]
    finetune(encoder, [(benchmark, some)], recipe, 0, tmp_path / "out", tmp_path / "state")
    kind = KINDS[benchmark.kind]
    if kind.decode is None:
        return
    loaded = checkpoints.load(tmp_path / "out")
    scored = list(rows.values())[-1][:40]
    reader = RowEncoder(loaded.tokenizer, 32)
    predictions = predict(loaded.encoder, loaded.head_for(benchmark), benchmark, scored, reader)
    golds = [kind.gold(benchmark, row) for row in scored]
    for metric in (METRICS[one] for one in (benchmark.metric, *benchmark.also)):
        assert metric.minimum <= metric.compute(golds, [one.value for one in predictions]) <= metric.maximum


def test_parallel_rows_of_stsb_have_equal_scores(hub_dir: Path) -> None:
    stsb = get("stsb")
    english = [row["score"] for row in load_rows(stsb, "en", "test")]
    assert len(english) == 1379 and {0.0, 1.0, 0.48} <= set(english)
    for code in ("ja", "zh"):
        assert [row["score"] for row in load_rows(stsb, code, "test")] == english


def test_rows_of_paws_x_agree_over_languages(hub_dir: Path) -> None:
    paws = get("paws-x")
    german, chinese = (load_rows(paws, code, "test") for code in ("de", "zh"))
    assert [row["id"] for row in german] == [row["id"] for row in chinese]
    assert len(german) == 2000


def test_answers_mean_what_they_say(hub_dir: Path) -> None:
    """A row of known meaning of each source that numbers its labels in a way of its own."""
    siqa = load_rows(get("siqa"), "en", "dev")[3]
    assert siqa["choices"][siqa["label"]] == "horrible that he let his friends down on the camping trip"
    csqa = {row["context"]: row for row in load_rows(get("csqa"), "en", "dev")}
    burger = csqa["Where are  you likely to find a hamburger?"]
    assert burger["choices"][burger["label"]] == "fast food restaurant"
    jnli = {row["id"]: row["label"] for row in load_rows(get("jnli"), "ja", "test")}
    assert (jnli["1"], jnli["19"], jnli["0"]) == (0, 2, 1)  # a giraffe looks out; a girl stands; there is a clock
    smoke = load_rows(get("jcommonsenseqa"), "ja", "train")[3]
    assert smoke["choices"][smoke["label"]] == "煙"
