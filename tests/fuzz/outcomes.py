"""What became of an input: refused in a sentence, accepted, or a fault of ours."""

from __future__ import annotations

import signal
import traceback
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from hypothesis.strategies import SearchStrategy

from xtransfer.base.errors import XTransferError

HANG_SECONDS = 5.0
OUTCOMES = ("refused", "accepted", "traceback", "hang", "partial write", "unreadable message")
GOOD = OUTCOMES[:2]
_LONGEST = 10_000  # characters of a message: an input of thousands may be quoted
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Door:
    """A place where something from outside comes in."""

    inputs: SearchStrategy[Any]
    enter: Callable[[Any], object]  # what a user's command does with the input; refuses it by an XTransferError
    state: Callable[[], Hashable]  # of everything that `enter` can write to
    ready: Callable[[], object] = field(default=lambda: None)  # makes all as it was, before each input


@dataclass(frozen=True)
class Outcome:
    """What became of one input, and what was said of it."""

    what: str
    said: str = ""


class Hang(BaseException):
    """Time is up."""


def tried(door: Door, value: Any) -> Outcome:
    """Returns what becomes of an input at a door."""
    door.ready()
    before = door.state()
    try:
        with _limited():
            door.enter(value)
    except Hang:
        return Outcome("hang", f"more than {HANG_SECONDS:g} s")
    except XTransferError as error:
        said = str(error)
        if not said.strip() or len(said) > _LONGEST:
            return Outcome("unreadable message", f"{len(said)} characters: {said[:200]}")
        return Outcome("refused", said) if door.state() == before else Outcome("partial write", said)
    except BaseException as error:
        frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(str(_ROOT))]
        where = next(
            (one for one in reversed(frames) if "/tests/" not in one.filename and "/.venv/" not in one.filename),
            frames[-1],
        )
        return Outcome(
            "traceback", f"{type(error).__name__} at {Path(where.filename).relative_to(_ROOT)}:{where.lineno}"
        )
    return Outcome("accepted")


@contextmanager
def _limited() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS, HANG_SECONDS)  # again where a callback swallows it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
