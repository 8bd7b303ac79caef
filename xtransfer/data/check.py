"""Checks each piece of data a study needs: its origin, whether it is available, and how many rows it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pyarrow import parquet

from xtransfer import benchmarks
from xtransfer.base.errors import DataError, EmptySplit, HiddenLabels, RequestError, SourceError
from xtransfer.base.hub import answers
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.data import hub
from xtransfer.data.corpora import FROM_MIRROR, corpus_files, pin_corpus
from xtransfer.data.load import load
from xtransfer.data.need import Need, Needs
from xtransfer.data.remarks import Remarks
from xtransfer.data.source import Place, how_to_get, pin, places
from xtransfer.kinds.check import fault
from xtransfer.study import encoders

Reading = Literal["all", "here", "none"]  # read rows of everything; of what needs no download; of nothing
State = Literal["ok", "missing", "hidden", "empty", "unfit"]


@dataclass(frozen=True)
class Finding:
    """One piece of data and its state."""

    what: Literal["rows", "encoder", "engine", "text"]
    name: str  # of the benchmark, model or corpus
    split: str
    language: str
    origin: str  # laboratory, mirror, hub, folder, trained here; several joined by +
    state: State
    rows: int | None  # None: not read, or not rows
    note: str  # what is wrong and what to do; empty if all is well

    @property
    def ok(self) -> bool:
        return self.state == "ok"


def look(needs: Needs, reading: Reading = "all", remarks: Remarks | None = None) -> Iterator[Finding]:
    """Yields one finding per piece, in the order of the needs; `remarks` collects what is odd about the rows read.

    Hidden, constant and unknown labels are found only if rows are read. If they are not, the hub is queried about the
    data set, at most once per process.
    """
    yield from (_rows(need, reading, remarks) for need in needs.rows)
    yield from (_text(name) for name in needs.corpora)
    yield from (_model(text, "encoder") for text in needs.encoders)
    yield from (_model(text, "engine") for text in needs.engines)


def demand(rows: Iterable[Need]) -> None:
    """Raises DataError that lists every piece that is not available or cannot be scored (above all, hidden labels)."""
    faults = dict.fromkeys(finding.note for finding in look(Needs(tuple(dict.fromkeys(rows)))) if not finding.ok)
    if faults:
        raise DataError("; ".join(faults))


def _rows(need: Need, reading: Reading, remarks: Remarks | None) -> Finding:
    benchmark = benchmarks.get(need.benchmark)
    found = places(benchmark, need.split, need.language)
    origin = "+".join(dict.fromkeys(place.origin for place in found))
    remote = "hub" in origin
    rows, state, note = None, "ok", ""
    try:
        if said := fault(benchmark):
            raise DataError(f"{benchmark.name}: {said}")
        _find(benchmark, found)
        if reading == "all" or (reading == "here" and not remote):
            read = load(benchmark, need.language, need.split).rows
            rows = len(read)
            if remarks is not None:
                remarks.add(need, read)
        else:
            rows = _counted(benchmark, found)
            _ask_hub(found)
    except HiddenLabels as error:
        state, note = "hidden", str(error)
    except EmptySplit as error:
        state, note = "empty", str(error)
    except DataError as error:
        state, note = "unfit", str(error)
    except SourceError as error:
        state, note = "missing", str(error)
    return Finding("rows", need.benchmark, need.split, need.language, origin, state, rows, note)  # type: ignore[arg-type]


def _find(benchmark: Benchmark, found: list[Place]) -> None:
    for place in found:
        try:
            place.files()
        except SourceError as error:
            raise SourceError(f"{error}{how_to_get(benchmark, place.source.path)}") from error


def _counted(benchmark: Benchmark, found: list[Place]) -> int | None:
    """Returns the number of rows in the files' metadata; None if some rows are not used, or a file has no metadata."""
    if (
        benchmark.adapt
        or benchmark.share
        or benchmark.no_label
        or benchmark.taken_from
        or any(place.source.keep for place in found)
    ):
        return None
    files = [file for place in found for file in place.files()]
    if not files or any(file.suffix != ".parquet" for file in files):
        return None
    try:
        count = sum(int(parquet.read_metadata(file).num_rows) for file in files)
    except (OSError, ValueError) as error:
        raise SourceError(f"{files[0].parent}: a file is damaged ({error}); replace it with a complete one") from error
    if not count:
        raise EmptySplit(f"{files[0]}: has no rows")
    return count


def _ask_hub(found: list[Place]) -> None:
    for place in found:
        if place.origin == "hub":
            _ask(place.source.path)
            pin(place.source)


@cache
def _ask(path: str) -> None:
    if not answers():
        raise SourceError(
            f"'{path}' is in no mirror and the hub does not answer; set XTRANSFER_HUB_DIR to a mirror that has it, "
            "or run where the hub can be reached"
        )
    hub.check_access(path)


def _text(name: str) -> Finding:
    here = name in FROM_MIRROR
    origin = "mirror" if here else "laboratory"
    try:
        if here:
            corpus_files(name)
        else:
            pin_corpus(name)
    except SourceError as error:
        return Finding("text", name, "", "", origin, "missing", None, str(error))
    return Finding("text", name, "", "", origin, "ok", None, "")


def _model(text: str, what: Literal["encoder", "engine"]) -> Finding:
    origin = "hub"
    try:
        ref = encoders.resolve(text)
        if ref.source == "hub":
            _reachable(ref.id, ref.revision)
        else:
            origin = ref.source.replace("-", " ")
    except (SourceError, RequestError) as error:
        return Finding(what, text, "", "", origin, "missing", None, str(error))
    return Finding(what, text, "", "", origin, "ok", None, "")


def _reachable(name: str, commit: str) -> None:
    """Raises SourceError if a model is neither in the hub's local cache nor available from the hub."""
    from huggingface_hub import try_to_load_from_cache

    if not isinstance(try_to_load_from_cache(name, "config.json", revision=commit), str) and not answers():
        raise SourceError(
            f"'{name}' is in no mirror and no cache, and the hub does not answer; set XTRANSFER_HUB_DIR to a mirror "
            f"that has {name}/config.json, or use a local folder"
        )
