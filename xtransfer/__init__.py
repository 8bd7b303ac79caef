"""Does training on an intermediate task first help a target task in languages without labels?

    from xtransfer import Study, open_results, plan

Names are imported when they are first used, so that `import xtransfer` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from xtransfer.base.version import __version__

if TYPE_CHECKING:
    from xtransfer.analysis.results import Results, open_results
    from xtransfer.planning.grid import plan
    from xtransfer.study.cells import Plan
    from xtransfer.study.study import Study, Target

__all__ = ["Plan", "Results", "Study", "Target", "__version__", "open_results", "plan"]

_WHERE = {
    "Plan": "xtransfer.study.cells",
    "Results": "xtransfer.analysis.results",
    "Study": "xtransfer.study.study",
    "Target": "xtransfer.study.study",
    "open_results": "xtransfer.analysis.results",
    "plan": "xtransfer.planning.grid",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'xtransfer' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)
