from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM, XLMRobertaModel

from tests.kinds.words import BEGIN, END, PAD, UNKNOWN, WORDS, tokenizer
from xtransfer.base.errors import RequestError
from xtransfer.kinds import mlm
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.language_head import LanguageHead
from xtransfer.kinds.spec import Encoded
from xtransfer.recipes.recipe import Recipe

MASK = 4 + len(WORDS)


def reader() -> object:
    known = tokenizer()
    known.add_special_tokens({"mask_token": "<mask>"})
    assert known.mask_token_id == MASK
    return known


def batch(texts: list[str], length: int = 64) -> Batch:
    return collate(mlm.encode([{"text": text} for text in texts], reader(), length), PAD)


def corrupted(one: Batch, seed: int = 0) -> Batch:
    return mlm.corrupt(one, reader(), torch.Generator().manual_seed(seed))


def config(**values: object) -> XLMRobertaConfig:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    return XLMRobertaConfig(vocab_size=MASK + 1, max_position_embeddings=80, pad_token_id=PAD, **sizes, **values)


def test_encode_keeps_the_first_tokens() -> None:
    (one,) = mlm.encode([{"text": "a b c d"}], reader(), 5)
    assert one.sequences == ((BEGIN, 4, 5, 6, END),) and one.target is None
    assert mlm.encode([{"text": "a " * 10_000}], reader(), 5)[0].sequences == ((BEGIN, 4, 4, 4, END),)


def test_shares_of_what_is_hidden() -> None:
    before = batch([" ".join(WORDS) * 1 for _ in range(2000)])
    after = corrupted(before)
    hidden = [(row, place, token) for row, target in enumerate(after.targets) for place, token in target]
    shown = [int(after.input_ids[row, place]) for row, place, _ in hidden]
    assert all(before.input_ids[row, place] == token for row, place, token in hidden), "targets are the originals"
    least_one = 1 - 0.85**8  # of 8 words: 0.15 * 8 + the chance that none was drawn
    assert len(hidden) / 2000 == pytest.approx(0.15 * 8 + (1 - least_one), abs=0.06)
    assert shown.count(MASK) / len(hidden) == pytest.approx(0.8 + 0.1 / 13, abs=0.02)
    kept = sum(one == token for one, (_, _, token) in zip(shown, hidden, strict=True))
    assert kept / len(hidden) == pytest.approx(0.1 + 0.1 / 13, abs=0.02)
    changed = before.input_ids != after.input_ids
    assert {(row, place) for row, place in changed.nonzero().tolist()} <= {(row, place) for row, place, _ in hidden}


def test_special_tokens_and_padding_stay_and_every_text_has_one_hidden() -> None:
    before = batch(["a", "b c", "nothing known", "d e f g h a b c d e f g h"])
    for seed in range(50):
        after = corrupted(before, seed)
        for row, target in enumerate(after.targets):
            assert all(int(before.input_ids[row, place]) not in (BEGIN, PAD, END, UNKNOWN) for place, _ in target)
            assert bool(target) == (row != 2), "what the tokenizer does not know cannot be predicted"
    assert torch.equal(before.attention_mask, after.attention_mask)


def test_masking_is_a_function_of_the_generator() -> None:
    before = batch([" ".join(WORDS)] * 8)
    one, same, other = corrupted(before), corrupted(before), corrupted(before, 1)
    assert torch.equal(one.input_ids, same.input_ids) and one.targets == same.targets
    assert one.targets != other.targets


def test_a_tokenizer_without_a_mask_is_refused() -> None:
    with pytest.raises(RequestError, match="no mask token"):
        mlm.corrupt(batch(["a"]), tokenizer(), torch.Generator())


def test_head_is_that_of_xlm_r() -> None:
    """The logits of transformers' own model at the hidden places, from the same weights."""
    torch.manual_seed(0)
    whole = XLMRobertaForMaskedLM(config()).eval()
    nn.init.normal_(whole.lm_head.bias)
    head = LanguageHead(16)
    head.bind(whole.roberta)
    assert head.adopt({f"lm_head.{name}": value for name, value in whole.lm_head.state_dict().items()})
    one = corrupted(batch(["a b c d e", "f g"]))
    states = whole.roberta(**one.inputs()).last_hidden_state
    outputs = head(states, one)
    assert outputs.shape == (sum(map(len, one.targets)), MASK + 1), "only hidden places meet the vocabulary"
    expected = whole(**one.inputs()).logits
    places = [(row, place) for row, target in enumerate(one.targets) for place, _ in target]
    assert torch.allclose(outputs, torch.stack([expected[place] for place in places]), atol=1e-6)
    labels = torch.full_like(one.input_ids, -100)
    for row, target in enumerate(one.targets):
        for place, token in target:
            labels[row, place] = token
    assert head.loss(outputs, one).item() == pytest.approx(whole(**one.inputs(), labels=labels).loss.item(), abs=1e-6)


def test_embeddings_are_the_encoders_alone() -> None:
    encoder = XLMRobertaModel(config(), add_pooling_layer=False)
    head = LanguageHead(16)
    head.bind(encoder)
    assert not any(parameter is encoder.embeddings.word_embeddings.weight for parameter in head.parameters())
    assert set(head.state_dict()) == {"dense.weight", "dense.bias", "layer_norm.weight", "layer_norm.bias", "bias"}
    one = corrupted(batch(["a b c"]))
    head.loss(head(encoder(**one.inputs()).last_hidden_state, one), one).backward()
    gradient = encoder.embeddings.word_embeddings.weight.grad
    assert gradient is not None and gradient[MASK].abs().sum() > 0


def test_a_batch_with_nothing_hidden_costs_nothing() -> None:
    encoder = XLMRobertaModel(config(), add_pooling_layer=False)
    head = LanguageHead(16)
    head.bind(encoder)
    one = corrupted(batch(["unknown"]))
    loss = head.loss(head(encoder(**one.inputs()).last_hidden_state, one), one)
    loss.backward()
    assert loss.item() == 0.0


def test_widths_that_differ_are_refused() -> None:
    encoder = XLMRobertaModel(config(), add_pooling_layer=False)
    with pytest.raises(RequestError, match="embedding size is 16 and its hidden size 8"):
        LanguageHead(8).bind(encoder)


def test_adopt_and_carry_take_what_fits() -> None:
    encoder = XLMRobertaModel(config(), add_pooling_layer=False)
    source, new = LanguageHead(16), LanguageHead(16)
    source.bind(encoder)
    new.bind(encoder)
    bert = {name.replace("dense", "transform.dense").replace("layer_norm", "transform.LayerNorm"): value
            for name, value in source.state_dict().items()}  # fmt: skip
    assert new.adopt({f"cls.predictions.{name}": value for name, value in bert.items()})
    assert torch.equal(new.dense.weight, source.dense.weight)
    assert not new.adopt({}) and not new.adopt({"lm_head.bias": torch.zeros(3)})
    assert mlm.KIND.carry(source, new) and not mlm.KIND.carry(nn.Linear(2, 2), new)
    assert not mlm.KIND.carry(LanguageHead(8), new), "of another encoder"


def test_guessing_costs_the_log_of_the_number_of_tokens() -> None:
    encoded = [Encoded(((0, 5, 6, 2),), None, None), Encoded(((0, 6, 7, 99, 2),), None, None)]
    assert mlm.KIND.uninformed is not None
    assert mlm.KIND.uninformed(encoded, Recipe(epochs=1)) == pytest.approx(math.log(100))
