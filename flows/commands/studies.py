"""`xtransfer studies`: lists the built-in studies."""

from __future__ import annotations

from rich.table import Table

from flows.commands.common import AsJson, print_json
from flows.terminal import Console


def command(as_json: AsJson = False) -> None:
    """List the built-in studies."""
    from xtransfer.study.builtin import STUDIES

    if as_json:
        print_json([study.model_dump(mode="json") for study in STUDIES.values()])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("study", "cells", "small", "question"):
        table.add_column(heading, overflow="fold")
    for study in STUDIES.values():
        cells = len(study.encoders) * len(study.intermediates) * len(study.targets) * len(study.seeds)
        table.add_row(study.name, str(cells), "yes" if study.small else "", study.question)
    Console().print(table)
