"""Training XLM-R Large with random weights on a GPU, in bf16: xtransfer against the Trainer at its best.

Wall-clock seconds, synchronized with the device; rows and time per token as in `perf.training`. MFU is the share of the
device's peak (`--peak`) spent on real tokens, at 6 operations per weight of a linear layer and token, without
attention, embeddings and optimizer. `--quick` uses a small encoder on the CPU, to check that it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from perf.inputs import QUICK, Size, evaluation_rows, make_encoder, training_rows
from perf.measure import Bound, Measure, in_turns, parser, show
from perf.trainer import BEST, dataset, seconds_per_token
from perf.training import PER, POOL, STEPS, seconds_of_ours, share_of_peak
from xtransfer.benchmarks.spec import Row

LARGE = Size(24, 1024, 250_002)
BATCHES = (32, 128, 512)
_MFU = 0.5  # at the largest batch
_RATIO = 2.0  # at the smallest


def measure(
    size: Size, rows: Sequence[Row], batches: Sequence[int], steps: int, rounds: int, folder: Path, device: str,
    peak: float, goals: bool,
) -> list[Measure | Bound]:  # fmt: skip
    """Rows of the table: for each batch size, seconds per million tokens and our share of `peak` (operations/s)."""
    data, found = dataset(folder, rows), list[Measure | Bound]()
    for batch in batches:
        ways: dict[str, Callable[[], float]] = {
            "ours": lambda batch=batch: (
                PER * seconds_of_ours(folder, rows, steps, device, precision="bf16", batch_size=batch)
            ),  # type: ignore[misc]
            "other": lambda batch=batch: PER * seconds_per_token(folder, data, steps, BEST, batch, device)[0],  # type: ignore[misc]
        }
        seconds = in_turns(ways, rounds)
        least = _RATIO if goals and batch == min(batches) else None
        found.append(Measure(f"{size}, batch {batch}", seconds["ours"], seconds["other"], least=least))
        share = share_of_peak(folder, median(seconds["ours"]), peak)
        least = _MFU if goals and batch == max(batches) else None
        found.append(Bound(f"{size}, batch {batch}: MFU", share, least=least))
    return found


def _main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--rounds", type=int, default=5, help="timed rounds of each way (default: 5)")
    options.add_argument("--device", default="cuda", help="torch device (default: cuda)")
    options.add_argument("--peak", type=float, default=989.0, help="peak TFLOP/s in bf16 (default: 989, H100)")
    asked = options.parse_args()
    quick = asked.quick
    rows = training_rows(400 if quick else 2 * POOL)
    size, batches, device = (QUICK, (8, 16), "cpu") if quick else (LARGE, BATCHES, asked.device)
    with TemporaryDirectory() as name:
        texts = evaluation_rows(50) if quick else {"en": training_rows()}
        folder = make_encoder(size, texts, Path(name))
        steps, rounds = (2, 1) if quick else (STEPS, asked.rounds)
        found = measure(size, rows, batches, steps, rounds, folder, device, 1e12 * asked.peak, not quick)
    show(found, asked, f"Training on {device}, bf16: seconds per million tokens")


if __name__ == "__main__":
    _main()
