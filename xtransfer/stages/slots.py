"""Where stages run at the same time: one slot per GPU, or the CPU cores shared out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from xtransfer.errors import RequestError

_MOST_CPU_SLOTS = 8
_GPUS = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Slot:
    """Room for one stage."""

    device: str  # "cpu", "cuda:0" …
    threads: int  # of torch, on the CPU


def slots(workers: int | None = None) -> list[Slot]:
    """The slots of this machine: a GPU each, else one process per core up to eight.

    Two processes of one thread do 1.6-1.8 times the work of one process on two cores; a second thread in one
    process adds 3-17% at laboratory size. `workers`, or XTRANSFER_WORKERS, sets the number of slots.
    """
    asked = workers or _number_from_environment()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    gpus = _gpus()
    if gpus:
        count = asked or len(gpus)
        return [Slot(gpus[index % len(gpus)], max(1, cores // count)) for index in range(count)]
    count = asked or min(cores, _MOST_CPU_SLOTS)
    return [Slot("cpu", max(1, cores // count)) for _ in range(count)]


def _number_from_environment() -> int | None:
    text = os.environ.get("XTRANSFER_WORKERS")
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) <= 1024:
        raise RequestError(f"XTRANSFER_WORKERS: '{text}' is not a whole number from 1 to 1024")
    return int(text)


def _gpus() -> list[str]:
    """`cuda:N` for each visible NVIDIA device, found without importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    present = len(list(_GPUS.iterdir())) if _GPUS.is_dir() else 0
    if visible is not None:
        present = min(present, len([one for one in visible.split(",") if one.strip() not in ("", "-1")]))
    return [f"cuda:{index}" for index in range(present)]
