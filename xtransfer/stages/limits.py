"""Time limits of stages, by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xtransfer.base.errors import RequestError, unknown
from xtransfer.stages import STAGES

ANY = "any"  # kinds without their own limit
_MOST_HOURS = 1e6  # a century; no timer waits for ever


def check_timeouts(hours: Mapping[str, float]) -> None:
    """Raises RequestError for unknown kinds and for hours that no timer has."""
    for kind, value in hours.items():
        if kind != ANY and kind not in STAGES:
            raise unknown("kind of stage", kind, (*STAGES, ANY))
        if not 0 < value <= _MOST_HOURS:
            raise RequestError(
                f"timeout_hours: {kind}={value:g} is not a valid time; use more than 0 hours and at most "
                f"{_MOST_HOURS:g}, or leave it out for no limit"
            )


def parse_timeouts(texts: Iterable[str]) -> dict[str, float]:
    """Returns hours by kind for texts such as `train=24` or `12` (any kind); raises RequestError for other texts."""
    hours = {}
    for text in texts:
        kind, _, number = text.rpartition("=")
        try:
            hours[kind or ANY] = float(number)
        except ValueError:
            raise RequestError(f"--timeout-hours: '{text}' is not KIND=HOURS, as in train=24, or HOURS") from None
    check_timeouts(hours)
    return hours
