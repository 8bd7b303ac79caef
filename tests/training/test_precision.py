"""TF32 is what a recipe says, in products and in gradients, and is left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch

from xtransfer.base import hardware, precision
from xtransfer.base.precision import autocast, products_in_tf32
from xtransfer.base.stage import identity
from xtransfer.recipes.recipe import Recipe
from xtransfer.study.study import Target
from xtransfer.training import finetune

from .test_finetune import changed, run
from .tiny import RECIPE

MATMUL = torch.backends.cuda.matmul


@pytest.fixture(autouse=True)
def as_found() -> Iterator[None]:
    precision._check.cache_clear()
    before = MATMUL.allow_tf32
    yield
    MATMUL.allow_tf32 = before
    precision._check.cache_clear()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that has everything, as far as settings go."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 0))
    monkeypatch.setattr(torch, "autocast", _NoAutocast)


class _NoAutocast:
    def __init__(self, kind: str, dtype: torch.dtype, enabled: bool) -> None:
        assert kind == "cuda" and dtype is torch.bfloat16

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize(("name", "inside"), [("fp32", False), ("bf16", False), ("tf32", True)])
def test_the_precision_decides_whatever_torch_is_set_to(
    name: precision.Precision, inside: bool, outside: bool, gpu: None
) -> None:
    MATMUL.allow_tf32 = outside
    with autocast(name, "cuda:1"):
        assert MATMUL.allow_tf32 is inside
    assert MATMUL.allow_tf32 is outside
    with pytest.raises(ZeroDivisionError), autocast(name, "cuda:1"):
        1 / 0  # noqa: B018
    assert MATMUL.allow_tf32 is outside


def test_gradients_follow_the_recipe_and_fp32_within_it_stays_fp32(gpu: None) -> None:
    MATMUL.allow_tf32 = False
    with products_in_tf32("cuda:0", True):
        assert MATMUL.allow_tf32
        with autocast("fp32", "cuda:0"):
            assert not MATMUL.allow_tf32
        assert MATMUL.allow_tf32
    assert not MATMUL.allow_tf32


def test_a_device_without_it_computes_in_fp32_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    draw = torch.Generator().manual_seed(0)
    left, right = torch.randn(8, 8, generator=draw), torch.randn(8, 8, generator=draw)
    expected = left @ right
    with autocast("tf32", "cpu"):
        assert torch.equal(left @ right, expected)
    assert caplog.messages == ["precision: this device has no TF32, so tf32 is fp32 here"]


@pytest.mark.parametrize(
    ("name", "flags", "faster"),
    [
        ("Intel(R) Xeon(R) Platinum 8481C", "fma avx512_bf16 amx_bf16 amx_tile", True),
        ("Intel(R) Xeon(R) Processor", "fma avx512f avx512_bf16 avx512_fp16", False),
        ("AMD EPYC 9R14", "fma avx512f avx512_bf16", True),
        ("AMD EPYC 7763 64-Core Processor", "fma avx2", False),
        ("", "", False),
    ],
)
def test_a_cpu_that_is_slower_in_bf16_computes_in_fp32(
    name: str, flags: str, faster: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hardware, "_of_processor", {"model name": name, "flags": flags}.__getitem__)
    hardware.processor.cache_clear()
    found = hardware.faster_in_bf16.__wrapped__()
    hardware.processor.cache_clear()
    assert found is faster
    monkeypatch.setattr(precision, "faster_in_bf16", lambda: faster)
    with autocast("bf16", "cpu"):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is (torch.bfloat16 if faster else torch.float32)
    assert ("so bf16 is fp32 here" in caplog.text) is not faster


def test_a_training_has_its_gradients_in_the_recipe_s_precision(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, set_products = list[tuple[str, bool]](), finetune.products_in_tf32

    def watched(device: str, on: bool) -> AbstractContextManager[None]:
        asked.append((device, on))
        return set_products(device, on)

    monkeypatch.setattr(finetune, "products_in_tf32", watched)
    losses = [
        run(encoder, tmp_path / name, changed(RECIPE, epochs=None, steps=2, precision=name))["loss_last"]
        for name in ("fp32", "tf32")
    ]
    assert asked == [("cpu", False), ("cpu", True)] and losses[0] == losses[1]


def test_an_older_gpu_is_told_of(caplog: pytest.LogCaptureFixture, gpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    with autocast("tf32", "cuda:0"), autocast("fp32", "cuda:0"):
        pass
    assert caplog.messages == ["precision: this device has no TF32, so tf32 is fp32 here"]


def test_it_is_part_of_what_identifies_a_result_and_fp32_is_not() -> None:
    assert identity(Recipe(epochs=1)) == {"epochs": 1.0}
    assert identity(Recipe(epochs=1, precision="tf32")) == {"epochs": 1.0, "precision": "tf32"}
    target = Target.parse("xnli:tf32")
    assert target.precision == "tf32" and target.slug == "xnli:tf32"
