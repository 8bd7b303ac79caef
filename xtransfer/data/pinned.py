"""Checks what a stage reads from outside the store against the pins of its plan, before and after it runs.

Rows and corpora are named by the stage's kind (`StageKind.reads`); folders of models by the stage's settings.
Models of a hub are checked when they are fetched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from xtransfer import benchmarks
from xtransfer.base.errors import SourceChanged, SourceError
from xtransfer.base.model_files import model_digest
from xtransfer.base.remembered_digests import Stamp, noting, stamp
from xtransfer.base.stage import FolderModel, Outside, Progress, S, StageSettings, within
from xtransfer.benchmarks.spec import SplitName
from xtransfer.data.revisions import Pins

_BETWEEN_LOOKS = 5.0  # seconds
_SHARE = 0.005  # of a stage's time, at most, spent on these checks
_PLAN_AGAIN = (
    "run the study again: the new plan uses the current files, and earlier results are kept. To resume the old plan, "
    "restore the old files first"
)


def rows(benchmark: str, split: SplitName, languages: Sequence[str], pin: str) -> Outside:
    """Returns the rows of a split in some languages, from any source."""
    what = f"{benchmark}/{split}: its rows or its declaration"
    how = "the hub's branch moved, or files were replaced"
    return Outside(what, how, pin, lambda: Pins().data(benchmark, split, languages))


def further_metrics(benchmark: str, names: Sequence[str]) -> Outside:
    """Returns the metrics that a score stage records besides the one that rows are pinned with."""
    what, how = f"{benchmark}: the further metrics (`also`) of its declaration", "its file was edited"
    return Outside(what, how, ", ".join(names), lambda: ", ".join(benchmarks.get(benchmark).also))


def corpus(name: str, pin: str) -> Outside:
    """Returns a corpus, and the evaluation data whose sentences are left out of it."""
    what = f"corpus '{name}': its text, or the evaluation data that is kept out of it,"
    return Outside(what, "files of the mirror were replaced", pin, lambda: Pins().corpus(name))


def check(reads: Iterable[Outside]) -> None:
    """Raises SourceError for the first that no longer matches its pin.

    A process remembers the hub's answers, so what it reads later is what was checked here.
    """
    for one in reads:
        if one.now() != one.pin:
            raise SourceError(f"{one.what} changed since the study was planned ({one.how}); {_PLAN_AGAIN}")


class Reading:
    """Watches what a stage reads, from before it runs until after."""

    def __init__(self, settings: S, places: Mapping[str, str], reads: Callable[[S], Iterable[Outside]]) -> None:
        """`places`: digest of a model → its folder. Raises SourceError if something does not match its pin."""
        self._reads: Callable[[], list[Outside]] = lambda: [*reads(settings), *_folders(settings, places)]
        self._stamps = self._checked()
        self._next_look = time.monotonic() + _BETWEEN_LOOKS

    def watched(self, progress: Progress) -> Progress:
        """Returns `progress` with regular checks, so that a long stage fails when a file changes and not at its end."""

        def told(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
            if time.monotonic() > self._next_look:
                self.confirm()
            progress(message, done, total, metrics)

        return told

    def confirm(self) -> None:
        """Raises SourceChanged if a file was written to since the beginning, even if it was restored."""
        started = time.monotonic()
        self._compare({path: _stamp(Path(path)) for path in self._stamps})
        try:
            self._compare(self._checked())
        except SourceError as error:
            raise SourceChanged(str(error)) from error
        ended = time.monotonic()
        self._next_look = ended + max(_BETWEEN_LOOKS, (ended - started) / _SHARE)

    def _checked(self) -> dict[str, Stamp]:
        with noting() as stamps:
            check(self._reads())
        return stamps

    def _compare(self, now: Mapping[str, Stamp | None]) -> None:
        changed = sorted(path for path in {*now, *self._stamps} if now.get(path) != self._stamps.get(path))
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            raise SourceChanged(
                f"{changed[0]}{more} changed while this stage read it, so the result is not kept; leave the files "
                f"alone while a study runs, and {_PLAN_AGAIN}"
            )


def _folders(settings: StageSettings, places: Mapping[str, str]) -> Iterator[Outside]:
    """Yields the folders of models that a stage reads."""
    for name, model in within(settings, (FolderModel,)):
        folder = Path(places[model.digest])
        how = "files were edited, added or removed" if folder.is_dir() else "it no longer exists"
        yield Outside(f"{name} {folder}: its files", how, model.digest, partial(model_digest, folder))


def _stamp(path: Path) -> Stamp | None:
    try:
        return stamp(path)
    except OSError:
        return None
