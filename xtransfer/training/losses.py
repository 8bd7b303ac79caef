"""Analyses a run's losses: a curve to keep, and whether the run learned anything."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xtransfer.kinds.uninformed import _mean

_TRY = "try more rows or steps, or a lower learning rate"
_POINTS = 200  # points of the stored curve; a page cannot show more


def curve(losses: Sequence[float]) -> list[list[float]]:
    """Returns at most 200 points [last step of a window, mean loss in it]."""
    window = max(1, math.ceil(len(losses) / _POINTS))
    starts = range(0, len(losses), window)
    return [
        [min(start + window, len(losses)), round(_mean(losses[start : start + window]), 6)]
        for start in starts
        if all(math.isfinite(loss) for loss in losses[start : start + window])
    ]


def first_and_last(losses: Sequence[float]) -> tuple[float, float]:
    """Returns the mean losses over the first and the last tenth of the steps (at least one step)."""
    window = max(1, len(losses) // 10)
    return _mean(losses[:window]), _mean(losses[-window:])


def degenerate(name: str, losses: Sequence[float], uninformed: float | None) -> str | None:
    """Returns why a run on `name` is degenerate, or None.

    A run is degenerate if a loss is not finite, or if the mean loss over the last tenth of the steps is not at least
    1% below the loss of ignoring the input. (A run that starts from a trained head and stays low is fine.) If that
    loss is unknown, it must be at least 1% below the first tenth, for runs of 20 steps or more.
    """
    broken = next((step for step, loss in enumerate(losses, start=1) if not math.isfinite(loss)), None)
    if broken is not None:
        return f"{name}: the loss became {losses[broken - 1]} at step {broken}; lower the learning rate"
    first, last = first_and_last(losses)
    if uninformed is None:
        fell = len(losses) < 20 or last < 0.99 * first
        return (
            None if fell else f"{name}: the loss did not fall ({first:.4f} at the start, {last:.4f} at the end); {_TRY}"
        )
    if last < 0.99 * uninformed or uninformed == 0:
        return None
    return f"{name}: the loss did not fall ({last:.4f} at the end; ignoring the input gives {uninformed:.4f}); {_TRY}"


def summary(losses: Sequence[float]) -> dict[str, object]:
    """Returns the facts that every training stage records; a loss that is not finite is None, since JSON has no NaN."""
    first, last = first_and_last(losses)
    return {
        "steps": len(losses),
        "loss_first": _finite(first),
        "loss_last": _finite(last),
        "losses": curve(losses),
    }


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
