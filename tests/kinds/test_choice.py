from __future__ import annotations

import pytest
import torch

from tests.kinds.words import batch_of, tokenizer
from xtransfer.benchmarks import get
from xtransfer.kinds import choice
from xtransfer.kinds.heads import LabelHead, OptionHead

CAUSE = {"id": "0", "group": "0", "context": "a", "question": "cause", "choices": ["b", "c d"], "label": 1}
EFFECT = {**CAUSE, "id": "1", "question": "effect", "choices": ["b", "c", "d"], "label": 0}
INFERENCE = ("entailment", "neutral", "contradiction")


def test_encode_puts_the_cause_first() -> None:
    cause, effect = choice.encode([CAUSE, EFFECT], tokenizer(), 16)
    assert cause.sequences == ((0, 5, 2, 2, 4, 2), (0, 6, 7, 2, 2, 4, 2))
    assert effect.sequences == ((0, 4, 2, 2, 5, 2), (0, 4, 2, 2, 6, 2), (0, 4, 2, 2, 7, 2))
    assert (cause.target, effect.target) == (1, 0)


def test_encode_gives_segments_per_option() -> None:
    (cause,) = choice.encode([CAUSE], tokenizer(types=True), 16)
    assert cause.types == ((0, 0, 0, 1, 1, 1), (0, 0, 0, 0, 1, 1, 1))


def test_head_pads_rows_of_fewer_options_with_impossible_ones() -> None:
    head = choice.head(8, get("lab-copa"), 0.0)
    outputs = head(torch.randn(5, 4, 8), batch_of([2, 3]))
    assert outputs.shape == (2, 3)
    assert outputs[0, 2] == float("-inf")
    assert torch.isfinite(outputs[1]).all()


def test_loss_is_a_softmax_over_the_options_of_a_row() -> None:
    head = OptionHead(8, 0.0)
    outputs = torch.tensor([[0.0, 0.0, float("-inf")], [0.0, 0.0, 0.0]], requires_grad=True)
    loss = head.loss(outputs, batch_of([3, 3], [1, 2]))
    assert loss.item() == pytest.approx((0.6931472 + 1.0986123) / 2)
    loss.backward()
    assert outputs.grad is not None
    assert outputs.grad[0].tolist() == pytest.approx([0.25, -0.25, 0.0])


def test_decode_drops_the_padding() -> None:
    outputs = torch.tensor([[-3.0, -2.0, float("-inf")], [1.0, 0.0, 4.0]])
    first, second = choice.decode(get("lab-copa"), outputs, [CAUSE, EFFECT], [])
    assert (first.value, first.scores) == (1, (-3.0, -2.0))
    assert (second.value, second.scores) == (2, (1.0, 0.0, 4.0))


def test_carry_from_inference_scores_an_option_by_how_much_it_is_entailed() -> None:
    source, new = LabelHead(4, INFERENCE, 0.0), OptionHead(4, 0.0)
    with torch.no_grad():
        source.out_proj.weight.copy_(torch.tensor([[6.0] * 4, [1.0] * 4, [3.0] * 4]))
        source.out_proj.bias.copy_(torch.tensor([1.0, 0.0, -4.0]))
    assert choice.carry(source, new)
    assert new.out_proj.weight.tolist() == [[4.0] * 4]
    assert new.out_proj.bias.tolist() == [3.0]
    assert torch.equal(new.dense.weight, source.dense.weight)


def test_carry_copies_a_choice_head_and_refuses_the_rest() -> None:
    source, new = OptionHead(4, 0.0), OptionHead(4, 0.0)
    assert choice.carry(source, new)
    assert torch.equal(source.out_proj.weight, new.out_proj.weight)
    assert not choice.carry(LabelHead(4, ("same", "other"), 0.0), new)
    assert not choice.carry(OptionHead(8, 0.0), new)
    assert not choice.carry(torch.nn.Linear(4, 4), new)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"question": "why"}, "question is 'why'"),
        ({"choices": ["b"]}, "choices has 1 entries"),
        ({"label": 2}, "label is 2"),
    ],
)
def test_check_names_what_is_wrong(change: dict[str, object], says: str) -> None:
    assert choice.check(CAUSE) is None
    assert says in str(choice.check({**CAUSE, **change}))
