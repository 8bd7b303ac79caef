"""Slots for stages that run at the same time: one per GPU, or shares of the CPU cores."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from xtransfer.base.errors import DeviceLost, RequestError
from xtransfer.stages.devices import Device, gpus

log = logging.getLogger(__name__)

_MOST_CPU_SLOTS = 8
_SMALL = ("score", "translate")  # kinds that use a small part of a GPU


@dataclass(frozen=True)
class Slot:
    """Room for one stage."""

    device: str  # "cpu", "cuda:0" …
    threads: int  # of torch on the CPU, for each part
    places: tuple[Device, ...] = ()  # where to check that its devices still exist
    parts: int = 1  # parts that a stage takes if it needs the whole device, or all devices of a group
    devices: tuple[str, ...] = ()  # if several train one stage together; `device` is the first of them
    visible: str | None = None  # CUDA_VISIBLE_DEVICES for its process, which numbers its devices anew; None: as it is

    @property
    def names(self) -> tuple[str, ...]:
        """The device of each part."""
        return self.devices or (self.device,) * self.parts

    def gone(self) -> list[str]:
        """Returns those of its devices that have disappeared."""
        return [place.name for place in self.places if place.is_gone()]

    def in_process(self) -> tuple[str, tuple[str, ...]]:
        """Returns `device` and `devices` as its process names them."""
        if self.visible is None:
            return self.device, self.devices
        return "cuda:0", tuple(f"cuda:{number}" for number in range(len(self.devices)))


def slots(workers: int | None = None, per_device: int | None = None, devices_per_stage: int = 1) -> list[Slot]:
    """Returns this machine's slots: one or several GPUs each, or without GPUs one process per core, up to eight.

    Two processes of one thread do 1.6-1.8 times the work of one process on two cores; a second thread in one
    process adds 3-17% at laboratory size. `workers`, or XTRANSFER_WORKERS, sets the number of slots. `per_device`, or
    XTRANSFER_STAGES_PER_DEVICE, divides each GPU into that many slots for stages that score or translate; training
    takes a whole GPU. Raises RequestError for invalid numbers, and for both settings on a machine with GPUs.
    """
    asked = workers or _number_from_environment("XTRANSFER_WORKERS")
    parts = per_device or _number_from_environment("XTRANSFER_STAGES_PER_DEVICE")
    devices = gpus()
    if devices_per_stage > 1:
        if parts:
            raise RequestError("set either several devices per stage or several stages per device, not both")
        return _grouped(devices, devices_per_stage, asked)
    if not devices:
        count = asked or min(cores(), _MOST_CPU_SLOTS)
        return [Slot("cpu", max(1, cores() // count)) for _ in range(count)]
    if asked and parts:
        raise RequestError("workers and stages per device (XTRANSFER_STAGES_PER_DEVICE) both set the number of slots; "
                           "set one of them")  # fmt: skip
    count = asked or len(devices) * (parts or 1)
    each = [devices[index % len(devices)] for index in range(count)]
    threads = max(1, cores() // count)
    return [Slot(device.name, threads, (device,), parts or 1, visible=device.visible) for device in each]


def cores() -> int:
    """Returns the CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """The slots of one run, and which parts of them are free. Thread-safe.

    A stage that scores or translates takes one device of a group, so that the others stay free for more of them.
    """

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._lock = threading.Lock()
        self._slot = {slot.device: slot for slot in slots}  # slots of one device are equal
        self._free: dict[str, list[str]] = {}  # first device of a slot → the device of each free part
        for slot in slots:
            self._free.setdefault(slot.device, []).extend(slot.devices or (slot.device,))
        self._size = len(slots)
        self.threads = sum(slot.threads * max(1, len(slot.devices)) for slot in slots)  # of all slots

    def __len__(self) -> int:
        return self._size

    @property
    def device(self) -> str:
        """One of its devices, `cpu` if none is left."""
        return next(iter(self._slot), "cpu")

    def take(self, kind: str) -> Slot | None:
        """Returns a slot for a stage of that kind, or None if none is free. Raises DeviceLost if no device is left."""
        with self._lock:
            if not self._slot:
                raise DeviceLost("no stage can run", "all devices of this machine are gone; run the study again "
                                 "when one is back")  # fmt: skip
            fitting = [one for one in self._slot.values() if len(self._free[one.device]) >= _room(one, kind)]
            if not fitting:
                return None
            slot = max(
                fitting, key=lambda one: len(self._free[one.device]) * (-1 if _room(one, kind) < one.parts else 1)
            )
            room = _room(slot, kind)  # small stages share one device or group, so that others stay free
            taken = [self._free[slot.device].pop(0) for _ in range(room)]
            if room < len(slot.devices):
                return _alone(slot, taken[0])
            return replace(slot, threads=slot.threads * room, parts=room)

    def give_back(self, slot: Slot) -> None:
        with self._lock:
            for name in slot.names:
                for one in self._slot.values():
                    if name in one.names:
                        self._free[one.device].append(name)

    def lose(self, slot: Slot) -> None:
        """Removes the devices of a slot that are gone, for the rest of the run; the others of its group go on."""
        with self._lock:
            lost = set(slot.gone() or [slot.device])
            for one in [*self._slot.values()]:
                if lost & set(one.names):
                    free = [name for name in self._free.pop(one.device) if name not in lost]
                    del self._slot[one.device]
                    if (left := _without(one, lost)) is not None:
                        self._slot[left.device], self._free[left.device] = left, free
            remaining = ", ".join(name for one in self._slot.values() for name in dict.fromkeys(one.names)) or "none"
        for name in sorted(lost):
            log.error("%s is gone and gets no more stages; devices left: %s", name, remaining)


