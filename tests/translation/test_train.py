"""Training a translator: it learns, resumes after a kill, and refuses texts that are not parallel."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from tests.translation.words import RECIPE, english, said, texts
from xtransfer.base.errors import RequestError
from xtransfer.training.translator import train_translator
from xtransfer.training.translator_pairs import Pair, batches_of
from xtransfer.translation.quality import held_out_quality
from xtransfer.translation.transformers_engine import TransformersEngine

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("translator")
    return folder / "out", train_translator(texts(200), RECIPE, 0, folder / "out", folder / "state")


def right(engine: TransformersEngine, language: str) -> float:
    asked = english(60, seed=1)
    made = engine.translate(asked, "en", language)
    return sum(one == said(two, language) for one, two in zip(made, asked, strict=True)) / len(asked)


def test_one_model_learns_two_languages(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, facts = trained
    assert facts["degenerate"] is None and facts["languages"] == ["en", "de", "fr"]
    assert facts["loss_last"] < 0.5 * facts["loss_first"]
    engine = TransformersEngine(folder)
    assert right(engine, "de") > 0.8 and right(engine, "fr") > 0.8
    untrained = folder.parent / "untrained"
    train_translator(texts(20), RECIPE.model_copy(update={"steps": 1}), 0, untrained, folder.parent / "none")
    assert right(TransformersEngine(untrained), "de") < 0.1


def test_the_way_back_from_several_languages_in_one_model(tmp_path: Path) -> None:
    """With everything that saves time: bf16, batches by length, embeddings from co-occurrence."""
    quick = RECIPE.model_copy(
        update={"precision": "bf16", "by_length": True, "embeddings": "co-occurrence", "steps": 500}
    )
    facts = train_translator(texts(200), quick, 0, tmp_path / "out", tmp_path / "state", to_english=True)
    assert facts["languages"] == ["de", "fr", "en"]
    said_of = json.loads((tmp_path / "out" / "languages.json").read_text())
    assert said_of == {"sources": ["de", "fr"], "targets": ["en"]}
    engine = TransformersEngine(tmp_path / "out")
    asked = english(60, seed=1)
    for language in ("de", "fr"):
        made = engine.translate([said(one, language) for one in asked], language, "en")
        assert sum(one == two for one, two in zip(made, asked, strict=True)) > 0.8 * len(asked), language
    with pytest.raises(RequestError, match="from de, fr to en, not from en to de"):
        engine.translate(["red"], "en", "de")
    scores = held_out_quality(tmp_path / "out", texts(20, seed=1))
    assert list(scores) == ["de-en", "fr-en"] and scores["de-en"]["compared"] == 20
    assert scores["de-en"]["bleu"] > 50 and scores["de-en"]["chrf"] > 70
    assert "version:" in scores["de-en"]["bleu_signature"]


def test_batches_by_length_hold_every_pair_once_and_save_padding() -> None:
    rng = random.Random(0)
    pairs = [([number], [0] * rng.randint(1, 30)) for number in range(300)]
    batches = list(itertools.islice(batches_of(pairs, 8, True, 0, 1), 38))
    assert sorted(one[0] for batch in batches for one, _ in batch) == list(range(300))
    plain = list(itertools.islice(batches_of(pairs, 8, False, 0, 1), 38))

    def padded(some: list[list[Pair]]) -> int:
        return sum(len(batch) * max(len(two) for _, two in batch) for batch in some)

    assert padded(batches) < 0.7 * padded(plain)
    assert [len(batch[0][1]) for batch in batches] != sorted(len(batch[0][1]) for batch in batches)
    later = list(itertools.islice(batches_of(pairs, 8, True, 0, 40), 3))
    assert later == list(itertools.islice(batches_of(pairs, 8, True, 0, 1), 42))[39:]


def test_no_pickle_is_written(trained: tuple[Path, dict[str, Any]]) -> None:
    assert {path.suffix for path in trained[0].iterdir()} == {".json", ".safetensors"}


def test_killed_and_resumed_gives_the_same_model(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    def kill(message: str, done: int, total: int, metrics: Any = None) -> None:
        if done >= 70:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_translator(texts(200), RECIPE, 0, tmp_path / "out", tmp_path / "state", kill, save_every=0.1)
    steps: list[int] = []
    train_translator(
        texts(200),
        RECIPE,
        0,
        tmp_path / "out",
        tmp_path / "state",
        lambda message, done, total, metrics=None: steps.append(done),
    )
    assert steps[1] > 20, "went on, not from the start"
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (tmp_path / "out", trained[0]))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_a_translator_needs_parallel_text(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="'en' and another language"):
        train_translator([{"de": "rot"}], RECIPE, 0, tmp_path / "out", tmp_path / "state")
