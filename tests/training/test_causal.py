"""Causal decoders as encoders: heads read each text's last token, which has seen all others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.kinds.words import tokenizer
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks import get
from xtransfer.kinds import KINDS
from xtransfer.kinds.heads import LabelHead, OptionHead, same_trunk
from xtransfer.models import checkpoints, plain, pretrained
from xtransfer.recipes.pooling import Pooling
from xtransfer.scoring.score import score

from .test_dual import RANKING, precision, ranking_rows
from .test_dual import RECIPE as DUAL_RECIPE
from .test_encoder_families import SIZES, folder_of
from .test_finetune import accuracy, changed, equal, run
from .test_tags import TAGS, tag_rows
from .tiny import CHOICE, PAIR, RECIPE, Killed, choice_rows, killed_at, pair_rows

FAMILIES: dict[str, dict[str, Any]] = {
    "qwen3": SIZES | {"head_dim": 16},
    "llama": SIZES,
    "gemma3_text": SIZES | {"head_dim": 16},
}
LAST = changed(RECIPE, pooling="last", dropout=None, weight_decay=0.0)


@pytest.fixture(scope="module")
def decoders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("decoders")
    return {name: folder_of(folder / name, name, **values) for name, values in FAMILIES.items()}


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_decoder_learns_from_its_last_token(
    decoders: dict[str, Path], tmp_path: Path, family: str, bf16: bool
) -> None:
    recipe = changed(LAST, epochs=4, precision="bf16" if bf16 else "fp32")
    facts = run(decoders[family], tmp_path, recipe)
    assert facts["degenerate"] is None and facts["loss_last"] < 0.3 < facts["loss_first"]
    assert accuracy(tmp_path / "out", PAIR, pair_rows(60, seed=1)) > 0.9
    assert json.loads((tmp_path / "out" / "head.json").read_text())["heads"]["colours"]["pooling"] == "last"


@pytest.mark.parametrize("family", FAMILIES)
def test_without_it_the_refusal_says_what_to_set(decoders: dict[str, Path], tmp_path: Path, family: str) -> None:
    said = rf"'{family}' is a causal decoder here: .*only the last knows the whole text; set pooling: last"
    with pytest.raises(RequestError, match=said):
        run(decoders[family], tmp_path, changed(LAST, pooling="first"))
    with pytest.raises(RequestError, match=said):  # a ranking has a setting of its own
        run(decoders[family], tmp_path, changed(DUAL_RECIPE, pooling="last"), [(RANKING, ranking_rows())])
    with pytest.raises(RequestError, match=r"pooling: last needs .* chunks is of kind tags, whose head reads all"):
        run(decoders[family], tmp_path, LAST, [(TAGS, tag_rows(8))])


def test_a_decoder_is_a_dual_encoder(decoders: dict[str, Path], tmp_path: Path) -> None:
    dual = {"pooling": "last", "similarity": "cosine", "scale": 10, "symmetric": True}
    recipe = changed(DUAL_RECIPE, steps=100, dropout=None, dual=dual)
    run(decoders["qwen3"], tmp_path, recipe, [(RANKING, ranking_rows())])
    loaded = checkpoints.load(tmp_path / "out")
    assert loaded.encoder.config.use_cache is False
    last, mean = (precision(tmp_path / "out", pooling=Pooling(how=how)) for how in ("last", "mean"))
    assert last > 80 and last > mean


def test_a_decoder_goes_on_and_resumes_to_the_same(decoders: dict[str, Path], tmp_path: Path) -> None:
    recipe = changed(LAST, epochs=None, steps=12)
    run(decoders["llama"], tmp_path / "one", recipe)
    with pytest.raises(Killed):
        run(decoders["llama"], tmp_path / "two", recipe, progress=killed_at(5), save_every=0.0)
    run(decoders["llama"], tmp_path / "two", recipe)
    assert equal(tmp_path / "one" / "out", tmp_path / "two" / "out")
    with pytest.raises(RequestError, match="set pooling: last"):  # its head reads the last; another one would not
        run(tmp_path / "one" / "out", tmp_path / "three", changed(recipe, pooling="first"))
    carried = run(
        tmp_path / "one" / "out", tmp_path / "four", changed(recipe, head="carry"), [(CHOICE, choice_rows(24))]
    )
    assert carried["heads"] == {"choices": "carried from colours"}


def test_an_encoder_may_read_its_last_token_too(encoder: Path, tmp_path: Path) -> None:
    facts = run(encoder, tmp_path / "last", changed(RECIPE, pooling="last"))
    assert facts["degenerate"] is None and accuracy(tmp_path / "last" / "out", PAIR, pair_rows(60, seed=1)) > 0.9
    assert facts["losses"] != run(encoder, tmp_path / "first", RECIPE)["losses"]
    with pytest.raises(RequestError, match="reads each text's last token, and transformers' classes"):
        plain.write(checkpoints.load(tmp_path / "last" / "out"), tmp_path)


def test_a_head_is_carried_only_to_one_that_reads_the_same_token() -> None:
    one, other, option = LabelHead(4, ("yes", "no"), 0.0), LabelHead(4, ("yes", "no"), 0.0), OptionHead(4, 0.0)
    assert KINDS["pair"].carry(one, other) and same_trunk(one, option)
    one.pooling = "last"
    assert not KINDS["pair"].carry(one, other) and not same_trunk(one, option)


def test_retrieval_compares_last_tokens_of_a_decoder(decoders: dict[str, Path], tmp_path: Path) -> None:
    given: Any = (get("lab-retrieval"), ["de"], "test", 24, tmp_path)
    with pytest.raises(RequestError, match=r":last for a target that compares them"):
        score(decoders["qwen3"], *given, limit=8)
    (found, *_) = score(decoders["qwen3"], *given, limit=8, pooling=Pooling(how="last"))
    assert found.n == 8
    run(decoders["qwen3"], tmp_path, changed(LAST, epochs=None, steps=2))
    for how in ("cls", "mean"):  # though a head of the checkpoint reads the last token
        with pytest.raises(RequestError, match=r":last for a target that compares them"):
            score(tmp_path / "out", *given, limit=8, pooling=Pooling(how=how))


def test_a_decoder_without_a_padding_token_pads_with_its_end(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", "llama", **SIZES)
    file = folder / "tokenizer_config.json"
    values = json.loads(file.read_text())
    assert values.pop("pad_token")
    file.write_text(json.dumps(values))
    with pytest.raises(RequestError, match="causal decoder"):
        pretrained.load_encoder(folder)
    encoder, words, _ = pretrained.load_encoder(folder, reads_last=True)
    assert words.pad_token == words.eos_token
    ids, padding = torch.tensor([[4, 5, 6]]), torch.tensor([[words.pad_token_id] * 2])
    with torch.inference_mode():
        alone = encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
        mask = torch.tensor([[1, 1, 1, 0, 0]])
        padded = encoder(input_ids=torch.cat([ids, padding], 1), attention_mask=mask).last_hidden_state
    assert torch.allclose(alone[:, 2], padded[:, 2], atol=1e-6)


def test_texts_of_a_pair_are_told_apart() -> None:
    words = tokenizer()
    row = {"first": "a b", "second": "c", "label": 0}
    (separated,) = KINDS["pair"].encode([row], words, 24)
    assert words.convert_ids_to_tokens(separated.sequences[0]) == ["<s>", "a", "b", "</s>", "</s>", "c", "</s>"]
    seen: list[list[str]] = []
    words.backend_tokenizer.post_processor = None  # as Qwen's, which adds no special tokens
    call = type(words).__call__

    def watched(self: Any, firsts: list[str], seconds: list[str], **options: Any) -> Any:
        seen.append(seconds)
        return call(self, firsts, seconds, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(words), "__call__", watched)
        KINDS["pair"].encode([row, {**row, "second": ""}], words, 24)
    assert seen == [["\nc", ""]]