def _alone(slot: Slot, device: str) -> Slot:
    """Returns the slot of one device of a group."""
    places = tuple(place for place in slot.places if place.name == device)
    return Slot(device, slot.threads, places, visible=places[0].visible if places else None)


def _without(slot: Slot, lost: Set[str]) -> Slot | None:
    """Returns what is left of a slot without the lost devices, or None."""
    names = tuple(name for name in slot.devices if name not in lost)
    if len(names) < 2:
        return _alone(slot, names[0]) if names else None
    places = tuple(place for place in slot.places if place.name not in lost)
    return replace(slot, device=names[0], places=places, parts=len(names), devices=names, visible=_visible(places))


def _visible(places: Sequence[Device]) -> str | None:
    return ",".join(place.visible for place in places if place.visible is not None) or None


def _room(slot: Slot, kind: str) -> int:
    """Returns how many slots of its device a stage takes."""
    return 1 if kind in _SMALL else slot.parts


def _grouped(devices: Sequence[Device], size: int, asked: int | None) -> list[Slot]:
    """Returns slots of `size` devices each; raises RequestError if there are too few devices."""
    names = [device.name for device in devices] or ["cpu"] * cores()
    most = len(names) // size
    if most < (asked or 1):
        raise RequestError(
            f"{size} devices per stage, {asked or 1} at a time: this machine has {len(names)} devices "
            f"({', '.join(dict.fromkeys(names))}); ask for fewer devices per stage or fewer workers"
        )
    if any((device.visible or "").startswith("MIG-") for device in devices):
        raise RequestError(
            "several devices per stage: a process sees a single part of a GPU (MIG), so parts cannot train together; "
            "ask for one device per stage"
        )
    count = asked or most
    threads = max(1, cores() // (count * size))
    groups = [(names[first : first + size], devices[first : first + size]) for first in range(0, count * size, size)]
    return [Slot(own[0], threads, tuple(places), size, tuple(own), _visible(places)) for own, places in groups]


def _number_from_environment(name: str) -> int | None:
    text = os.environ.get(name)
    if not text:
        return None
    if not text.isdecimal() or len(text) > 4 or not 0 < int(text) <= 1024:
        raise RequestError(f"{name}: '{text}' is not a whole number from 1 to 1024")
    return int(text)
