"""Energy that the processor or GPU used while something ran, from the counters of the machine.

RAPL counters stand in files below /sys/class/powercap (readable by root alone on most systems), a GPU's in NVML. They
count the whole package or card, so what other programs do meanwhile is part of it. Where no counter can be read nothing
is said; nothing is estimated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

COUNTERS = Path("/sys/class/powercap")

Read = Callable[[], dict[str, tuple[float, float]]]  # counter → joules now, and where it begins anew


class Meter:
    """Counts from when it is made."""

    def __init__(self, *devices: str) -> None:
        gpus = [device for device in devices if device.startswith("cuda")]
        self._read: Read = _gpus(gpus) if gpus else _packages
        self._start = self._read()

    def joules(self) -> float | None:
        """Joules since then; None where no counter could be read both times."""
        now = self._read()
        if not self._start or set(now) != set(self._start):
            return None
        used = 0.0
        for name, (joules, limit) in now.items():
            spent = joules - self._start[name][0]
            used += spent if spent >= 0 else spent + limit
        return round(used, 3)


def _packages() -> dict[str, tuple[float, float]]:
    """The processor packages, without the parts that each counts again."""
    found = {}
    with suppress(OSError, ValueError):
        for folder in COUNTERS.glob("*-rapl:*"):
            if folder.name.count(":") == 1:
                micro = [int((folder / name).read_text()) for name in ("energy_uj", "max_energy_range_uj")]
                found[folder.name] = (micro[0] / 1e6, micro[1] / 1e6)
        return found
    return {}


def _gpus(devices: Sequence[str]) -> Read:
    def read() -> dict[str, tuple[float, float]]:
        with suppress(Exception):  # no NVML, or a card without the counter: whatever it says
            import pynvml
            import torch

            pynvml.nvmlInit()
            found = {}
            for device in devices:
                card = torch.cuda.get_device_properties(device).uuid  # CUDA may number the cards otherwise than NVML
                handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{card}")
                found[device] = (pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000, 0.0)
            return found
        return {}

    return read
