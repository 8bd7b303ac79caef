"""Everything that only a GPU can show, in one run of at most ten minutes.

Correctness on a mid-sized encoder: packed against padded, attention without padding in bf16, a resumed run, a memory
that is too small, two ranks if there are two GPUs, CTranslate2 on the device. Then speed: XLM-R Large with random
weights in bf16, batches of 32, 128 and 512, against the Trainer at its best, with the share of the device's peak (MFU,
see `perf.large`).

A check that fails is reported, and the others run; what the time does not suffice for is left out and named. `--tiny`
runs the same on the CPU with a tiny encoder, to see that it works. Exit status 1 if a check failed or missed its bound.
"""

from __future__ import annotations

import signal
import sys
from argparse import Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

from perf.inputs import QUICK, SIZES, evaluation_rows, make_encoder, training_rows
from perf.large import BATCHES, LARGE
from perf.measure import Bound, Measure, parser, show
from perf.training import POOL, STEPS

if TYPE_CHECKING:
    from perf.gpu_checks import Bench

_MINUTES = 10.0
_PEAKS = {"H100": 989.0, "H200": 989.0, "A100": 312.0, "L40S": 362.0, "B200": 2250.0}  # TFLOP/s in bf16, dense
_NO_GPU = (
    "perf.gpu measures a GPU, and torch sees none: nothing was measured. --tiny runs the same checks on the CPU with a "
    "tiny encoder."
)


class _OutOfTime(BaseException):
    """Not an Exception, so that no check takes it for a fault of its own."""


def measure(asked: Namespace, folder: Path) -> tuple[list[Measure | Bound], list[str]]:
    """Returns the rows of the table, and a sentence for each check that failed or was left out."""
    from perf.gpu_checks import CHECKS

    bench, found, faults = None, list[Measure | Bound](), list[str]()
    ends = monotonic() + 60 * asked.minutes
    before = signal.signal(signal.SIGALRM, _alarm)
    for name, check in CHECKS.items():
        left = ends - monotonic()
        if left <= 0:
            faults.append(f"{name}: left out for lack of time; run it with a larger --minutes")
            continue
        signal.setitimer(signal.ITIMER_REAL, left)
        try:
            bench = bench or _bench(asked, folder)
            rows = check(bench)
        except _OutOfTime:
            faults.append(f"{name}: not finished within {asked.minutes:g} minutes")
        except Exception as error:  # the others are worth their time
            faults.append(f"{name}: {type(error).__name__}: {str(error)[:500]}")
        else:
            found += rows
            for row in rows:
                print(f"{row.name}: {'  '.join(filter(None, row.cells()))}", flush=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    return found, faults


def _alarm(number: int, frame: object) -> NoReturn:
    raise _OutOfTime


def _bench(asked: Namespace, folder: Path) -> Bench:
    from perf.gpu_checks import Bench

    rows = training_rows(96 if asked.tiny else 2 * POOL)
    texts = evaluation_rows(20) if asked.tiny else {"en": rows}
    small = make_encoder(QUICK if asked.tiny else SIZES[-1], texts, folder / "small")
    large = small if asked.tiny else make_encoder(LARGE, texts, folder / "large")
    return Bench(
        device="cpu" if asked.tiny else asked.device,
        encoder=small,
        large=large,
        size=QUICK if asked.tiny else LARGE,
        rows=rows,
        folder=folder,
        batches=(8,) if asked.tiny else BATCHES,
        steps=4 if asked.tiny else STEPS,
        peak=1e12 * (asked.peak or _peak(asked)),
        goals=not asked.tiny,
    )


def _peak(asked: Namespace) -> float:
    """Returns the peak of the device in TFLOP/s, by its name; if it is not known an H100's, and says so."""
    from xtransfer.base.hardware import hardware

    name = hardware("cpu" if asked.tiny else asked.device)
    known = next((peak for part, peak in _PEAKS.items() if part in name), None)
    if known is None and not asked.tiny:
        print(f"the peak of {name} is not known: MFU is of an H100's 989 TFLOP/s; give --peak")
    return known or _PEAKS["H100"]


def main() -> int:
    options = parser(__doc__ or "")
    options.add_argument("--tiny", action="store_true", help="the same checks on the CPU with a tiny encoder")
    options.add_argument("--device", default="cuda:0", help="torch device (default: cuda:0)")
    options.add_argument("--minutes", type=float, default=_MINUTES, help="at most this long (default: 10)")
    options.add_argument("--peak", type=float, help="peak TFLOP/s in bf16 (default: by the device's name)")
    asked = options.parse_args()
    asked.tiny = asked.tiny or asked.quick
    import torch

    if not asked.tiny and not torch.cuda.is_available():
        print(_NO_GPU)
        return 0
    with TemporaryDirectory(prefix="xtransfer-gpu-") as name:
        found, faults = measure(asked, Path(name))
    show(
        found,
        asked,
        "On the CPU, tiny" if asked.tiny else f"On {asked.device}",
        "Speed: median seconds per million tokens.",
    )
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults or any(row.holds is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
