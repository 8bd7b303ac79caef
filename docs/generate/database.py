"""The results database: every table and view with its columns, as the models describe them."""

from __future__ import annotations

import sys

from sqlalchemy import Column

from docs.generate.tables import table
from xtransfer.results.schema import Base
from xtransfer.results.upsert import table_of
from xtransfer.results.views import VIEWS


def markdown() -> str:
    """A section of tables and a section of views."""
    parts = ["## Tables\n\nA key column has an asterisk; an arrow names the table that a column refers to.\n"]
    models = {table_of(mapper.class_).name: mapper.class_ for mapper in Base.registry.mappers}
    for made in Base.metadata.sorted_tables:
        about = " ".join((models[made.name].__doc__ or "").split())
        rows = ((_named(column), _typed(column), column.doc or "") for column in made.columns)
        parts.append(f"### {made.name}\n\n{about}\n\n{table(('column', 'type', 'what it holds'), rows)}\n")
    parts.append("## Views\n")
    for name, view in VIEWS.items():
        about = f"{view.about[0].upper()}{view.about[1:]}."
        lines = ((f"`{column}`", said) for column, said in view.columns.items())
        parts.append(f"### {name}\n\n{about}\n\n{table(('column', 'what it holds'), lines)}\n")
    return "\n".join(parts).rstrip() + "\n"


def _named(column: Column[object]) -> str:
    mark = r" \*" if column.primary_key else ""
    targets = {key.column.table.name for key in column.foreign_keys}
    return f"`{column.name}`{mark}" + "".join(f" → {name}" for name in sorted(targets))


def _typed(column: Column[object]) -> str:
    name = type(column.type).__name__
    plain = {"UtcDateTime": "time (UTC)", "JSON": "JSON"}.get(name, name.lower())
    return f"{plain}, may be NULL" if column.nullable else plain


if __name__ == "__main__":
    sys.stdout.write(markdown())
