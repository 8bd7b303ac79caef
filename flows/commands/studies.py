"""`xtransfer studies`: lists the built-in studies, and those that were run."""

from __future__ import annotations

from flows.commands.common import AsJson, print_json
from flows.terminal import Console, Table
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current


def command(as_json: AsJson = False) -> None:
    """List the built-in studies, and those that the database has results of."""
    from xtransfer.study.builtin import STUDIES

    if as_json:
        print_json([study.model_dump(mode="json") for study in STUDIES.values()])
        return
    table = Table("study", "cells", "small", "question", right=("cells",))
    for study in STUDIES.values():
        cells = len(study.encoders) * len(study.intermediates) * len(study.targets) * len(study.seeds)
        table.add_row(study.name, str(cells), "yes" if study.small else "", study.question)
    console = Console()
    console.print(table)
    _print_recorded(console)


def _print_recorded(console: Console) -> None:
    """Print the studies of the database, if there is one that can be read."""
    from xtransfer.results.database import open_database
    from xtransfer.results.read import study_counts

    try:
        with open_database(current().database_url, read_only=True) as db:
            counts = study_counts(db)
    except RequestError:  # nothing was run here yet
        return
    if counts.empty:
        return
    table = Table("run here", "cells", "with scores", right=("cells", "with scores"))
    for one in counts.to_dict("records"):
        table.add_row(one["study"], f"{one['cells']:,}", f"{one['done']:,}")
    console.print()
    console.print(table)
