"""Two databases into one, without doubling: rows are the same where their keys are, and must then say the same.

What is compared is what a result says (a score, how a cell ended, what a study is), not how long it took or where it
ran: of two teams that ran the same stage, ours stays on record.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, Table, delete, select

from xtransfer.base.digest import digest
from xtransfer.base.languages import TABLE
from xtransfer.results.bundles import Rows
from xtransfer.results.links import fill_baselines, unlink
from xtransfer.results.places import ENDED, Difference, Places
from xtransfer.results.schema import (
    CellRow,
    CellStageRow,
    LanguageRow,
    StageRow,
    StudyCellRow,
    StudyRow,
)
from xtransfer.results.selection import model_of, moved, parents_first
from xtransfer.results.upsert import Values, chunks, table_of, upsert

Preference = Literal["ours", "theirs"]

_SHOWN = 80  # characters of a value in a message
_CELL, _LINK, _STAGE, _STUDY, _LANGUAGE = map(table_of, (CellRow, StudyCellRow, StageRow, StudyRow, LanguageRow))
_SAYS: Mapping[str, tuple[str, ...]] = {
    "score": ("value", "n"),
    "translation": ("kept", "chrf", "exact_match", "bleu"),
    "language": ("name", "family", "branch", "script"),
}  # table → what equal keys must agree in, where both say something


@dataclass(frozen=True)
class Conflict:
    """The same key with different numbers."""

    table: str
    row: str  # readable
    column: str
    ours: Any
    theirs: Any
    key: tuple[Any, ...]

    def __str__(self) -> str:
        ours, theirs = (textwrap.shorten(str(one), _SHOWN, placeholder=" …") for one in (self.ours, self.theirs))
        return f"{self.table} {self.row}: {self.column} is {ours} here and {theirs} there"


@dataclass
class Comparison:
    """Their cells against ours, and where the two say different things."""

    names: dict[str, str] = field(default_factory=dict)  # their cells → readable
    new: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)  # cells whose end they know and we do not
    conflicts: list[Conflict] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    left_out: set[str] = field(default_factory=set)  # new cells that were not taken, for ours stand in their places

    @property
    def disputed(self) -> set[str]:
        """Cells that ended differently, or with other scores."""
        return {conflict.key[0] for conflict in self.conflicts if conflict.table in ("cell", "score")}

    def disputed_in(self, table: str) -> set[Any]:
        return {conflict.key[0] for conflict in self.conflicts if conflict.table == table}


def compare(connection: Connection, rows: Rows) -> Comparison:
    """What their rows would change here."""
    found = Comparison()
    cells: dict[str, Values] = {}
    for part in rows(_CELL):
        _compare_cells(connection, part, found)
        cells |= {row["key"]: row for row in part}
    for part in rows(_STUDY):
        found.conflicts += _of_studies(found.places.compare_studies(connection, part))
    for part in rows(_LINK):
        found.conflicts += _of_studies(found.places.compare_links(part, cells))
    for table in moved():
        if table.name in _SAYS:
            for part in rows(table):
                found.conflicts += _differences(connection, table, part, found)
    return found


def merge(connection: Connection, rows: Rows, found: Comparison, prefer: Preference | None) -> dict[str, int]:
    """Writes their rows; returns how many rows of each table were new here or replaced."""
    writer = _Writer(connection, rows, found, prefer)
    written = {
        table.name: sum(writer.write(table, part) for part in parents_first(table, rows(table))) for table in moved()
    }
    fill_baselines(connection)
    return written


class _Writer:
    """Decides for each of their rows whether it is added, replaces ours, or is left out."""

    def __init__(self, connection: Connection, rows: Rows, found: Comparison, prefer: Preference | None) -> None:
        self._connection = connection
        theirs = prefer == "theirs"
        self._cells = found.taken | (found.disputed if theirs else set())
        self._left_out = set() if theirs else found.disputed
        self._stages = {
            row["stage"] for part in rows(table_of(CellStageRow)) for row in part if row["cell"] in self._cells
        }
        self._studies, self._definitions = (found.places.disputed if theirs else set()), found.places.definitions
        self._languages = found.disputed_in("language") if theirs else set()
        if theirs:
            self._stages |= found.disputed_in("translation")
        links = [(row["study"], row["cell"]) for part in rows(_LINK) for row in part]
        self._dropped = found.places.dropped(links, theirs)
        found.left_out |= found.new & (
            {cell for _, cell in links} - {one[1] for one in links if one not in self._dropped}
        )
        self._left_out = self._left_out | found.left_out
        for study, cell in found.places.removed(theirs):
            unlink(connection, study, [cell])
        self._clear()

    def write(self, table: Table, part: Sequence[Values]) -> int:
        key = [column.name for column in table.primary_key.columns]
        stored = _stored(self._connection, table, part, ())
        if table is _STUDY:
            part = [self._united(row) for row in part]
        elif table is _LINK:
            part = [self._linked(row) for row in part]
        written = [
            row
            for row in part
            if (tuple(row[name] for name in key) not in stored or self._replaces(table, row))
            and not self._is_left_out(table, row)
        ]
        upsert(self._connection, model_of(table), written)
        return len(written)

    def _clear(self) -> None:
        """What hangs on cells that are taken from them goes first: theirs may have other rows."""
        for table in _of_cells():
            for keys in chunks(sorted(self._cells)):
                self._connection.execute(delete(table).where(table.c.cell.in_(keys)))

    def _united(self, row: Values) -> Values:
        whole = self._definitions.get(row["name"])
        return row if whole is None else {**row, "definition": whole, "digest": digest(whole)}

    def _linked(self, row: Values) -> Values:
        """Returns a link without a baseline that is not merged: `fill_baselines` finds ours."""
        return {**row, "baseline": None} if (row["study"], row["baseline"]) in self._dropped else row

    def _is_left_out(self, table: Table, row: Values) -> bool:
        if table is _LINK:
            return (row["study"], row["cell"]) in self._dropped
        if table is _CELL:
            return row["key"] in self._left_out
        return table in _of_cells() and row["cell"] in self._left_out

    def _replaces(self, table: Table, row: Values) -> bool:
        if table is _CELL:
            return row["key"] in self._cells
        if table is _STUDY:
            return row["name"] in self._studies or row["name"] in self._definitions
        if table is _STAGE:
            return row["key"] in self._stages
        if table is _LANGUAGE:
            return row["code"] in self._languages
        return table.name in ("checkpoint", "translation") and row["stage"] in self._stages


def _of_cells() -> list[Table]:
    """Tables whose rows are a cell's own; which studies have it is another matter."""
    links = StudyCellRow.__tablename__
    return [table for table in moved() if "cell" in table.primary_key.columns and table.name != links]


