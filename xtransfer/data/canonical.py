"""Converts columns of a source to canonical rows of a kind. Errors name the place of what does not fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from types import GenericAlias
from typing import Any, TypeAlias, TypeVar, get_args

from xtransfer import kinds
from xtransfer.base.errors import DataError, EmptySplit, HiddenLabels
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.data.row_names import normal, row_groups, row_ids

T = TypeVar("T")
Column: TypeAlias = list[Any]  # values are whatever the source holds until they are checked
_SHOWN = 100  # characters of a value in a message
CONSTANT_FROM = 50  # a split of this many rows with a single label counts as having hidden labels
_HIDDEN: set[object] = {None, -1}
_INT = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WORDS: Mapping[object, str] = {str: "text", int: "whole number", float: "number"}


@dataclass(frozen=True)
class Table:
    """Some rows of a source, by column."""

    place: str  # `xnli/de/test`, for messages
    numbers: list[int]  # row numbers in the source's split, from 0
    columns: Mapping[str, Column]

    def only(self, kept: Sequence[bool]) -> Table:
        """Returns the marked rows."""
        if all(kept):
            return self
        places = [place for place, keep in enumerate(kept) if keep]
        columns = {name: [values[place] for place in places] for name, values in self.columns.items()}
        return Table(self.place, [self.numbers[place] for place in places], columns)


def canonical(benchmark: Benchmark, table: Table, counted_groups: bool = True) -> tuple[list[Row], Counter[str]]:
    """Returns rows with `id`, `group` and the kind's fields, and the number of dropped rows by reason.

    Set `counted_groups` to False if the source is not the one whose consecutive rows the declaration groups. Raises
    HiddenLabels, EmptySplit or DataError.
    """
    dropped: Counter[str] = Counter()
    if benchmark.adapt is not None:
        whole = len(table.numbers)
        table = _adapted(benchmark, table)
        dropped["left out by the declaration"] = whole - len(table.numbers)
    _check_columns(benchmark, table)
    if benchmark.share is not None:
        part, of, column = benchmark.share
        table = table.only([int(short_digest(normal(str(text))), 16) % of == part for text in table.columns[column]])
    if "label" in benchmark.columns:
        labels = _labels(benchmark, table)
        _check_hidden(labels, table.place)
        whole = len(table.numbers)
        table = table.only([label not in benchmark.no_label for label in labels])
        dropped["no label that annotators agreed on"] = whole - len(table.numbers)
    if "answers" in benchmark.columns:
        _check_answers(benchmark, table)
    if not table.numbers:
        reasons = ", ".join(f"{count} {reason}" for reason, count in (+dropped).items())
        raise EmptySplit(f"{table.place}: no row is left ({reasons or 'none is in this share'}); check the declaration")
    return _rows(benchmark, table, counted_groups), +dropped


def wanted_columns(benchmark: Benchmark) -> set[str]:
    """Returns every column that the declaration names."""
    others = [benchmark.id, benchmark.group, benchmark.share[2] if benchmark.share else None]
    return {name for name in others if isinstance(name, str)} | {
        name for declared in benchmark.columns.values() for name in _names(declared)
    }


def from_rows(place: str, rows: Sequence[Row], numbers: Sequence[int] | None = None) -> Table:
    """Returns a Table of rows that all have the same keys."""
    columns = {name: [row.get(name) for row in rows] for name in rows[0]} if rows else {}
    return Table(place, list(numbers if numbers is not None else range(len(rows))), columns)


def short_digest(text: str) -> str:
    """Returns 16 hexadecimal digits that identify a text."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _rows(benchmark: Benchmark, table: Table, counted_groups: bool) -> list[Row]:
    kind = kinds.get(benchmark.kind)
    ids = row_ids(benchmark, table)
    fields: dict[str, Column] = {"id": ids, "group": row_groups(benchmark, table, ids, counted_groups)}
    for name, wanted in kind.fields.items():
        fields[name] = _labels(benchmark, table) if name == "label" else _column(benchmark, table, name)
        if name == "label":
            fields[name] = _label_ids(benchmark, table, fields[name])
        if wanted in (int, float):
            fields[name] = [_number(value, float if wanted is float else int) for value in fields[name]]
        if name == "tags":
            fields[name] = _tag_ids(benchmark, table, fields[name])
        _check_values(benchmark, table, name, fields[name], wanted, name in kind.may_be_empty)
    rows = [dict(zip(fields, values, strict=True)) for values in zip(*fields.values(), strict=True)]
    for number, row in zip(table.numbers, rows, strict=True):
        fault = kind.check(row) if kind.check is not None else None
        if fault is not None:
            raise DataError(f"{table.place}, row {number}: {fault}")
    return rows


