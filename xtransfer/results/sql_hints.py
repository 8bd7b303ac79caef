"""What to write instead of a table or column that a user's SQL names and the database does not have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from xtransfer.results.schema import Base
from xtransfer.results.views import VIEWS

_NO_TABLE = re.compile(r"no such table: \"?([\w.]+)|relation \"([\w.]+)\" does not exist")
_NO_COLUMN = re.compile(r"no such column: \"?([\w.]+)|column \"?([\w.]+)\"? does not exist")
_READ = re.compile(r"\b(?:from|join)\s+\"?(\w+)", re.IGNORECASE)


def hint(reason: str, query: str) -> str:
    """Returns text to add to the database's reason: the nearest name, and what there is; empty for other reasons."""
    columns = {name: [*table.columns.keys()] for name, table in Base.metadata.tables.items()}
    columns |= {name: [*view.columns] for name, view in VIEWS.items()}
    if found := _NO_TABLE.search(reason):
        return f"{_nearest(found[1] or found[2], columns)} (tables and views: {', '.join(sorted(columns))})"
    if "syntax error" in reason and not re.search(r"\bselect\b", query, re.IGNORECASE):
        return f"; write one SELECT (tables and views: {', '.join(sorted(columns))})"
    if found := _NO_COLUMN.search(reason):
        read = [name for name in dict.fromkeys(_READ.findall(query.lower())) if name in columns]
        there = [column for name in read for column in columns[name]]
        has = "; ".join(f"{name} has {', '.join(columns[name])}" for name in read)
        return _nearest((found[1] or found[2]).rpartition(".")[2], there) + (f" ({has})" if has else "")
    return ""


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5) or [
        one for one in known if one.startswith(name.lower())
    ]
    return f"; did you mean '{near[0]}'?" if near else ""
