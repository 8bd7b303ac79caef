"""Loads a benchmark's rows from the hub, a mirror or the laboratory world, in the canonical form of its kind."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer.base.errors import DataError, EmptySplit, RequestError, SourceError, StoreError, unknown
from xtransfer.benchmarks.spec import SPLITS, Benchmark, Row, Source, SplitName
from xtransfer.data.canonical import Table, canonical, from_rows, of_source, short_digest, wanted_columns
from xtransfer.data.class_names import check_names
from xtransfer.data.source import LAB, available, how_to_get, open_split, pin, pin_rows
from xtransfer.kinds.check import fault

__all__ = ["Loaded", "available", "load", "load_rows", "pin", "pin_rows", "read_rows", "save_rows"]

POOL = "pool"  # takes the place of a language in messages
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """Rows, and the number of source rows left out, by reason."""

    rows: list[Row]
    dropped: Counter[str] = field(default_factory=Counter)


def load_rows(benchmark: Benchmark, language: str, split: SplitName, limit: int | None = None) -> list[Row]:
    """Returns the rows of a split in one language: `id`, `group` and the fields of the kind.

    Ids are unique within a language and agree across the languages of a parallel benchmark. `limit` selects at most
    this many rows, in an order that depends only on the groups' names: the sample is representative, a smaller one is
    part of a larger one, and parallel languages give the same items. With `whole_groups`, groups are never cut. Raises
    RequestError for a missing split or language, DataError for a declaration or rows that do not fit, SourceError if
    the source cannot be read.
    """
    return load(benchmark, language, split, limit).rows


def load(benchmark: Benchmark, language: str, split: SplitName, limit: int | None = None) -> Loaded:
    """Like `load_rows`, with the number of rows that the declaration drops."""
    _check_request(benchmark, language, split)
    benchmark = benchmark.read_as(split, language)
    if said := fault(benchmark):
        raise DataError(f"{benchmark.name}: {said}")
    rows, dropped = _union(benchmark, language, split) if benchmark.union else _own(benchmark, language, split)
    return Loaded(_first(rows, benchmark, split, limit) if limit is not None else rows, dropped)


def load_pool(benchmark: Benchmark) -> list[Row]:
    """Returns the rows of the benchmark's `pool`, in the same form; empty if it has none."""
    if benchmark.pool is None:
        return []
    return _own(replace(benchmark, source=benchmark.pool, sources={}), POOL, "test")[0]


def _check_request(benchmark: Benchmark, language: str, split: SplitName) -> None:
    if not benchmark.has(split):
        raise unknown(f"split of {benchmark.name}", split, [one for one in SPLITS if benchmark.has(one)])
    if not benchmark.has(split, language):
        offered = ", ".join(benchmark.languages_of(split))
        raise RequestError(f"{benchmark.name} has no {split} split in '{language}' (it has one in {offered})")


def _own(benchmark: Benchmark, language: str, split: SplitName) -> tuple[list[Row], Counter[str]]:
    benchmark = benchmark.of_language(language)
    table = _read(benchmark, language, split)
    for other in benchmark.others_read(split, language):
        table = _taken(benchmark, table, _read(benchmark, other, split), other)
    counted = benchmark.source_of(split, language) is benchmark.source
    rows, dropped = canonical(benchmark, table, counted)
    for reason, count in dropped.items():
        _log.info("%s: %d rows dropped: %s", table.place, count, reason)
    return rows, dropped


def _union(benchmark: Benchmark, language: str, split: SplitName) -> tuple[list[Row], Counter[str]]:
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    for part in benchmark.union:
        if part.has(split, language):
            loaded = load(part, language, split)
            names = ({key: f"{part.name}/{row[key]}" for key in ("id", "group")} for row in loaded.rows)
            rows += [{**row, **name} for row, name in zip(loaded.rows, names, strict=True)]
            dropped += loaded.dropped
    return rows, dropped


def _read(benchmark: Benchmark, language: str, split: SplitName) -> Table:
    place = f"{benchmark.name}/{language}/{split}"
    source = benchmark.source_of(split, language)
    if source.path == LAB:
        from xtransfer import lab

        return from_rows(place, lab.rows(benchmark.name, language, split))
    wanted = wanted_columns(benchmark) if benchmark.adapt is None and source.keep is None else ()
    columns: dict[str, list[object]] = {}
    for config in source.configs_of(language):
        for name in source.splits_of(split, language):
            try:
                part = open_split(source, config, name, language, wanted)
            except (SourceError, EmptySplit) as error:
                raise type(error)(f"{place}: {error}{how_to_get(benchmark, source.path)}") from error
            check_names(benchmark, part, place)
            more = part.to_pydict()
            if columns and set(columns) != set(more):
                raise DataError(f"{place}: parts of {source.path} have other columns; check '{config}', '{name}'")
            columns = {name: [*columns.get(name, []), *values] for name, values in more.items()}
    table = Table(place, list(range(len(next(iter(columns.values()))))), columns)
    return _of_language(table, source, language) if source.keep is not None else table


def _taken(benchmark: Benchmark, table: Table, theirs: Table, other: str) -> Table:
    """Returns the rows with the columns that the declaration takes from the rows of another language."""
    assert benchmark.id is not None  # the declaration is checked
    columns = dict(table.columns)
    for column in (column for column, source in benchmark.taken_from.items() if source == other):
        by_id = dict(zip(theirs.columns[benchmark.id], theirs.columns[column], strict=True))
        if lost := [name for name in columns[benchmark.id] if name not in by_id]:
            raise DataError(f"{theirs.place}: no row with id {lost[0]!r}, which {table.place} takes '{column}' from")
        columns[column] = [by_id[name] for name in columns[benchmark.id]]
    return Table(table.place, table.numbers, columns)


def _of_language(table: Table, source: Source, language: str) -> Table:
    assert source.keep is not None
    keep = source.keep
    marked = []
    for number, values in zip(table.numbers, zip(*table.columns.values(), strict=True), strict=True):
        row = dict(zip(table.columns, values, strict=True))
        marked.append(of_source(lambda row: keep(row, language), row, f"{table.place}, row {number}"))
    return table.only(marked)


def _first(rows: Sequence[Row], benchmark: Benchmark, split: SplitName, limit: int) -> list[Row]:
    """Returns at most `limit` rows in the order of their groups' digests; with `whole_groups`, at least one group."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    chosen: list[Row] = []
    for name in sorted(groups, key=lambda name: short_digest(f"{benchmark.name}/{split}/{name}")):
        if benchmark.whole_groups and chosen and len(chosen) + len(groups[name]) > limit:
            break
        chosen.extend(groups[name])
        if len(chosen) >= limit:
            break
    return chosen if benchmark.whole_groups else chosen[:limit]


def save_rows(rows: list[Row], file: Path) -> None:
    """Writes canonical rows as parquet; raises DataError if there are none."""
    if not rows:
        raise DataError(f"{file.name}: no rows to write")
    pq.write_table(pa.Table.from_pylist(rows), file)


def read_rows(file: Path) -> list[Row]:
    """Returns the rows that `save_rows` wrote; raises StoreError if the file is damaged."""
    try:
        rows: list[Row] = pq.read_table(file).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise StoreError(f"{file}: is damaged or missing ({error}); run `xtransfer store verify`") from error
    return rows
