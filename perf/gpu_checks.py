"""The checks of `perf.gpu`: on a GPU, does training compute what it computes on the CPU, in every way it has?

Each check returns rows of a table and takes a `Bench`; on the CPU it runs the same code, with stand-ins where a CPU has
no such thing (a second device is a second process, a full memory is an exception).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from unittest.mock import patch

import torch

from perf.inputs import LENGTH, NLI, Size
from perf.large import measure as large
from perf.measure import Bound, Measure, in_turns
from perf.resumed import undisturbed_and_resumed
from perf.training import make_run
from xtransfer.base.stage import Progress
from xtransfer.benchmarks.spec import Row
from xtransfer.recipes.recipe import Recipe
from xtransfer.training.memory import MicroBatcher
from xtransfer.training.process_group import ProcessGroup

Rows = list[Measure | Bound]
_RATE = 1e-3  # so high that losses move, and with them what is compared
_SAME = 1e-4  # largest difference of losses whose sums have another order
_ROUNDED = 0.05  # of losses in bf16
_ROOM = 0.6  # of what a whole batch needs beside the model, when memory is made scarce


@dataclass(frozen=True)
class Bench:
    """What is measured on."""

    device: str  # "cuda:0" or "cpu"
    encoder: Path  # for the checks
    large: Path  # for the speed
    size: Size  # of `large`
    rows: Sequence[Row]
    folder: Path  # for files of checks
    batches: Sequence[int]
    steps: int  # of checks and of timings
    peak: float  # operations per second in bf16
    goals: bool  # whether speed is judged

    @property
    def is_gpu(self) -> bool:
        return self.device.startswith("cuda")

    def recipe(self, **values: object) -> Recipe:
        usual = {"steps": self.steps, "batch_size": 32, "learning_rate": _RATE, "max_length": LENGTH, "dropout": 0.0}
        return Recipe.model_validate({**usual, **values})


def packed(bench: Bench) -> Rows:
    """Losses without padding, and with; in fp32."""
    ours, theirs = (_losses(bench, savings=savings)[0] for savings in (True, False))
    return [
        Bound("packed and padded, fp32: losses differ by", _apart(ours, theirs), _SAME),
        Bound("the same losses move by", max(ours) - min(ours), least=10 * _SAME),
    ]


def without_padding_in_bf16(bench: Bench) -> Rows:
    """The kernel for sequences of any length, which needs bf16 and no dropout."""
    from torch.nn.attention import varlen

    with patch.object(varlen, "varlen_attn", wraps=varlen.varlen_attn) as kernel:
        ours, _ = _losses(bench, precision="bf16")
    theirs, _ = _losses(bench, precision="bf16", savings=False)
    return [
        Bound("packed and padded, bf16: losses differ by", _apart(ours, theirs), _ROUNDED),
        Bound("calls of the kernel without padding", kernel.call_count, least=1 if bench.is_gpu else 0),
    ]


def resumed(bench: Bench) -> Rows:
    """A run that is stopped half-way and resumed, and one that is not; with dropout."""
    recipe = bench.recipe(dropout=0.1)
    wanted, after = undisturbed_and_resumed(bench.encoder, bench.rows, recipe, bench.folder / "resumed", bench.device)
    apart = max(float((after.weights[name] - one).abs().max()) for name, one in wanted.weights.items())
    losses = abs(after.losses[-1] - wanted.losses[-1])
    return [
        Bound("resumed and undisturbed: last loss differs by", losses, 10 * _SAME if bench.is_gpu else 0.0),
        Bound("resumed and undisturbed: weights differ by", apart, None if bench.is_gpu else 0.0),  # sums are not fixed
    ]


def two_ranks(bench: Bench) -> Rows:
    """Two devices, and one. Nothing on a machine with one GPU."""
    from xtransfer.training.ranks import together

    if bench.is_gpu and torch.cuda.device_count() < 2:
        print("two ranks: this machine has one GPU")
        return []
    devices = ("cuda:0", "cuda:1") if bench.is_gpu else ("cpu", "cpu")
    given = (bench.encoder, list(bench.rows), bench.recipe(), bench.folder / "ranks")
    ours = together(devices, _ranked, given)
    theirs, _ = _losses(bench)
    return [Bound("two devices and one: losses differ by", _apart(ours, theirs), _SAME)]


def _ranked(
    process_group: ProcessGroup, device: str, progress: Progress, encoder: Path, rows: list[Row], recipe: Recipe,
    folder: Path,
) -> list[float]:  # fmt: skip
    from xtransfer.recipes.mixture import PROPORTIONAL
    from xtransfer.training.finetune import Run, Savings
    from xtransfer.training.parts import TrainingMixture
    from xtransfer.training.session import train

    mixed = TrainingMixture.of([(NLI, rows)], PROPORTIONAL, ())
    run = Run(encoder, mixed, recipe, 0, device, None, Savings(), process_group)
    return train(run.job(), folder, device=device).losses


def scarce_memory(bench: Bench) -> Rows:
    """Training where a whole batch does not fit: the same losses, in micro-batches."""
    theirs, rows = _losses(bench)
    with _scarce(bench):
        ours, fewer = _losses(bench)
    return [
        Bound("rows at once where a batch does not fit", fewer, most=rows - 1),
        Bound("with memory short and not: losses differ by", _apart(ours, theirs), _SAME),
    ]


@contextmanager
def _scarce(bench: Bench) -> Iterator[None]:
    """Leaves too little memory for a whole batch; call it after a run with enough of it."""
    if not bench.is_gpu:
        attempt = MicroBatcher._attempt

        def small(self: MicroBatcher, loss_of: Any, named: Any) -> torch.Tensor:
            if self.rows > 8:
                raise torch.OutOfMemoryError("too many rows")
            return attempt(self, loss_of, named)

        with patch.object(MicroBatcher, "_attempt", small):
            yield
        return
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(bench.device)
    run = _run(bench)
    model = 16 * sum(one.numel() for one in run.model.parameters())  # fp32 weights, gradients and two moments
    _trained(run)
    peak = torch.cuda.max_memory_allocated(bench.device)
    del run
    torch.cuda.empty_cache()
    limit = min(model, peak) + _ROOM * max(0, peak - model)
    torch.cuda.set_per_process_memory_fraction(limit / torch.cuda.mem_get_info(bench.device)[1], bench.device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, bench.device)


def ctranslate2(bench: Bench) -> Rows:
    """CTranslate2 and transformers with one untrained Marian model, in float32, on the device."""
    from perf.translation import QUICK_SHAPE, SHAPE, _random_model
    from xtransfer.translation.ctranslate2_engine import CTranslate2Engine
    from xtransfer.translation.model_loading import convert
    from xtransfer.translation.transformers_engine import TransformersEngine

    model = _random_model(SHAPE if bench.is_gpu else QUICK_SHAPE, bench.rows[:2000], bench.folder / "translator")
    out = bench.folder / "converted"
    out.mkdir()
    convert(model, "float32", version("ctranslate2"), out)
    texts = [row["first"] for row in bench.rows[: 200 if bench.is_gpu else 8]]
    ours, theirs = CTranslate2Engine(out, bench.device), TransformersEngine(model, bench.device)
    seconds = in_turns(
        {
            "ours": lambda: _seconds(lambda: ours.translate(texts, "en", "de")),
            "other": lambda: _seconds(lambda: theirs.translate(texts, "en", "de")),
        },
        1,
    )
    is_there = ours._model.device == bench.device.partition(":")[0]
    return [
        Bound("CTranslate2 computes on the device (1) or beside it (0)", float(is_there), least=1),
        Measure("seconds of CTranslate2, of transformers", seconds["ours"], seconds["other"]),
    ]


def speed(bench: Bench) -> Rows:
    """Training at each batch size against the Trainer at its best, and the share of the device's peak."""
    return large(
        bench.size, bench.rows, bench.batches, bench.steps, 1, bench.large, bench.device, bench.peak, bench.goals
    )


CHECKS: dict[str, Callable[[Bench], Rows]] = {
    "packed against padded": packed,
    "attention without padding in bf16": without_padding_in_bf16,
    "resume": resumed,
    "scarce memory": scarce_memory,
    "two ranks": two_ranks,
    "CTranslate2": ctranslate2,
    "speed": speed,
}


def _losses(bench: Bench, savings: bool = True, **recipe: object) -> tuple[list[float], int]:
    """Returns the loss of each step, without dropout, and how many rows were computed at once."""
    return _trained(_run(bench, savings, **recipe))


def _run(bench: Bench, savings: bool = True, **recipe: object) -> Any:
    values = bench.recipe(**recipe).model_dump(exclude={"steps"})
    return make_run(bench.encoder, [(NLI, bench.rows)], bench.steps, savings=savings, device=bench.device, **values)


def _trained(run: Any) -> tuple[list[float], int]:
    from xtransfer.training.session import train

    job = run.job()
    with TemporaryDirectory() as folder:
        losses = train(job, Path(folder), device=run.device).losses
    return losses, job.backward_pass.rows


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    return max(abs(ours - theirs) for ours, theirs in zip(one, other, strict=True))


def _seconds(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started
