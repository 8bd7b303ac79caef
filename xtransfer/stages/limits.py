"""How long a stage may take, by its kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xtransfer.base.errors import RequestError, unknown
from xtransfer.stages import STAGES

ANY = "any"  # every kind that has no limit of its own


def check_timeouts(hours: Mapping[str, float]) -> None:
    """Raise RequestError for a kind that does not exist, and for hours that are none."""
    for kind, value in hours.items():
        if kind != ANY and kind not in STAGES:
            raise unknown("kind of stage", kind, (*STAGES, ANY))
        if not value > 0:
            raise RequestError(f"timeout_hours: {kind}={value:g} is no time; give more than 0 hours")


def parse_timeouts(texts: Iterable[str]) -> dict[str, float]:
    """`train=24` or `12` (any kind) → hours by kind; raises RequestError for anything else."""
    hours = {}
    for text in texts:
        kind, _, number = text.rpartition("=")
        try:
            hours[kind or ANY] = float(number)
        except ValueError:
            raise RequestError(f"--timeout-hours: '{text}' is not KIND=HOURS, as in train=24, or HOURS") from None
    check_timeouts(hours)
    return hours
