"""Does training on an intermediate task first help a target task in languages without labels?

    from xtransfer import Study, open_results, plan, run

    result = run("lab")
    print(result.gains(target="lab-inference"))

Names are imported when they are first used, so that `import xtransfer` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from xtransfer.base.version import __version__

if TYPE_CHECKING:
    from xtransfer.analysis.results import Results, open_results
    from xtransfer.running.result import StudyResult
    from xtransfer.running.run import plan, run
    from xtransfer.study.cells import Plan
    from xtransfer.study.rounds import Rounds
    from xtransfer.study.study import Study, Target

__all__ = ["Plan", "Results", "Rounds", "Study", "StudyResult", "Target", "__version__", "open_results", "plan", "run"]

_WHERE = {
    "Plan": "xtransfer.study.cells",
    "Results": "xtransfer.analysis.results",
    "Rounds": "xtransfer.study.rounds",
    "Study": "xtransfer.study.study",
    "StudyResult": "xtransfer.running.result",
    "Target": "xtransfer.study.study",
    "open_results": "xtransfer.analysis.results",
    "plan": "xtransfer.running.run",
    "run": "xtransfer.running.run",
}


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'xtransfer' has no attribute '{name}'")
    return getattr(import_module(_WHERE[name]), name)
