"""`xtransfer benchmarks`: every benchmark, and whether it can be loaded here."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from flows.commands.common import AsJson, print_json


def command(as_json: AsJson = False) -> None:
    """Every benchmark: kind, roles, languages, metric, source, available here or why not."""
    from xtransfer.benchmarks import BENCHMARKS
    from xtransfer.data.load import available

    reasons = {name: available(benchmark) for name, benchmark in BENCHMARKS.items()}
    if as_json:
        print_json(
            [
                {
                    "name": one.name,
                    "kind": one.kind,
                    "roles": one.roles,
                    "languages": one.languages,
                    "metric": one.metric,
                    "chance": one.chance,
                    "source": one.source.path,
                    "licence": one.licence,
                    "note": one.note,
                    "available": reasons[one.name] is None,
                    "reason": reasons[one.name],
                }
                for one in BENCHMARKS.values()
            ]
        )
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("benchmark", "kind", "roles", "languages", "metric", "source", "here"):
        table.add_column(heading, overflow="fold")
    for one in BENCHMARKS.values():
        languages = " ".join(one.languages) if len(one.languages) <= 6 else f"{len(one.languages)} languages"
        here = "yes" if reasons[one.name] is None else str(reasons[one.name])
        table.add_row(one.name, one.kind, " ".join(one.roles), languages, one.metric, one.source.path, here)
    Console().print(table)
