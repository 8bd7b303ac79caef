"""Pretraining on a little text: an ordinary folder comes out; a killed run goes on to the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from xtransfer import lab
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.training import pretraining
from xtransfer.training.cooccurrence import embeddings
from xtransfer.training.corruption import Corruptor
from xtransfer.training.pretraining import pretrain

TINY = PretrainingRecipe(
    vocab_size=500, hidden_size=16, layers=1, heads=2, intermediate_size=16, steps=12, batch_size=4
)


class KilledError(Exception):
    pass


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = AutoModelForMaskedLM.from_pretrained(folder).state_dict()
    return state


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_folder_is_an_ordinary_one(tmp_path: Path) -> None:
    facts = pretrain(lab.parallel_text(300), TINY, 0, tmp_path)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in tmp_path.iterdir()}
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    ids = tokenizer("The cook is rich.", "Der Koch ist reich.")["input_ids"]
    assert ids[0] == tokenizer.cls_token_id and ids.count(tokenizer.sep_token_id) == 3
    assert tokenizer.unk_token_id not in ids
    logits = AutoModelForMaskedLM.from_pretrained(tmp_path)(torch.tensor([ids])).logits
    assert logits.shape == (1, len(ids), facts["vocab_size"])
    assert facts["steps"] == 12 and facts["num_sentences"] == 1800 and facts["masked_loss"] > 0


def test_equal_seeds_give_equal_weights_and_unequal_ones_do_not(tmp_path: Path) -> None:
    texts = lab.parallel_text(200)
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        pretrain(texts, TINY, seed, tmp_path / name)
    assert equal(weights(tmp_path / "one"), weights(tmp_path / "again"))
    assert not equal(weights(tmp_path / "one"), weights(tmp_path / "other"))


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_killed_run_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dropout: float
) -> None:
    texts, recipe = lab.parallel_text(200), TINY.model_copy(update={"dropout": dropout})
    pretrain(texts, recipe, 0, tmp_path / "undisturbed")
    monkeypatch.setattr(pretraining, "_STATE_SECONDS", 0.0)
    saved = pretraining._save_state

    def save_and_die(path: Path, *state: object) -> None:
        saved(path, *state)  # type: ignore[arg-type]
        if state[4] == 5:
            raise KilledError

    monkeypatch.setattr(pretraining, "_save_state", save_and_die)
    with pytest.raises(KilledError):
        pretrain(texts, recipe, 0, tmp_path / "resumed", state_dir=tmp_path / "state")
    done = []
    monkeypatch.setattr(pretraining, "_save_state", saved)
    pretrain(
        texts,
        recipe,
        0,
        tmp_path / "resumed",
        lambda message, step, total, metrics: done.append(step),
        tmp_path / "state",
    )
    assert done[-1] == 12
    assert equal(weights(tmp_path / "undisturbed"), weights(tmp_path / "resumed"))


def test_text_in_one_language_only_is_enough(tmp_path: Path) -> None:
    texts = [
        {"de": text["de"]} if number % 2 else {"en": text["en"]} for number, text in enumerate(lab.parallel_text(200))
    ]
    assert pretrain(texts, TINY, 0, tmp_path)["masked_loss"] > 0


def test_translations_start_close() -> None:
    """Two languages of ten words: word w of the one is w + 10 in the other."""
    rng = np.random.default_rng(0)
    drawn = [rng.choice(10, 3, replace=False) for _ in range(400)]
    vectors = embeddings([np.concatenate([words, words + 10]) for words in drawn], 25, 12, seed=0)
    similar = vectors @ vectors.T
    assert all(similar[word, 10:20].argmax() == word for word in range(10))
    assert not vectors[20:].any()  # never seen


def test_corruption_changes_a_sentence_and_says_where() -> None:
    rng = np.random.default_rng(0)
    sentences = [rng.integers(5, 40, size=8) for _ in range(300)]
    profiles = np.eye(40, 12, dtype=np.float32)
    corrupt = Corruptor(sentences, profiles)
    for sentence in sentences[:100]:
        changed, wrong = corrupt(sentence, rng)
        assert wrong.any() and len(wrong) == len(changed)
        assert not np.array_equal(changed, sentence)
        assert abs(len(changed) - len(sentence)) <= 1
