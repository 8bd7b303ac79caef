"""The GPUs that stages may use, as torch sees them, and whether each still exists.

torch is asked once, in a process of its own: in this one, CUDA could not be used by the stages that are forked later.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from xtransfer.base.errors import RequestError

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
_DRIVER = Path("/proc/driver/nvidia/gpus")  # one folder per GPU, named by its PCI bus address; native Linux only
_SECONDS = 300  # for importing torch from a slow disk
_QUESTION = """
import json, torch
def seen(number):
    one = torch.cuda.get_device_properties(number)
    address = [getattr(one, f"pci_{part}_id", None) for part in ("domain", "bus", "device")]
    return one.name, str(getattr(one, "uuid", "")), None if None in address else "%04x:%02x:%02x.0" % tuple(address)
print(json.dumps([seen(number) for number in range(torch.cuda.device_count())]))
"""


@dataclass(frozen=True)
class Device:
    """A device, by its name in a run."""

    name: str  # "cuda:0" …
    folder: Path | None = None  # the driver's folder, which exists while the GPU does; None if unknown
    visible: str | None = None  # CUDA_VISIBLE_DEVICES of a process that sees this device only; None: as it is

    def is_gone(self) -> bool:
        return self.folder is not None and not self.folder.exists()


class Seen(NamedTuple):
    """A device as torch describes it."""

    model: str
    uuid: str  # without the prefix GPU-; empty if unknown
    address: str | None  # PCI bus address


def gpus(driver: Path = _DRIVER) -> list[Device]:
    """Returns the devices that torch sees with this CUDA_VISIBLE_DEVICES, in its order; logs the choice once.

    A process sees one part of a GPU (MIG-…) at most, so each part that is listed is a device of a process of its own.
    Raises RequestError if torch cannot be asked.
    """
    visible = os.environ.get(VISIBLE)
    entries = None if visible is None else [entry.strip() for entry in visible.split(",")]
    parts = [entry for entry in entries or () if entry.startswith("MIG-")]
    if parts:
        found = [(entry, seen) for entry in parts for seen in _seen(entry)[:1]]
    else:
        found = [(entries[number] if entries else str(number), seen) for number, seen in enumerate(_seen(visible))]
    devices = []
    for number, (entry, seen) in enumerate(found):
        folder = driver / seen.address if seen.address else None
        is_known = folder is not None and folder.exists()
        if is_known and seen.uuid and not parts:
            entry = f"GPU-{seen.uuid}"  # unlike a number, it names the same GPU after another one is lost
        devices.append(Device(f"cuda:{number}", folder if is_known else None, entry))
    _tell(tuple(f"{device.name} ({seen.model})" for device, (_, seen) in zip(devices, found, strict=True)))
    return devices


@cache
def _tell(named: tuple[str, ...]) -> None:
    log.info("stages run on %s", ", ".join(named) or "the CPU: torch sees no GPU")


@cache
def _seen(visible: str | None) -> list[Seen]:
    """Returns what torch sees with a value of CUDA_VISIBLE_DEVICES; nothing, at once, where it cannot see a GPU."""
    if visible is not None and visible.strip() in ("", "-1"):
        return []
    built_for = _built_for()
    if built_for is None:
        if visible or _DRIVER.is_dir():
            log.warning("this torch is built for CPUs, so no GPU is used; install torch built for CUDA to use one")
        return []
    if built_for == "cuda" and not _has_driver():
        if visible:
            log.warning("%s is %s, but no CUDA driver is installed, so no GPU is used", VISIBLE, visible)
        return []
    found = [Seen(*one) for one in _asked(visible)]
    if visible and not found:
        log.warning("%s is %s, but torch sees no such GPU, so none is used", VISIBLE, visible)
    return found


def _built_for() -> str | None:
    """Returns "cuda" or "hip" if torch is built for GPUs, read from its files without importing it."""
    spec = find_spec("torch")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        with suppress(OSError):
            text = (Path(folder) / "version.py").read_text(encoding="utf-8")
            for name in ("cuda", "hip"):
                if re.search(rf"^{name}\b.*=\s*['\"]", text, re.MULTILINE):
                    return name
    return None


def _has_driver() -> bool:
    """Returns whether CUDA's driver can be loaded; loading it does not start it."""
    for name in ("libcuda.so.1", "nvcuda.dll"):
        with suppress(OSError):
            ctypes.CDLL(name)
            return True
    return False


def _asked(visible: str | None) -> list[list[str]]:
    """Returns what a new process's torch says of its devices; raises RequestError if it fails."""
    environment = {**os.environ, **({} if visible is None else {VISIBLE: visible})}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _QUESTION],
            env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            found: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
            return found
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    raise RequestError(
        f"torch cannot say which GPUs there are ({reason[:300]}); mend its installation or the driver, or set "
        f"{VISIBLE} to nothing to run on the CPU"
    )
