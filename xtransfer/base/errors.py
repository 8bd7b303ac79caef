"""Errors for people. Each says what is wrong, what is allowed and what to do.

XTransferError
├── RequestError      the request is wrong; nothing was computed or written (exit status 2)
├── DataError         unusable data; names file, field and row
│   ├── HiddenLabels  a split whose labels are missing or all equal
│   └── EmptySplit    a split without rows
├── SourceError       a hub, mirror or disk did not deliver pinned data; retrying may help
│   └── SourceChanged what a stage reads changed while it ran; nothing of the stage is kept
├── StoreError        an artifact or the database is damaged, newer than this program, or not writable
│   └── LeaseLost     another process took over the lease while an artifact was being made
├── DeviceError       one of the devices that train together failed
└── StageError        a stage failed (carries its name); retrying does not help, except for:
    ├── TransientStageError  a temporary failure of hub, disk or network: retried four times, with growing pauses
    ├── StageKilled   its process was killed: retried once
    ├── DeviceLost    its device is gone: retried on another one
    ├── StageTimeout  it took too long; its saved progress is kept for the next run
    └── StageHeld     another process is computing it: not a failure, its result is awaited
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def in_short(error: Exception) -> str:
    """Returns the class of an error and the first line of its message."""
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])


class XTransferError(Exception):
    """Base class of all errors for people."""


class RequestError(XTransferError):
    """The request names something that does not exist or cannot be done."""


class DataError(XTransferError):
    """Rows do not fit their declaration."""


class HiddenLabels(DataError):
    """A split's labels are not published; any model would score at chance level on it."""


class EmptySplit(DataError):
    """A split has no usable row."""


class SourceError(XTransferError):
    """A pinned source could not be read."""


class SourceChanged(SourceError):
    """A pinned source changed while a stage read it."""


class StoreError(XTransferError):
    """The artifact store or the results database is not usable."""


class LeaseLost(StoreError):
    """Another process took over a lease before its holder was done."""


class DeviceError(XTransferError):
    """One of several devices that train together failed, and the others were stopped."""


class StageError(XTransferError):
    """A stage failed; `stage` is its readable name."""

    tries_more: int = 0  # how many retries make sense

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason

    def __reduce__(self) -> tuple[type[StageError], tuple[str, str]]:
        return type(self), (self.stage, self.reason)  # keeps both arguments when pickled between processes


class TransientStageError(StageError):
    """A stage failed for a reason that may go away."""

    tries_more = 4


class StageKilled(StageError):
    """A signal ended a stage's process."""

    tries_more = 1


class StageOutOfMemory(StageKilled):
    """The operating system killed a stage's process because memory ran out; training then retries with less."""

    tries_more = 3


class DeviceLost(StageError):
    """A stage's device is gone; any stage on it fails."""

    tries_more = 4


class StageTimeout(StageError):
    """A stage took too long."""


class StageHeld(StageError):
    """Another process is making the stage."""


_MOST_NAMES = 50  # in a message


def unknown(what: str, name: str, known: Iterable[str], listed_by: str = "", meant: str | None = None) -> RequestError:
    """Returns a RequestError for a name that is not in `known`, with the nearest spelling.

    `listed_by`: the command that lists all names, for where there are many. `meant`: the known name that is meant, if
    that is not to be guessed from the spelling; empty if it is none of them.
    """
    allowed = sorted(known)
    if meant is None:
        lower = {one.lower(): one for one in reversed(allowed)}
        near = difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.5)
        meant = lower[near[0]] if near and not name.isdecimal() else ""  # another seed is no misspelling
    hint = f"; did you mean '{meant}'?" if meant else ""
    every = f"known: {', '.join(allowed) or 'none'}"
    if listed_by and len(allowed) > _MOST_NAMES:
        every = f"`{listed_by}` lists all {len(allowed)}"
    return RequestError(f"no {what} '{name}'{hint} ({every})")
