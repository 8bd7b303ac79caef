"""Training, in CPU seconds: ours, against the Trainer of transformers with dynamic padding, and at its best.

Its best is batches grouped by length, bf16 and fused AdamW; with dynamic padding it takes random batches in fp32.
Ours takes random batches always. All take 32 rows a step, dropout as the encoder says (0.1, also of attention
weights), and one thread; what is compared is the time for a token that is no padding, over 50 steps: the Trainer
sorts 50 batches at a time, so that it sees short and long ones. The rows are English pairs (LingNLI) of the mirror.

What decides (all can be changed for a trial): buckets of attention are `packed.layout.LEAST_FILLED` full at least; in
bf16 numbers of tokens are filled up to a multiple of `packed.forward._ROUND`; `Savings` turns packing and trimming
off; `--rounds` and `--threads`.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, stdev
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from perf.encoders import LENGTH, NLI, QUICK, SIZES, Size, evaluation_rows, make_encoder, training_rows
from perf.measure import Bound, Measure, parser, show
from perf.trainer import BATCH, BEST, DYNAMIC, dataset, seconds_per_token
from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.training.recipe import Recipe
from xtransfer.training.savings import ALL, Savings

STEPS = 50
A, B = "dynamic padding", "grouped by length, bf16"
PER = 1e6  # a table of microseconds is easier to read: seconds for a million tokens
LEAST = {A: 3.5, B: 1.3}
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Ours:
    """One of our ways to train."""

    name: str
    precision: str
    savings: Savings


WAYS = (
    Ours("fp32, packed", "fp32", Savings(trimmed=False)),
    Ours("fp32, packed and trimmed", "fp32", ALL),
    Ours("bf16, packed", "bf16", Savings(trimmed=False)),
    Ours("bf16, packed and trimmed", "bf16", ALL),
)


def measure(size: Size, rows: Sequence[Row], steps: int, rounds: int, folder: Path, goals: bool) -> list[Any]:
    """Rows of the table for one size: each of our ways against both others, and what making batches takes."""
    data = dataset(folder, rows)
    ways: dict[str, Callable[[], float]] = {
        A: lambda: seconds_per_token(folder, data, steps, DYNAMIC),
        B: lambda: seconds_per_token(folder, data, steps, BEST),
    }
    shares: list[float] = []
    for way in WAYS:
        ways[way.name] = lambda way=way: _ours(folder, rows, steps, way, shares)  # type: ignore[misc]
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else reversed(list(ways)):
            seconds[name].append(PER * ways[name]())
    found: list[Any] = []
    for way in WAYS:
        for other in (A, B):
            least = LEAST[other] if goals and way is WAYS[-1] else None
            found.append(Measure(f"{size}: {way.name} / {other}", seconds[way.name], seconds[other], least=least))
    return [*found, Bound(f"{size}: share of the loop that makes batches", median(shares), 0.05 if goals else None)]


def _ours(folder: Path, rows: Sequence[Row], steps: int, way: Ours, shares: list[float]) -> float:
    """CPU seconds for a token, as the stage `train` trains; adds the share of making batches."""
    run = _run(folder, [(NLI, rows)], way.precision, way.savings, steps)
    clock = Clock(run)
    started = process_time()
    clock.train()
    total = process_time() - started
    shares.append(clock.seconds / total)
    return total / clock.tokens


class Clock:
    """A run whose batches are counted, and the time that making them takes."""

    def __init__(self, run: Any) -> None:
        self.run, self.seconds, self.tokens = run, 0.0, 0

    def train(self) -> list[float]:
        """The losses, step by step."""
        from dataclasses import replace

        from xtransfer.training.session import train

        job = replace(self.run.job(), batches=self._counted)
        with TemporaryDirectory() as folder:
            return train(job, Path(folder)).losses

    def _counted(self, first: int) -> Any:
        batches = self.run.batches(first)
        while True:
            started = process_time()
            named = next(batches)
            self.seconds += process_time() - started
            self.tokens += sum(named[1].lengths)
            yield named


def curves(size: Size, rows: Sequence[Row], benchmark: Benchmark, steps: int, folder: Path, goals: bool) -> list[Bound]:
    """Over three seeds: packed losses against padded ones without dropout; bf16 against fp32 with it.

    bf16 is judged by the mean loss of the last third: its mean difference over the seeds, in standard deviations of
    fp32 among them.
    """

    def losses(seed: int, precision: str, savings: Savings, dropout: float | None) -> list[float]:
        run = _run(folder, [(benchmark, rows)], precision, savings, steps, seed, dropout, 5e-4)
        return Clock(run).train()

    apart = 0.0
    ends: dict[str, list[float]] = {"fp32": [], "bf16": []}
    for seed in SEEDS:
        packed, padded = (losses(seed, "fp32", Savings(on, on), 0.0) for on in (True, False))
        apart = max(apart, *(abs(one - other) for one, other in zip(packed, padded, strict=True)))
        for precision, found in ends.items():
            found.append(mean(losses(seed, precision, ALL, None)[-steps // 3 :]))
    noise = abs(mean(ends["bf16"]) - mean(ends["fp32"])) / stdev(ends["fp32"])
    return [
        Bound(f"{size}: largest difference of packed and padded losses, {steps} steps", apart, 1e-5 if goals else None),
        Bound(f"{size}: bf16 less fp32 at the end, in deviations among seeds", noise, 1.0 if goals else None),
    ]


def _run(
    folder: Path,
    parts: Any,
    precision: str,
    savings: Savings,
    steps: int,
    seed: int = 0,
    dropout: float | None = None,
    rate: float = 2e-5,
) -> Any:
    from xtransfer.training.finetune import Run
    from xtransfer.training.mixture import PROPORTIONAL
    from xtransfer.training.parts import Parts

    recipe = Recipe.model_validate(
        {"steps": steps, "batch_size": BATCH, "learning_rate": rate, "max_length": LENGTH, "dropout": dropout}
        | {"precision": precision}
    )
    return Run(folder, Parts.of(parts, PROPORTIONAL, ()), recipe, seed, "cpu", None, savings)


def languages() -> tuple[Benchmark, list[Row]]:
    """A task on real text that small encoders learn in seconds: which language is it?"""
    texts = evaluation_rows(200)
    rows = [{**row, "label": number} for number, own in enumerate(texts.values()) for row in own]
    named = [{**row, "id": str(number), "group": str(number)} for number, row in enumerate(rows)]
    return Benchmark("languages", "pair", tuple(texts), Source("perf"), {}, "accuracy", labels=tuple(texts)), named


def _main() -> None:
    options = _options()
    asked = options.parse_args()
    import torch

    torch.set_num_threads(asked.threads)
    rows = training_rows(400 if asked.quick else None)
    steps, rounds = (2, 1) if asked.quick else (STEPS, asked.rounds)
    found: list[Any] = []
    for size in (QUICK,) if asked.quick else SIZES:
        with TemporaryDirectory() as name:
            texts = {"train": rows, **evaluation_rows(50 if asked.quick else 3000)}
            folder = make_encoder(size, texts, Path(name))
            found += measure(size, rows, steps, rounds, folder, goals=not asked.quick)
            benchmark, own = languages()
            found += curves(size, own, benchmark, 6 if asked.quick else 100, folder, goals=not asked.quick)
    show(found, asked, "Training: CPU seconds for a million tokens")


def _options() -> ArgumentParser:
    made = parser(__doc__ or "")
    made.add_argument("--rounds", type=int, default=3, help="how often each way is timed, in turns (default: 3)")
    made.add_argument("--threads", type=int, default=1, help="of torch (default: 1)")
    return made


if __name__ == "__main__":
    _main()
