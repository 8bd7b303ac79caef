"""Statistics of scores: gains over `direct`, contrasts, ranking, power and a mixed-effects model, with intervals.

Names are imported on first use, so that help and queries of scores do not wait for scipy. So no module here may have
the name of an exported function: `from xtransfer.analysis import NAME` would return the module.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xtransfer.analysis.best import ranking
    from xtransfer.analysis.detectable import power
    from xtransfer.analysis.grid import ANY, DIRECT, Grid, contrasts, gains
    from xtransfer.analysis.mixed import mixed_effects
    from xtransfer.analysis.paired_difference import BUT_EN, FAMILY, OTHERS, SCRIPT, is_language
    from xtransfer.analysis.points import Point, by_rounds, study_points

__all__ = [
    "ANY",
    "BUT_EN",
    "DIRECT",
    "FAMILY",
    "OTHERS",
    "SCRIPT",
    "Grid",
    "Point",
    "by_rounds",
    "contrasts",
    "gains",
    "is_language",
    "mixed_effects",
    "power",
    "ranking",
    "study_points",
]  # fmt: skip

_WHERE = {
    "best": ["ranking"],
    "detectable": ["power"],
    "grid": ["ANY", "DIRECT", "Grid", "contrasts", "gains"],
    "mixed": ["mixed_effects"],
    "paired_difference": ["FAMILY", "OTHERS", "SCRIPT", "BUT_EN", "is_language"],
    "points": ["Point", "by_rounds", "study_points"],
}


def __getattr__(name: str) -> object:
    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"xtransfer.analysis.{module}"), name)
    raise AttributeError(f"module 'xtransfer.analysis' has no attribute '{name}'")
