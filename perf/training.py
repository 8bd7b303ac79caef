"""Training in CPU seconds: xtransfer against the Trainer of transformers, with dynamic padding and at its best.

At its best it groups batches by length and uses fused AdamW, and bf16 where the device is faster in it; with dynamic
padding it uses random batches in fp32. xtransfer always uses random batches. All use 32 rows per step out of 10,000
English pairs (LingNLI) of the mirror, the encoder's dropout (0.1, also of attention weights), and one thread; the time
per real token is compared. Each turn times 8 steps after 2 others, after a warm-up turn of each way, because a CPU
compiles each new shape once in bf16. The Trainer sorts 50 batches at a time; its steps are spread evenly over them.
`perf.curves` shows that all learn the same.

The main factors: attention buckets are at least `unpadded.layout.LEAST_FILLED` full; in bf16, token counts are rounded
up to a multiple of `unpadded.forward._ROUND`; `--rounds` and `--threads`.

With `--encoder FOLDER`, an encoder of yours is measured instead, on `--device`, and between the rounds products of
large matrices, the peak of this machine. The share of it that training reaches counts 6 operations for each weight of
a linear layer and real token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

from perf.inputs import LENGTH, NLI, QUICK, SIZES, evaluation_rows, make_encoder, origin, training_rows
from perf.measure import SECONDS, Bound, Measure, clock, in_turns, parser, show
from perf.trainer import BATCH, BEST, DYNAMIC, GROUPED, WARM, Settings, dataset, seconds_per_token
from xtransfer.base.hardware import faster_in_bf16
from xtransfer.base.precision import Precision
from xtransfer.benchmarks.spec import Row
from xtransfer.recipes.recipe import Recipe

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch
    from xtransfer.training.finetune import Run
    from xtransfer.training.parts import BenchmarkRows

POOL = 10_000  # rows
STEPS = 8
PER = 1e6  # the table shows seconds per million tokens


def precisions_of(device: str) -> tuple[Precision, ...]:
    """fp32, and bf16 where the device is faster in it; the last is the best of both sides."""
    return ("fp32",) if device == "cpu" and not faster_in_bf16() else ("fp32", "bf16")


def others_of(device: str) -> dict[str, tuple[Settings, float]]:
    """The Trainer's settings by name, with the goal of the ratio to ours in the best precision."""
    best = BEST if "bf16" in precisions_of(device) else GROUPED
    return {"dynamic padding": (DYNAMIC, 3.5), f"grouped by length, {precisions_of(device)[-1]}": (best, 1.3)}


def measure(
    size: object, rows: Sequence[Row], steps: int, rounds: int, folder: Path, goals: bool, device: str = "cpu",
    peak: bool = False,
) -> list[Measure | Bound]:  # fmt: skip
    """Rows of the table for one encoder: each precision against both alternatives, and the share of making batches.

    With `peak`, also the device's peak in each precision, and the share of it that training reaches.
    """
    data = dataset(folder, rows)
    shares: list[float] = []
    precisions, others = precisions_of(device), others_of(device)
    ways: dict[str, Callable[[], float]] = {
        name: lambda settings=settings: seconds_per_token(folder, data, steps, settings, device=device)[0]  # type: ignore[misc]
        for name, (settings, _) in others.items()
    }
    for precision in precisions:
        ways[precision] = lambda precision=precision: seconds_of_ours(
            folder, rows, steps, device, shares, precision=precision
        )  # type: ignore[misc]
        if peak:
            ways[f"{precision} peak"] = lambda precision=precision: _seconds_per_operation(precision, device)  # type: ignore[misc]
    counted = {name: [PER * one for one in own] for name, own in in_turns(ways, rounds).items()}
    found: list[Measure | Bound] = []
    for precision in precisions if peak else ():
        operations = PER / median(counted[f"{precision} peak"])
        reached = share_of_peak(folder, median(counted[precision]), operations)
        found.append(Bound(f"{size}: peak of products in {precision}, 10^12 operations per second", operations / 1e12))
        found.append(Bound(f"{size}: {precision}, share of the peak", reached))
    for precision in precisions:
        for other, (_, ratio) in others.items():
            least = ratio if goals and precision == precisions[-1] else None
            found.append(Measure(f"{size}: {precision} / {other}", counted[precision], counted[other], least=least))
    return [*found, Bound(f"{size}: share of the loop that makes batches", median(shares), 0.05 if goals else None)]


