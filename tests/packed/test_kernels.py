"""What packed encoders are made of: the layout of tokens, dropout, and attention by products."""

from __future__ import annotations

import logging

import pytest
import torch

from xtransfer.models.unpadded import attention, cpu_attention
from xtransfer.models.unpadded.dropout import dropped
from xtransfer.models.unpadded.layout import layout

from .test_packed import LENGTHS

torch.set_num_threads(1)


@pytest.mark.parametrize("lengths", [(5,), (4, 4, 4), (1, 2, 3, 100), tuple(range(1, 60))])
def test_every_token_has_one_place(lengths: tuple[int, ...]) -> None:
    plan = layout(lengths, torch.device("cpu"))
    real = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    assert sorted(plan.places.tolist()) == real.flatten().nonzero().flatten().tolist()
    assert sum(bucket.tokens for bucket in plan.buckets) == sum(lengths)
    assert sum(bucket.shape[0] for bucket in plan.buckets) == len(lengths)
    assert plan.edges.diff().tolist() == sorted(lengths, reverse=True)
    firsts = plan.places[plan.edges[:-1].long()][plan.ranks]
    assert firsts.tolist() == [number * max(lengths) for number in range(len(lengths))]
    for bucket in plan.buckets:
        assert bucket.tokens >= 0.85 * bucket.shape[0] * bucket.shape[1]


@pytest.mark.parametrize("shape", [(1,), (7, 9), (3, 2, 5, 11)])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_has_its_rate_and_leaves_the_mean(shape: tuple[int, ...], rate: float) -> None:
    torch.manual_seed(0)
    given = torch.ones(3000, *shape, requires_grad=True)
    found = dropped(given, rate)
    count = found.numel()
    deviation = (rate * (1 - rate) / count) ** 0.5
    assert abs(float((found.detach() == 0).float().mean()) - rate) < 4 * deviation
    assert float(found.detach().max()) == pytest.approx(1 / (1 - rate), rel=1e-4)
    found.sum().backward()
    assert given.grad is not None and torch.equal(given.grad, found.detach())
    again = dropped(given, rate)
    together = float(((again == 0) & (found == 0)).float().mean())
    assert abs(together - rate**2) < 5 * (rate**2 / count) ** 0.5, "two draws have nothing to do with each other"
    assert dropped(given, 0.0) is given


@pytest.mark.parametrize("filled", [0.0, 0.75])
def test_products_are_what_the_fused_kernel_computes(filled: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forwards and backwards, with padding in every bucket or in some."""
    monkeypatch.setattr("xtransfer.models.unpadded.layout.LEAST_FILLED", {"cpu": filled})
    plan = layout(LENGTHS, torch.device("cpu"), 16)
    tokens = sum(LENGTHS) + plan.filling
    draw = torch.Generator().manual_seed(0)
    projected = torch.randn(tokens, 3, 2, 8, generator=draw)
    weights = torch.randn(tokens, 2, 8, generator=draw)
    found = []
    for kernel in (cpu_attention.attention, attention.attention):
        given = projected.clone().requires_grad_()
        contexts = kernel(given, plan, 0.0, 0.3)
        (contexts * weights).sum().backward()
        assert given.grad is not None and not given.grad[sum(LENGTHS) :].any()
        found.append((contexts.detach(), given.grad))
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, atol=2e-6)


def test_gradients_are_those_of_the_weights_that_dropout_left() -> None:
    """Against differences of the outcome, under one draw of dropout."""
    plan = layout((3, 2), torch.device("cpu"))
    draw = torch.Generator().manual_seed(0)
    projected = torch.randn(5, 3, 2, 4, generator=draw)
    weights, direction = torch.randn(5, 2, 4, generator=draw), torch.randn(projected.shape, generator=draw)

    def outcome(at: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        return (cpu_attention.attention(at, plan, 0.4, 0.5) * weights).sum()

    given = projected.clone().requires_grad_()
    outcome(given).backward()
    assert given.grad is not None
    slope = (outcome(projected + 1e-2 * direction) - outcome(projected - 1e-2 * direction)) / 2e-2
    assert float((given.grad * direction).sum()) == pytest.approx(float(slope), rel=1e-2)


@pytest.mark.parametrize(("size", "varlen"), [(64, True), (8, True), (256, True), (20, False), (264, False)])
def test_heads_that_the_varlen_kernel_lacks_are_padded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, size: int, varlen: bool
) -> None:
    """On a GPU, which a tensor here only says it is on."""

    class OnGpu(torch.Tensor):
        is_cuda = True

    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    attention._tell.cache_clear()
    projected = torch.zeros(5, 3, 2, size, dtype=torch.bfloat16).as_subclass(OnGpu)
    with caplog.at_level(logging.INFO):
        assert [attention._has_varlen(projected, 0.0) for _ in range(3)] == [varlen] * 3
    assert not attention._has_varlen(projected, 0.1) and not attention._has_varlen(projected.float(), 0.0)
    assert [f"heads of size {size} (multiples of 8 up to 256)" in one.message for one in caplog.records] == (
        [] if varlen else [True]  # said once
    )
