"""What a run's losses say: the curve that is kept, and whether anything was learned at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from xtransfer.kinds.uninformed import _mean

_POINTS = 200  # of the curve that is kept; a page cannot show more


def curve(losses: Sequence[float]) -> list[list[float]]:
    """At most 200 points [last step of a window, mean loss in it]."""
    window = max(1, math.ceil(len(losses) / _POINTS))
    starts = range(0, len(losses), window)
    return [
        [min(start + window, len(losses)), round(_mean(losses[start : start + window]), 6)]
        for start in starts
        if all(math.isfinite(loss) for loss in losses[start : start + window])
    ]


def first_and_last(losses: Sequence[float]) -> tuple[float, float]:
    """Mean loss of the first and of the last tenth of the steps (at least one step)."""
    window = max(1, len(losses) // 10)
    return _mean(losses[:window]), _mean(losses[-window:])


def degenerate(name: str, losses: Sequence[float], uninformed: float | None) -> str | None:
    """Why a run on `name` is degenerate, or None.

    The rule: a loss that is not finite; or a mean loss over the last tenth of the steps that is not at least
    1% below what ignoring the input costs (a run that starts from a trained head and stays low is fine).
    Where that cost is not known: not at least 1% below the first tenth, over 20 steps or more.
    """
    broken = next((step for step, loss in enumerate(losses, start=1) if not math.isfinite(loss)), None)
    if broken is not None:
        return f"{name}: the loss is {losses[broken - 1]} at its step {broken}"
    first, last = first_and_last(losses)
    if uninformed is None:
        fell = len(losses) < 20 or last < 0.99 * first
        return None if fell else f"{name}: the loss never fell ({first:.4f} at first, {last:.4f} at last)"
    if last < 0.99 * uninformed or uninformed == 0:
        return None
    return f"{name}: the loss never fell ({last:.4f} at last; ignoring the input costs {uninformed:.4f})"


def summary(losses: Sequence[float]) -> dict[str, Any]:
    """The facts that every training stage records; a loss that is not finite is null, as JSON demands."""
    first, last = first_and_last(losses)
    return {
        "steps": len(losses),
        "loss_first": _finite(first),
        "loss_last": _finite(last),
        "losses": curve(losses),
    }


def _finite(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
