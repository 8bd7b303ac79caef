"""`xtransfer translate`: translates a benchmark's English training rows and reports their quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from flows.commands.common import AsJson, print_json
from flows.commands.run import Workers, started
from flows.terminal import Console, Table
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current

if TYPE_CHECKING:
    from xtransfer.store.artifacts import Artifact


def command(
    benchmark: Annotated[
        str, typer.Argument(metavar="BENCHMARK", help="A benchmark with English training rows: lab-nli, mnli ...")
    ],
    to: Annotated[str, typer.Option("--to", metavar="CODES", help="Languages, separated by commas: de,tr")],
    engine: Annotated[str, typer.Option("--engine", help="The translation engine: lab-marian, opus-mt, parallel ...")],
    rows: Annotated[int | None, typer.Option(min=1, help="Translate the first N rows; default: all.")] = None,
    align_tags: Annotated[
        bool, typer.Option("--align-tags", help="For a benchmark with one tag per word: move the tags too.")
    ] = False,
    way_back: Annotated[
        str | None,
        typer.Option("--way-back", metavar="ENGINE", help="Translates some sentences back to English, as a check."),
    ] = None,
    workers: Workers = None,
    as_json: AsJson = False,
) -> None:
    """Translate training rows for later studies; show quality, dropped rows by reason, and some sentences."""
    from xtransfer.planning.single_runs import translations
    from xtransfer.report import translated

    def start() -> dict[str, str]:
        from flows.translate_data import translate_data

        options = [] if workers is None else [f"workers={workers}"]
        return translate_data(benchmark, languages, engine, rows or 0, align_tags, way_back or "", options)

    languages = [code.strip() for code in to.split(",") if code.strip()]
    wanted = translations(benchmark, languages, engine, rows, align_tags=align_tags, way_back=way_back)
    console = Console(stderr=as_json)
    started(start, console)
    made, round_trips = translated.parted(_found([stage.key for stage in wanted.results]))
    tables = {
        "quality": translated.quality(made, round_trips),
        "dropped": translated.drops(made),
        "sentences": translated.samples(made),
    }
    if as_json:
        print_json({"artifacts": {one.manifest.name: one.key for one in made}, **tables})
        return
    for title, lines in tables.items():
        if lines:
            console.print(Text(f"\n{title}", style="bold"))
            console.print(_table(lines))
    for one in made:
        console.print(f"{one.manifest.name}: {one.key}", highlight=False, markup=False, soft_wrap=True)


def _found(keys: Sequence[str]) -> list[Artifact]:
    from xtransfer.store.artifacts import ArtifactStore

    store = ArtifactStore(current().store)
    found = [store.find(key) for key in keys]
    if missing := [key for key, one in zip(keys, found, strict=True) if one is None]:
        raise RequestError(f"{', '.join(missing)}: no longer in the store; run the command again")
    return [one for one in found if one is not None]


def _table(lines: Sequence[Mapping[str, object]]) -> Table:
    table = Table(*lines[0])
    for line in lines:
        table.add_row(*("" if value is None else str(value) for value in line.values()))
    return table