def _seconds_per_operation(precision: str, device: str) -> float:
    """Seconds of an addition or multiplication in products of large matrices."""
    import torch

    size, now = 1024 if device == "cpu" else 8192, clock(device)
    one = torch.ones(size, size, device=device, dtype=torch.bfloat16 if precision == "bf16" else torch.float32)
    torch.mm(one, one)  # a CPU compiles each new shape once
    before, times = now(), 4
    for _ in range(times):
        torch.mm(one, one)
    return (now() - before) / (times * 2 * size**3)


def share_of_peak(folder: Path, seconds: float, operations: float) -> float:
    """The share of `operations` a second that training reaches with `seconds` for `PER` tokens (MFU).

    It counts 6 operations for each weight of a linear layer and real token.
    """
    from torch import nn

    from xtransfer.models.pretrained import load_encoder

    layers = [module for module in load_encoder(folder)[0].modules() if isinstance(module, nn.Linear)]
    return 6 * sum(layer.weight.numel() for layer in layers) * PER / seconds / operations


def seconds_of_ours(
    folder: Path, rows: Sequence[Row], steps: int, device: str, shares: list[float] | None = None,
    precision: str = "fp32", batch_size: int = BATCH,
) -> float:  # fmt: skip
    """Seconds per token, as the stage `train` trains; appends the share of making batches to `shares`."""
    timed = Clock(
        make_run(folder, [(NLI, rows)], WARM + steps, device=device, precision=precision, batch_size=batch_size), WARM
    )
    timed.train()
    if shares is not None:
        shares.append(timed.making / timed.seconds)
    return timed.seconds / timed.tokens


class Clock:
    """Times a run, counts its tokens, and times the making of batches, after `warm` steps."""

    def __init__(self, run: Run, warm: int = 0) -> None:
        self.run, self.warm, self.now = run, warm, clock(run.device)
        self.seconds, self.making, self.tokens = 0.0, 0.0, 0

    def train(self) -> list[float]:
        """Train; returns the loss of each step."""
        from xtransfer.training.session import train

        job = replace(self.run.job(), batches=self._counted)
        with TemporaryDirectory() as folder:
            losses = train(job, Path(folder), device=self.run.device).losses
        self.seconds = self.now() - self.started
        return losses

    def _counted(self, first: int) -> Iterator[tuple[str, Batch]]:
        batches = self.run.batches(first)
        for step in range(self.run.steps):
            if step == self.warm:
                self.started, self.making, self.tokens = self.now(), 0.0, 0
            before = process_time()
            named = next(batches)
            self.making += process_time() - before
            self.tokens += sum(named[1].lengths)
            yield named


def make_run(
    folder: Path, parts: Sequence[BenchmarkRows], steps: int, *, seed: int = 0, savings: bool = True,
    device: str = "cpu", **recipe: object,
) -> Run:  # fmt: skip
    """A run of xtransfer with the Trainer's recipe; `recipe`: fields to replace."""
    from xtransfer.recipes.mixture import PROPORTIONAL
    from xtransfer.training.finetune import Run, Savings
    from xtransfer.training.parts import TrainingMixture

    usual = {"batch_size": BATCH, "learning_rate": 2e-5, "max_length": LENGTH}
    made = Recipe.model_validate({**usual, "steps": steps, **recipe})
    return Run(folder, TrainingMixture.of(parts, PROPORTIONAL, ()), made, seed, device, None, Savings(savings, savings))


def _main() -> None:
    options = parser(__doc__ or "", markdown=True)
    options.add_argument("--rounds", type=int, default=5, help="timed rounds of each way (default: 5)")
    options.add_argument("--threads", type=int, default=1, help="threads of torch (default: 1)")
    options.add_argument("--encoder", type=Path, metavar="FOLDER", help="measure this encoder instead")
    options.add_argument("--device", default="cpu", help="torch device for --encoder (default: cpu)")
    asked = options.parse_args()
    import torch

    torch.set_num_threads(asked.threads)
    rows = training_rows(400 if asked.quick else POOL)
    steps, rounds = (2, 1) if asked.quick else (STEPS, asked.rounds)
    found: list[Measure | Bound] = []
    said = f"{SECONDS} {origin()}"
    if asked.encoder is not None:
        found = measure(asked.encoder.name, rows, steps, rounds, asked.encoder, False, asked.device, peak=True)
        show(found, asked, f"Training on {asked.device}: seconds per million tokens", said)
        return
    for size in (QUICK,) if asked.quick else SIZES:
        with TemporaryDirectory() as name:
            texts = evaluation_rows(50) if asked.quick else {"en": training_rows()}
            folder = make_encoder(size, texts, Path(name))
            found += measure(size, rows, steps, rounds, folder, goals=not asked.quick)
    show(found, asked, "Training: CPU seconds per million tokens", said, mark="training")


if __name__ == "__main__":
    _main()
