"""The page of the docs on the results database: every table, view and column, and example queries.

python -m xtransfer.results.page > docs/database.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from textwrap import dedent

from sqlalchemy import Column

from xtransfer.results.examples import EXAMPLES
from xtransfer.results.schema import Base
from xtransfer.results.upsert import table_of
from xtransfer.results.views import VIEWS

_INTRODUCTION = """# The results database

Everything that studies found is in one database: `results.db` below `XTRANSFER_HOME`, or where
`XTRANSFER_DATABASE_URL` says. It is SQLite by default, and PostgreSQL for a team (`postgresql+psycopg://USER@HOST/NAME`
after `pip install 'xtransfer[postgres]'`); both hold the same tables and answer alike. Scores and differences are in
points, 0 to 100; correlations reach from -100.

```console
$ xtransfer results sql "SELECT kind, COUNT(*), SUM(seconds) FROM stage GROUP BY kind"
```

`results sql` takes one SELECT. The database is opened for reading only, with limits of rows and time; what writes,
attaches a file, changes a setting or does not end is refused or stopped. In Python, `open_results().sql(...)` gives a
data frame.

- **Written by runs.** A cell is written in one transaction with all that stands behind it. Writing it again changes
  nothing; a process that is killed leaves nothing half written; many processes may write at once.
- **Refused by the database itself:** a language, metric or encoder that it does not know, a score outside the range of
  its metric, an interval that does not hold its score.
- **Brought up to date** by the first command that writes, such as the run of a study: older tables are changed and
  filled with what follows from their rows, in one transaction. The rest (checkpoints, benchmarks, translations,
  predictions, intervals) comes when a study is run again, which trains nothing that is in the artifact store. A
  database of a newer program, a damaged file or a file of something else is refused and left as it is.
- **SQLite** writes ahead (WAL): readers never wait, writers wait for each other up to a minute. Keep the file on a
  local disk; for several machines take PostgreSQL.
- **An interval of a score** (`low`, `high`) is over test items alone, in their groups: what other items of the same
  kind would give with this one trained model. Seeds are not in it; intermediates are compared by gains, which are
  paired and know seeds ([results.md](results.md)).

This page is made from the models (`python -m xtransfer.results.page`).
"""
_EXAMPLES = """## Ten questions

Each runs as it is, on both kinds of database; put your study's name in the place of `example`.
"""


def markdown() -> str:
    """The page."""
    parts = [_INTRODUCTION, _EXAMPLES]
    parts += [f"{question}\n\n```sql\n{dedent(query).strip()}\n```\n" for question, query in EXAMPLES.items()]
    parts.append("## Tables\n\nKeys are marked with *; an arrow names the table that a column refers to.\n")
    models = {table_of(mapper.class_).name: mapper.class_ for mapper in Base.registry.mappers}
    for table in Base.metadata.sorted_tables:
        about = " ".join((models[table.name].__doc__ or "").split())
        rows = ((_named(column), _typed(column), column.doc or "") for column in table.columns)
        parts.append(f"### {table.name}\n\n{about}\n\n{_table(('column', 'type', 'what it holds'), rows)}\n")
    parts.append("## Views\n")
    for name, view in VIEWS.items():
        about = f"{view.about[0].upper()}{view.about[1:]}."
        lines = ((f"`{column}`", said) for column, said in view.columns.items())
        parts.append(f"### {name}\n\n{about}\n\n{_table(('column', 'what it holds'), lines)}\n")
    return "\n".join(parts).rstrip() + "\n"


def _named(column: Column[object]) -> str:
    mark = r" \*" if column.primary_key else ""
    targets = {key.column.table.name for key in column.foreign_keys}
    return f"`{column.name}`{mark}" + "".join(f" → {name}" for name in sorted(targets))


def _typed(column: Column[object]) -> str:
    name = type(column.type).__name__
    plain = {"UtcDateTime": "moment", "JSON": "JSON"}.get(name, name.lower())
    return f"{plain}, may be NULL" if column.nullable else plain


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(headings)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(markdown())
