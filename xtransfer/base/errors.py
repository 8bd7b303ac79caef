"""The errors a person meets. Each says what came, what is allowed and what to do.

XTransferError
├── RequestError      the request is wrong: nothing was computed or written (exit status 2)
├── DataError         data that cannot be used: file, field and row are named
│   ├── HiddenLabels  a split whose labels are missing or all the same
│   └── EmptySplit    a split without rows
├── SourceError       a hub, mirror or disk did not give what was pinned; trying again may help
│   └── SourceChanged what a stage reads changed while it ran; nothing of the stage is kept
├── StoreError        an artifact or the database is damaged, newer than this program, or cannot be written
│   └── LeaseLost     the right to make an artifact went to somebody else while it was being made
├── DeviceError       one of the devices that train together has failed
└── StageError        a stage ended without its result (carries the stage's name); trying again gives the same
    ├── StagePassing  the hub, a disk or the network failed it: tried again, four times, after longer and longer pauses
    ├── StageKilled   its process was killed, as for want of memory: tried again once
    ├── DeviceLost    its device is gone: tried again on another one
    ├── StageTimeout  it took longer than it may; what it has is kept for the next run
    └── StageHeld     another process makes it: not a failure, its result is waited for
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class XTransferError(Exception):
    """Base of all errors that are meant for people."""


class RequestError(XTransferError):
    """The request names something that does not exist or cannot be done."""


class DataError(XTransferError):
    """Rows that do not fit their declaration."""


class HiddenLabels(DataError):
    """A split whose labels are not given out: a model scored on it would look like chance."""


class EmptySplit(DataError):
    """A split without any row that can be used."""


class SourceError(XTransferError):
    """A pinned source could not be read."""


class SourceChanged(SourceError):
    """A pinned source changed while a stage read it."""


class StoreError(XTransferError):
    """The artifact store or the results database cannot be used as it is."""


class LeaseLost(StoreError):
    """A lease went to another process before its holder was done."""


class DeviceError(XTransferError):
    """One of several devices that train a run together has failed, and the others were ended."""


class StageError(XTransferError):
    """A stage failed; `stage` is its readable name."""

    tries_more: int = 0  # how many times it is worth trying again

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason

    def __reduce__(self) -> tuple[type[StageError], tuple[str, str]]:
        return type(self), (self.stage, self.reason)  # both arguments survive the way between processes


class StagePassing(StageError):
    """A stage failed by something that may have passed a little later."""

    tries_more = 4


class StageKilled(StageError):
    """A signal ended the process of a stage."""

    tries_more = 1


class StageOutOfMemory(StageKilled):
    """The kernel killed the process of a stage for want of memory; a training stage then needs less of it."""

    tries_more = 3


class DeviceLost(StageError):
    """The device of a stage is gone; it fails each stage that it is given."""

    tries_more = 4


class StageTimeout(StageError):
    """A stage took longer than it may."""


class StageHeld(StageError):
    """Another process makes the stage."""


def unknown(what: str, name: str, known: Iterable[str]) -> RequestError:
    """A RequestError for a name that is not in `known`, with the nearest spelling."""
    allowed = sorted(known)
    near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return RequestError(f"no {what} '{name}'{hint} (known: {', '.join(allowed)})")
