"""Training, in CPU seconds: ours, against the Trainer of transformers with dynamic padding, and at its best.

Its best is batches grouped by length, bf16 and fused AdamW; with dynamic padding it takes random batches in fp32.
Ours takes random batches always. All take 32 rows a step out of 10,000 English pairs (LingNLI) of the mirror, dropout
as the encoder says (0.1, also of attention weights), and one thread; what is compared is the time for a token that is
no padding. Each turn times 8 steps after 2 others, and all ways have had a turn before the first that counts: in bf16
a processor compiles each new shape once. The Trainer sorts 50 batches at a time, out of which its steps are taken
evenly. `perf.curves` shows that all of them learn the same.

What decides (all can be changed for a trial): buckets of attention are `packed.layout.LEAST_FILLED` full at least; in
bf16 numbers of tokens are filled up to a multiple of `packed.forward._ROUND`; `--rounds` and `--threads`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from perf.encoders import LENGTH, NLI, QUICK, SIZES, Size, evaluation_rows, make_encoder, training_rows
from perf.measure import Bound, Measure, clock, in_turns, parser, show
from perf.trainer import BATCH, BEST, DYNAMIC, WARM, dataset, seconds_per_token
from xtransfer.benchmarks.spec import Row
from xtransfer.recipes.recipe import Recipe

POOL = 10_000  # rows
STEPS = 8
PER = 1e6  # a table of microseconds is easier to read: seconds for a million tokens
OTHERS = {"dynamic padding": (DYNAMIC, 3.5), "grouped by length, bf16": (BEST, 1.3)}  # settings, least ratio of bf16
OURS = ("fp32", "bf16")


def measure(size: Size, rows: Sequence[Row], steps: int, rounds: int, folder: Path, goals: bool) -> list[Any]:
    """Rows of the table for one size: each of our precisions against both others, and what making batches takes."""
    data = dataset(folder, rows)
    shares: list[float] = []
    ways: dict[str, Callable[[], float]] = {
        name: lambda settings=settings: seconds_per_token(folder, data, steps, settings)[0]  # type: ignore[misc]
        for name, (settings, _) in OTHERS.items()
    }
    for precision in OURS:
        ways[precision] = lambda precision=precision: _ours(folder, rows, steps, precision, shares)  # type: ignore[misc]
    counted = {name: [PER * one for one in own] for name, own in in_turns(ways, rounds).items()}
    found: list[Any] = []
    for precision in OURS:
        for other, (_, ratio) in OTHERS.items():
            least = ratio if goals and precision == "bf16" else None
            found.append(Measure(f"{size}: {precision} / {other}", counted[precision], counted[other], least=least))
    return [*found, Bound(f"{size}: share of the loop that makes batches", median(shares), 0.05 if goals else None)]


def _ours(folder: Path, rows: Sequence[Row], steps: int, precision: str, shares: list[float]) -> float:
    """CPU seconds for a token, as the stage `train` trains; adds the share of making batches."""
    timed = Clock(make_run(folder, [(NLI, rows)], WARM + steps, precision=precision), WARM)
    timed.train()
    shares.append(timed.making / timed.seconds)
    return timed.seconds / timed.tokens


class Clock:
    """A run whose batches are counted, and the time that making them takes, after so many steps to get warm."""

    def __init__(self, run: Any, warm: int = 0) -> None:
        self.run, self.warm, self.now = run, warm, clock(run.device)
        self.seconds, self.making, self.tokens = 0.0, 0.0, 0

    def train(self) -> list[float]:
        """The losses, step by step."""
        from xtransfer.training.session import train

        job = replace(self.run.job(), batches=self._counted)
        with TemporaryDirectory() as folder:
            losses = train(job, Path(folder), device=self.run.device).losses
        self.seconds = self.now() - self.started
        return losses

    def _counted(self, first: int) -> Iterator[Any]:
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
    folder: Path, parts: Any, steps: int, *, seed: int = 0, savings: bool = True, device: str = "cpu", **recipe: Any
) -> Any:
    """A run of our own, with the recipe that the Trainer has too."""
    from xtransfer.recipes.mixture import PROPORTIONAL
    from xtransfer.training.finetune import Run, Savings
    from xtransfer.training.parts import TrainingMixture

    usual = {"batch_size": BATCH, "learning_rate": 2e-5, "max_length": LENGTH}
    made = Recipe.model_validate({**usual, "steps": steps, **recipe})
    return Run(folder, TrainingMixture.of(parts, PROPORTIONAL, ()), made, seed, device, None, Savings(savings, savings))


def _main() -> None:
    options = parser(__doc__ or "", markdown=True)
    options.add_argument("--rounds", type=int, default=5, help="how often each way is timed, in turns (default: 5)")
    options.add_argument("--threads", type=int, default=1, help="of torch (default: 1)")
    asked = options.parse_args()
    import torch

    torch.set_num_threads(asked.threads)
    rows = training_rows(400 if asked.quick else POOL)
    steps, rounds = (2, 1) if asked.quick else (STEPS, asked.rounds)
    found: list[Any] = []
    for size in (QUICK,) if asked.quick else SIZES:
        with TemporaryDirectory() as name:
            texts = evaluation_rows(50) if asked.quick else {"en": training_rows()}
            folder = make_encoder(size, texts, Path(name))
            found += measure(size, rows, steps, rounds, folder, goals=not asked.quick)
    show(found, asked, "Training: CPU seconds for a million tokens", mark="training")


if __name__ == "__main__":
    _main()
