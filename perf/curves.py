"""Learning curves: xtransfer and the Trainer of transformers reach the same losses.

The task, which of 12 languages a pair of texts is in, takes a small encoder a minute. xtransfer and the Trainer
(dynamic padding, fp32) share recipe and encoder but draw batches, dropout and head differently, so their final scores
on held-out rows are compared over three seeds, in standard errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory

import numpy as np

from perf.inputs import LENGTH, QUICK, Size, evaluation_rows, make_encoder
from perf.measure import Bound, parser, show
from perf.trainer import dataset, dev_logits
from perf.training import Clock, make_run
from xtransfer.benchmarks.spec import Benchmark, Row, Source

SIZE = Size(2, 128, 8000)
SEEDS = (0, 1, 2)
RATE = 5e-4
_APART = 2.78  # standard errors, 3 + 3 seeds: chance alone exceeds it in 5% of cases
_SAID = "Mean ± standard deviation over seeds on held-out rows; ratio: standard errors apart."


@dataclass(frozen=True)
class Ends:
    """Final values of each seed, ours and the Trainer's."""

    name: str
    ours: Sequence[float]
    other: Sequence[float]
    most: float | None  # standard errors; None: no goal

    @property
    def apart(self) -> float:
        """Difference of the means in standard errors."""
        error = float(np.sqrt((stdev(self.ours) ** 2 + stdev(self.other) ** 2) / len(self.ours)))
        return abs(mean(self.ours) - mean(self.other)) / max(error, 1e-12)

    @property
    def holds(self) -> bool | None:
        return None if self.most is None else self.apart <= self.most

    def record(self) -> dict[str, object]:
        """As a measure's; ours and other are means, ratio is null."""
        goal = None if self.most is None else f"at most {self.most:g} standard errors apart"
        ours, other = round(mean(self.ours), 4), round(mean(self.other), 4)
        return {"name": self.name, "ours": ours, "other": other, "ratio": None, "goal": goal, "holds": self.holds}

    def cells(self) -> tuple[str, str, str]:
        return _spread(self.ours), _spread(self.other), f"{self.apart:.1f}"


def measure(quick: bool) -> list[Bound | Ends]:
    """Packed against padded losses step by step, and final values of fp32 and bf16 against the Trainer's."""
    steps, in_step = (10, 6) if quick else (240, 100)
    benchmark, train, dev = languages(200)
    with TemporaryDirectory() as name:
        folder = make_encoder(QUICK if quick else SIZE, evaluation_rows(200), Path(name))
        found: list[Bound | Ends] = [_in_step(folder, benchmark, train, in_step, None if quick else 1e-5)]
        data, of_dev = dataset(folder, train), dataset(folder, dev)
        labels = len(benchmark.labels)
        theirs = [_end(dev_logits(folder, data, of_dev, labels, steps, RATE, seed), dev) for seed in SEEDS]
        for precision in ("fp32", "bf16"):
            ours = [_end(_logits(folder, benchmark, train, dev, steps, seed, precision), dev) for seed in SEEDS]
            for place, what in enumerate(("loss", "accuracy")):
                most = None if quick or place else _APART
                both = ([one[place] for one in ours], [one[place] for one in theirs])
                found.append(Ends(f"{what} after {steps} steps: {precision}, the Trainer's fp32", *both, most))
    return found


def languages(of_each: int) -> tuple[Benchmark, list[Row], list[Row]]:
    """A task on real text: its benchmark, training rows and held-out rows, split alike in every language."""
    texts = evaluation_rows(of_each + of_each // 4)
    parts: tuple[list[Row], list[Row]] = ([], [])
    for label, own in enumerate(texts.values()):
        cut = len(own) * 4 // 5
        for part, rows in zip(parts, (own[:cut], own[cut:]), strict=True):
            part += [{**row, "label": label} for row in rows]
    named = [[{**row, "id": str(n), "group": str(n)} for n, row in enumerate(part)] for part in parts]
    made = Benchmark("languages", "pair", tuple(texts), Source("perf"), {}, "accuracy", labels=tuple(texts))
    return made, named[0], named[1]


def _in_step(folder: Path, benchmark: Benchmark, rows: Sequence[Row], steps: int, most: float | None) -> Bound:
    apart = 0.0
    for seed in SEEDS:
        packed, padded = (
            Clock(
                make_run(folder, [(benchmark, rows)], steps, seed=seed, savings=own, dropout=0.0, learning_rate=RATE)
            ).train()
            for own in (True, False)
        )
        apart = max(apart, *(abs(one - other) for one, other in zip(packed, padded, strict=True)))
    return Bound(f"largest difference of packed and padded losses, {steps} steps", apart, most)


def _logits(
    folder: Path, benchmark: Benchmark, train: Sequence[Row], dev: Sequence[Row], steps: int, seed: int, precision: str
) -> np.ndarray:
    from xtransfer.models.predict import RowEncoder, predict

    run = make_run(folder, [(benchmark, train)], steps, seed=seed, precision=precision, learning_rate=RATE)
    Clock(run).train()
    if run.trimming is not None:
        run.trimming.undo()
    reader = RowEncoder(run.loaded.tokenizer, LENGTH)
    found = predict(run.loaded.encoder, run.heads[benchmark.name].module, benchmark, dev, reader)
    return np.array([one.scores for one in found], np.float64)


def _end(logits: np.ndarray, rows: Sequence[Row]) -> tuple[float, float]:
    """Mean loss, and accuracy in percent."""
    labels = np.array([row["label"] for row in rows])
    shifted = logits - logits.max(1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    loss = -log_shares[np.arange(len(rows)), labels].mean()
    return float(loss), 100 * float((logits.argmax(1) == labels).mean())


def _spread(values: Sequence[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values):.3f}"


def _main() -> None:
    import torch

    options = parser(__doc__ or "", markdown=True)
    options.add_argument("--threads", type=int, default=1, help="threads of torch (default: 1)")
    asked = options.parse_args()
    torch.set_num_threads(asked.threads)
    show(measure(asked.quick), asked, "Training: what is learned", _SAID, mark="curves")


if __name__ == "__main__":
    _main()
