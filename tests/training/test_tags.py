"""Word tagging from rows to scores: a toy task that can be learned, and two steps on real rows."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.data.load import load_rows
from xtransfer.kinds import KINDS
from xtransfer.kinds.spec import Prediction
from xtransfer.metrics.metrics import METRICS
from xtransfer.models import checkpoints
from xtransfer.models.predict import RowEncoder, predict
from xtransfer.recipes.recipe import Recipe
from xtransfer.scoring.score import _scores, score
from xtransfer.training.finetune import finetune

from .tiny import COLD, RECIPE, THINGS, WARM

LABELS = ("O", "B-WARM", "I-WARM", "B-COLD", "I-COLD")
TAGS = Benchmark("chunks", "tags", ("en",), Source("test"), {}, "tag_f1", labels=LABELS)


def tag_rows(count: int, seed: int = 0) -> list[Row]:
    """Chunks of one to three colours of a kind between things."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        tokens, tags = [], []
        for _ in range(rng.randint(1, 3)):
            colours, begin = rng.choice(((WARM, 1), (COLD, 3)))
            length = rng.randint(1, 3)
            tokens += ["the", *(rng.choice(colours) for _ in range(length)), rng.choice(THINGS)]
            tags += [0, begin, *(begin + 1 for _ in range(length - 1)), 0]
        rows.append({"id": str(number), "group": str(number), "tokens": tokens, "tags": tags})
    return rows


def test_learns_chunks(encoder: Path, tmp_path: Path) -> None:
    recipe = Recipe.model_validate({**RECIPE.model_dump(), "epochs": 14})
    facts = finetune(encoder, [(TAGS, tag_rows(96))], recipe, 0, tmp_path / "out", tmp_path / "state")
    assert facts["degenerate"] is None and facts["loss_last"] < 0.2
    loaded = checkpoints.load(tmp_path / "out")
    rows = tag_rows(40, seed=1)
    found = predict(loaded.encoder, loaded.head_for(TAGS), TAGS, rows, RowEncoder(loaded.tokenizer, RECIPE.max_length))
    values = [one.value for one in found]
    assert METRICS["tag_f1"].compute([KINDS["tags"].gold(TAGS, row) for row in rows], values) > 85
    carried = Recipe.model_validate({**recipe.model_dump(), "head": "carry", "epochs": None, "steps": 1})
    again = finetune(tmp_path / "out", [(TAGS, rows)], carried, 0, tmp_path / "more", tmp_path / "its-state")
    assert again["heads"] == {"chunks": "carried from chunks"} and again["loss_first"] < 0.3


@pytest.mark.parametrize(("tag", "constant"), [("O", True), ("B-WARM", True), (None, False)])
def test_one_tag_for_all_words_is_a_collapsed_model(tag: str | None, constant: bool) -> None:
    rows = tag_rows(10)
    golds = [KINDS["tags"].gold(TAGS, row) for row in rows]
    said = [Prediction([tag or own for own in gold]) for gold in golds]
    assert {one.constant for one in _scores(TAGS, KINDS["tags"], "en", "test", rows, said)} == {constant}


REAL = [("udpos", "dev", "en zh mr"), ("panx", "dev", "en ja yo"), ("udpos-pud", "test", "en th ko")]


@pytest.mark.parametrize(("name", "split", "languages"), REAL, ids=[name for name, _, _ in REAL])
def test_real_rows_train_and_score(
    name: str, split: str, languages: str, encoder: Path, tmp_path: Path, hub_dir: Path
) -> None:
    benchmark = get(name)
    rows = load_rows(benchmark, "en", "train", limit=16)
    recipe = Recipe(steps=2, batch_size=8, learning_rate=1e-3, max_length=32)
    finetune(encoder, [(benchmark, rows)], recipe, 0, tmp_path / "checkpoint", tmp_path / "state")
    out = tmp_path / "out"
    out.mkdir()
    scores = score(tmp_path / "checkpoint", benchmark, languages.split(), split, 32, out, limit=20)
    assert [one.metric for one in scores[:4]] == ["tag_f1", "tag_precision", "tag_recall", "tag_accuracy"]
    assert [one.language for one in scores[::4]] == languages.split()
    assert all(0 <= one.value <= 100 and one.n == 20 for one in scores)
    for row in pq.read_table(out / "predictions.parquet").to_pylist():
        gold, prediction = json.loads(row["gold"]), json.loads(row["prediction"])
        assert len(gold) == len(prediction) > 0 and row["item"] is None
        assert set(gold) | set(prediction) <= set(benchmark.labels)


def test_tags_mean_the_same_in_both_sources(hub_dir: Path) -> None:
    """The two sources number the universal tags differently; words of known tags tell."""
    known = {"the": "DET", "and": "CCONJ", "of": "ADP", ",": "PUNCT", "he": "PRON", "if": "SCONJ", "million": "NUM"}
    for name, split in (("udpos", "dev"), ("udpos-pud", "train"), ("udpos-pud", "test")):
        benchmark = get(name)
        counts: dict[str, dict[str, int]] = {word: {} for word in known}
        for row in load_rows(benchmark, "en", split, limit=2000):
            for token, tag in zip(row["tokens"], row["tags"], strict=True):
                if token.lower() in known:
                    own = counts[token.lower()]
                    own[benchmark.labels[tag]] = own.get(benchmark.labels[tag], 0) + 1
        assert {word: max(own, key=lambda tag: own[tag]) for word, own in counts.items()} == known, (name, split)


def test_names_begin_where_they_should(hub_dir: Path) -> None:
    rows = {row["id"]: row for row in load_rows(get("panx"), "en", "dev")}
    names = KINDS["tags"].gold(get("panx"), rows["2"])
    assert rows["2"]["tokens"] == ["Conch", "Key", ",", "Florida"]
    assert names == ["B-LOC", "I-LOC", "I-LOC", "I-LOC"]
