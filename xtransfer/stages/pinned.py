"""Rows are read as they were pinned: a branch of the hub, or a mirror, may move between planning and running."""

from __future__ import annotations

from collections.abc import Sequence

from xtransfer.benchmarks.spec import SplitName
from xtransfer.errors import SourceError
from xtransfer.pins import Pins


def check_rows(benchmark: str, split: SplitName, languages: Sequence[str], pinned: str) -> None:
    """Raises SourceError where the rows are no longer those that a plan pinned.

    What a process has once asked the hub it does not ask again, so that what is read afterwards is what was
    checked here.
    """
    if Pins().data(benchmark, split, languages) != pinned:
        raise SourceError(
            f"{benchmark}/{split}: its rows or its declaration changed since the study was planned (the hub's branch "
            "moved, or files of the mirror were replaced); run the study again: it is planned anew, and nothing that "
            "was made from the earlier rows is lost"
        )
