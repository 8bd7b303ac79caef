"""The NVIDIA devices that this process may use, found without importing torch, and whether one is still there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_GPUS = Path("/proc/driver/nvidia/gpus")  # a folder per GPU of the machine, named by its place on the bus


@dataclass(frozen=True)
class Device:
    """One device by the name that torch gives it."""

    name: str  # "cuda:0" …
    folder: Path | None = None  # what the driver says of it while it is there; None where it cannot be told which

    def is_gone(self) -> bool:
        return self.folder is not None and not self.folder.exists()


def gpus(root: Path = _GPUS) -> list[Device]:
    """The devices that CUDA_VISIBLE_DEVICES leaves, in its order; those of the machine where it is not set.

    As CUDA reads it: numbers, or UUIDs (GPU-…, MIG-…) that may be cut short; what follows an entry that names nothing
    is not seen.
    """
    present = sorted(root.iterdir()) if root.is_dir() else []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        folders: list[Path | None] = [*present]
    else:
        folders = _named(visible, present)
    return [Device(f"cuda:{number}", folder) for number, folder in enumerate(folders)]


def _named(visible: str, present: list[Path]) -> list[Path | None]:
    uuids = {folder: _uuid(folder) for folder in present}
    found: list[Path | None] = []
    for entry in (text.strip() for text in visible.split(",")):
        if entry.startswith("MIG-") and present:
            found.append(None)  # a part of a GPU, which this list does not name
            continue
        if entry.isdecimal():
            matching = present[int(entry) : int(entry) + 1]
        else:
            matching = [folder for folder in present if entry and uuids[folder].startswith(entry)]
        if len(matching) != 1 or matching[0] in found:
            break
        found += matching
    return found


def _uuid(folder: Path) -> str:
    """As in `GPU UUID:  GPU-…`; empty where the driver does not say."""
    try:
        lines = (folder / "information").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("GPU UUID")), "")
