from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers import get_linear_schedule_with_warmup

from xtransfer.base.randomness import derived
from xtransfer.training.loop import adamw, fit, linear_rate


def test_learns_a_line() -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    weights = torch.tensor([[1.0, -2.0, 0.5]])
    inputs = torch.randn(200, 16, 3)
    optimizer = adamw(model, 0.1)

    def loss_of(batch: torch.Tensor) -> torch.Tensor:
        return (model(batch) - batch @ weights.T - 3).square().mean()

    losses = [float(loss) for _, loss in fit(optimizer, loss_of, inputs, linear_rate(200, 0.1), 1.0)]
    assert losses[0] > 5 and losses[-1] < 1e-3
    assert torch.allclose(model.weight, weights, atol=0.02)


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.37])
def test_the_rate_is_that_of_the_published_scripts(warmup: float) -> None:
    steps = 50
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = get_linear_schedule_with_warmup(optimizer, -int(-warmup * steps // 1), steps)
    rate = linear_rate(steps, warmup)
    for step in range(1, steps + 1):
        assert rate(step) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


def test_no_decay_on_vectors_and_nothing_for_frozen() -> None:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    groups = adamw(model, 0.1, weight_decay=0.3).param_groups
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [(0.3, 2), (0.0, 4)]


def test_gradients_are_clipped() -> None:
    model = nn.Linear(1, 1, bias=False)
    before = model.weight.item()
    optimizer = torch.optim.SGD([{"params": [model.weight], "lr": 1.0, "peak": 1.0}])
    list(fit(optimizer, lambda batch: 1000 * model(batch).sum(), [torch.ones(1, 1)], lambda step: 1.0, 0.25))
    assert before - model.weight.item() == pytest.approx(0.25, rel=1e-4)


def test_seeds_differ_by_purpose() -> None:
    assert len({derived(seed, what) for seed in (0, 1) for what in ("head", "dropout", "order")}) == 6