def _tag_ids(benchmark: Benchmark, table: Table, values: Column) -> Column:
    mapping = benchmark.label_values or {number: number for number, _ in enumerate(benchmark.labels)}
    if len(values) >= CONSTANT_FROM and len(distinct := {_hashable(tag) for tags in values for tag in tags or ()}) < 2:
        same = f"all tags of {len(values)} rows are {next(iter(distinct), None)!r}"
        raise HiddenLabels(f"{table.place}: labels are hidden ({same}); use another split")
    for number, tags in zip(table.numbers, values, strict=True):
        unknown = next((tag for tag in tags or () if _hashable(tag) not in mapping), None)
        if unknown is not None:
            place = f"{table.place}, row {number}, column '{benchmark.columns['tags']}'"
            raise DataError(
                f"{place}: tag {repr(unknown)[:_SHOWN]} is not valid, expected one of {', '.join(map(repr, mapping))}"
            )
    return [[mapping[tag] for tag in tags or ()] for tags in values]


def _labels(benchmark: Benchmark, table: Table) -> Column:
    """Returns labels as the declaration writes them: numbers as numbers if its labels are, also from a text file."""
    values = _column(benchmark, table, "label")
    if any(isinstance(label, str) for label in benchmark.label_values or ()):
        return values
    return [None if value == "" and "" not in benchmark.no_label else _number(value, int) for value in values]


def _number(value: object, wanted: type[int] | type[float]) -> object:
    """Returns the number that a text or a whole number stands for, or the value as it is if it is none."""
    if isinstance(value, str):
        return wanted(value) if (_FLOAT if wanted is float else _INT).fullmatch(value.strip()) else value
    return float(value) if wanted is float and type(value) is int else value


def _label_ids(benchmark: Benchmark, table: Table, values: Column) -> Column:
    mapping = benchmark.label_values or {number: number for number, _ in enumerate(benchmark.labels)}
    if not mapping:  # the kind checks the labels of each row
        return values
    names_bools = any(isinstance(declared, bool) for declared in mapping)
    for number, value in zip(table.numbers, values, strict=True):
        if (isinstance(value, bool) and not names_bools) or _hashable(value) not in mapping:
            place = f"{table.place}, row {number}, column '{benchmark.columns['label']}'"
            allowed = f"{', '.join(map(repr, mapping))} ({', '.join(benchmark.labels)})"
            raise DataError(f"{place}: label {repr(value)[:_SHOWN]} is not valid, expected one of {allowed}")
    return [mapping[value] for value in values]


def _check_columns(benchmark: Benchmark, table: Table) -> None:
    if not table.numbers:
        raise EmptySplit(f"{table.place}: has no rows; check {benchmark.source.path} and its revision")
    missing = sorted(wanted_columns(benchmark) - set(table.columns))
    if missing:
        hidden = {*missing} <= {benchmark.columns.get("label"), benchmark.columns.get("tags")}
        raise (HiddenLabels if hidden else DataError)(
            f"{table.place}: no column {', '.join(missing)}{' (labels are hidden, or have another name)' * hidden}; "
            f"the source has {', '.join(table.columns)}"
        )


def _check_hidden(labels: list[object], place: str) -> None:
    distinct = set(map(_hashable, labels))
    if distinct <= _HIDDEN:
        raise HiddenLabels(f"{place}: labels are hidden (all are missing or -1); use another split")
    if len(distinct) == 1 and len(labels) >= CONSTANT_FROM:
        same = f"all {len(labels)} rows have {labels[0]!r}"
        raise HiddenLabels(f"{place}: labels are hidden ({same}); use another split")


