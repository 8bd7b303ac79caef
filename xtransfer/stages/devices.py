"""NVIDIA devices that this process may use, found without importing torch, and whether each still exists."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_GPUS = Path("/proc/driver/nvidia/gpus")  # one folder per GPU, named by its PCI bus address


@dataclass(frozen=True)
class Device:
    """A device, by its name in torch."""

    name: str  # "cuda:0" …
    folder: Path | None = None  # the driver's folder, which exists while the GPU does; None if unknown

    def is_gone(self) -> bool:
        return self.folder is not None and not self.folder.exists()


def gpus(root: Path = _GPUS) -> list[Device]:
    """Returns the devices in CUDA_VISIBLE_DEVICES, in its order; all of the machine's if it is not set.

    Reads it as CUDA does: indices, or UUIDs (GPU-…, MIG-…), which may be abbreviated. Entries after the first invalid
    one are ignored.
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
            found.append(None)  # a part of a GPU; the driver lists whole ones only
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
    """Returns the UUID from the line `GPU UUID:  GPU-…`; empty if the driver does not report it."""
    try:
        lines = (folder / "information").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("GPU UUID")), "")