def _of_studies(found: Iterable[Difference]) -> Iterator[Conflict]:
    for study, what, ours, theirs in found:
        yield Conflict("study", study, what, ours, theirs, (study,))


def _compare_cells(connection: Connection, part: Sequence[Values], found: Comparison) -> None:
    ours = _stored(connection, _CELL, part, ("status",))
    for row in part:
        key, theirs = row["key"], row["status"]
        found.names[key] = f"{row['encoder']} {row['intermediate']} {row['target']} seed {row['seed']}"
        here = ours.get((key,))
        if here is None:
            found.new.add(key)
        elif here["status"] in ENDED:
            if theirs in ENDED and theirs != here["status"]:
                found.conflicts.append(Conflict("cell", found.names[key], "status", here["status"], theirs, (key,)))
        elif theirs in ENDED or (here["status"], theirs) == ("planned", "failed"):
            found.taken.add(key)


def _differences(connection: Connection, table: Table, part: Sequence[Values], found: Comparison) -> Iterator[Conflict]:
    key = [column.name for column in table.primary_key.columns]
    ours = _stored(connection, table, part, _SAYS[table.name])
    for row in part:
        name = tuple(row[column] for column in key)
        if name not in ours or name[0] in found.taken or (table is _LANGUAGE and name[0] in TABLE):
            continue
        for column in _SAYS[table.name]:
            said = _readable(name, found.names)
            here, there = ours[name][column], row[column]
            if here is not None and there is not None and here != there:
                yield Conflict(table.name, said, column, here, there, name)


def _readable(name: tuple[Any, ...], cells: Mapping[str, str]) -> str:
    return " ".join([cells.get(name[0], str(name[0])), *map(str, name[1:])])


def _stored(
    connection: Connection, table: Table, part: Sequence[Values], columns: Sequence[str]
) -> dict[tuple[Any, ...], Any]:
    """Our rows that share the cell of one of theirs, or else the first column of its key, by their keys."""
    key = list(table.primary_key.columns)
    shared = next((column for column in key if column.name == "cell"), key[0])
    found: dict[tuple[Any, ...], Any] = {}
    for some in chunks(sorted({row[shared.name] for row in part})):
        query = select(*key, *(table.c[name] for name in columns)).where(shared.in_(some))
        found |= {tuple(row[: len(key)]): row._mapping for row in connection.execute(query)}
    return found