def _check_answers(benchmark: Benchmark, table: Table) -> None:
    """Raises if a split has no answers at all, or a row has none and the benchmark does not allow that."""
    lists = _column(benchmark, table, "answers")
    given = [any(str(text or "").strip() for text in texts) if isinstance(texts, list) else texts for texts in lists]
    if not any(given):
        raise HiddenLabels(f"{table.place}: answers are hidden (all are empty); use another split")
    if not benchmark.no_answer and not all(given):
        number = next(number for number, has in zip(table.numbers, given, strict=True) if not has)
        place = f"{table.place}, row {number}, column '{benchmark.columns['answers']}'"
        raise DataError(f"{place}: no answer; drop the row, or declare no_answer=True if that is intended")


def _check_values(
    benchmark: Benchmark, table: Table, name: str, values: Column, wanted: type | GenericAlias, may_be_empty: bool
) -> None:
    if _all_fit(values, wanted, may_be_empty):
        return
    for number, value in zip(table.numbers, values, strict=True):
        fault = _fault(value, wanted, may_be_empty)
        if fault is not None:
            columns = " and ".join(f"'{column}'" for column in _names(benchmark.columns[name]))
            raise DataError(f"{table.place}, row {number}, column {columns}: {fault}")


def _all_fit(values: Column, wanted: type | GenericAlias, may_be_empty: bool) -> bool:
    """Returns whether no value has a `_fault`; checks the whole column at once, since it may have a million texts."""
    items = get_args(wanted)
    if set(map(type, values)) != {list if items else wanted}:
        return False
    parts = list(chain.from_iterable(values)) if items else values
    inner = items[0] if items else wanted
    if items and not set(map(type, parts)) <= {inner}:
        return False
    return inner is not str or may_be_empty or all(map(str.strip, parts))


def _fault(value: object, wanted: type | GenericAlias, may_be_empty: bool) -> str | None:
    """Returns what is wrong with a value of type str, int, float, list[str] or list[int]; None if nothing is."""
    items = get_args(wanted)
    if type(value) is not (list if items else wanted):
        return f"is {repr(value)[:_SHOWN]}, expected {_words(wanted)}"
    parts = value if isinstance(value, list) else [value]
    other = next((part for part in parts if type(part) is not (items[0] if items else wanted)), None)
    if other is not None or None in parts:
        return f"contains {repr(other)[:_SHOWN]}, expected only {_WORDS[items[0]]}s"
    if not may_be_empty and any(isinstance(part, str) and (not part or part.isspace()) for part in parts):
        return f"is {repr(value)[:_SHOWN]}, expected text; correct or drop the row"
    return None


def _words(wanted: type | GenericAlias) -> str:
    """Returns a field's type in words."""
    items = get_args(wanted)
    return f"a list of {_WORDS[items[0]]}s" if items else f"a {_WORDS[wanted]}"


def _adapted(benchmark: Benchmark, table: Table) -> Table:
    assert benchmark.adapt is not None
    kept: dict[int, Row] = {}
    for number, values in zip(table.numbers, zip(*table.columns.values(), strict=True), strict=True):
        row = of_source(benchmark.adapt, dict(zip(table.columns, values, strict=True)), f"{table.place}, row {number}")
        if row is not None:
            kept[number] = row
    return from_rows(table.place, list(kept.values()), list(kept))


def of_source(read: Callable[[Row], T], row: Row, place: str) -> T:
    """Applies a declaration's function to a source row; raises DataError if the row does not have the expected form."""
    try:
        return read(row)
    except KeyError as error:
        raise DataError(f"{place}: no column {error}; the source has {', '.join(row)}") from error
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(
            f"{place}: the row is not as declared ({type(error).__name__}: {error}); it is {_short(row)}"
        ) from error


def _short(row: Row) -> str:
    return ", ".join(f"{name} {str(value)[:40]!r}" for name, value in row.items())[:300]


def _column(benchmark: Benchmark, table: Table, name: str) -> Column:
    declared = benchmark.columns[name]
    if isinstance(declared, str):
        return table.columns[declared]
    return [list(values) for values in zip(*(table.columns[column] for column in declared), strict=True)]


def _names(declared: str | tuple[str, ...]) -> tuple[str, ...]:
    return (declared,) if isinstance(declared, str) else declared


def _hashable(value: object) -> object:
    return repr(value) if isinstance(value, list | dict) else value
