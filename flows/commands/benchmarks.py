"""`xtransfer benchmarks`: lists every benchmark and whether it can be loaded here, or shows one in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from flows.commands.common import AsJson, print_json
from flows.terminal import Console, Table
from xtransfer import kinds
from xtransfer.benchmarks.spec import SPLITS, Benchmark, SplitName

_WIDE = 140  # columns: a wider terminal also shows sources and licences


def command(
    name: Annotated[str | None, typer.Argument(metavar="BENCHMARK", help="Show this one in full.")] = None,
    as_json: AsJson = False,
) -> None:
    """List every benchmark: kind, roles, languages, metric, source, licence, and whether it can be loaded here."""
    from xtransfer.benchmarks import BENCHMARKS, get

    console = Console()
    if name and name not in BENCHMARKS:
        get(name)  # raises, with the nearest name
    chosen = {name: BENCHMARKS[name]} if name else dict(BENCHMARKS)
    reasons = {name: _reason(name) for name in chosen}
    if as_json:
        facts = [_facts(benchmark, reasons[name]) for name, benchmark in chosen.items()]
        print_json(facts[0] if name else facts)
    elif name:
        console.print(_in_full(chosen[name], reasons[name]))
    else:
        _list(console, chosen, reasons)


def _reason(name: str) -> str | None:
    """Why a benchmark cannot be used here now; None if it can."""
    from xtransfer.base.errors import XTransferError
    from xtransfer.benchmarks import get
    from xtransfer.data.load import available
    from xtransfer.kinds.check import fault

    try:
        benchmark = get(name)
    except XTransferError as error:  # its labels are in a damaged file
        return str(error)
    return fault(benchmark) or available(benchmark)


def _facts(benchmark: Benchmark, reason: str | None) -> dict[str, object]:
    from xtransfer.benchmarks.described import described
    from xtransfer.translation.translatable import why_not

    said = {"not_translated": why_not(benchmark), "available": reason is None, "reason": reason}
    return {**described(benchmark), **said}


def _list(console: Console, benchmarks: Mapping[str, Benchmark], reasons: Mapping[str, str | None]) -> None:
    from xtransfer.benchmarks.described import counted

    wide = console.width >= _WIDE
    more = ("source", "licence") if wide else ()
    table = Table("benchmark", "kind", "roles", "languages", "metric", "chance", *more, "here", right=("chance",))
    for name, one in benchmarks.items():
        chance = "" if one.chance is None else f"{one.chance:.1f}"
        cells = [name, one.kind, "\n".join(one.roles), counted(one.languages), one.metric, chance]
        cells += [one.source.path, one.licence] if wide else []
        table.add_row(*cells, "yes" if reasons[name] is None else "no")
    console.print(table)
    why: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        if reason is not None:
            why.setdefault(reason, []).append(name)
    if why:
        console.print("\nnot here:")
    for reason, names in why.items():
        console.print(f"  {', '.join(names)}: {reason}", highlight=False, markup=False, soft_wrap=True)
    console.print("\nxtransfer benchmarks NAME shows one in full", highlight=False)


def _in_full(benchmark: Benchmark, reason: str | None) -> Table:
    from xtransfer.base.languages import language
    from xtransfer.metrics.metrics import METRICS
    from xtransfer.translation.translatable import why_not

    table = Table("", "")
    table.show_header = False
    table.columns[0].style = "bold"
    metrics = [f"{one}: {METRICS[one].definition}" for one in (benchmark.metric, *benchmark.also) if one in METRICS]
    columns = [f"{field} from {_columns(column)}" for field, column in benchmark.columns.items()]
    places: dict[str, str] = {split: _places(benchmark, split) for split in SPLITS if benchmark.has(split)}
    lines = {
        "name": benchmark.name,
        "kind": benchmark.kind,
        "roles": ", ".join(benchmark.roles),
        "languages": ", ".join(f"{code} {language(code).name}" for code in benchmark.languages),
        **places,
        "columns": ", ".join(columns) + (" (of adapted rows)" if benchmark.adapt else ""),
        "labels": ", ".join(benchmark.labels[:40]) + (" ..." if len(benchmark.labels) > 40 else ""),
        "metric": "\n".join(metrics),
        "chance": "" if benchmark.chance is None else f"{benchmark.chance:.1f}",
        "recipe": _recipe(benchmark),
        "licence": benchmark.licence or "not stated in the declaration",
        "not translated": (why_not(benchmark) or "") if "intermediate" in benchmark.roles else "",
        "taken from": ", ".join(f"{name} from the {code} rows" for name, code in benchmark.taken_from.items()),
        "note": benchmark.note,
        "caveat": benchmark.caveat,
        "how to get it": benchmark.how_to_get,
        "here": "yes" if reason is None else f"no: {reason}",
    }
    for heading, text in lines.items():
        if text:
            table.add_row(heading, text)
    return table


def _places(benchmark: Benchmark, split: SplitName) -> str:
    from xtransfer.benchmarks.described import counted, places

    return "\n".join(
        f"{counted(place['languages'])}: {place['path']}"
        + "".join(f", {key} {place[key]}" for key in ("revision", "config") if place[key])
        + f", split {place['splits']}"
        for place in places(benchmark, split)
    )


def _recipe(benchmark: Benchmark) -> str:
    """The recipe with which `xtransfer evaluate` fine-tunes."""
    from xtransfer.planning.evaluation import recipe_of

    if kinds.retrieves(benchmark) and not benchmark.has("train"):
        return "none: the encoder is scored without training"
    recipe = recipe_of(benchmark)
    names = ("epochs", "batch_size", "learning_rate", "warmup", "weight_decay", "max_length", "select")
    values = ", ".join(f"{name} {getattr(recipe, name):g}" if name != "select" else f"select {recipe.select}"
                       for name in names)  # fmt: skip
    last = "" if benchmark.has("dev", "en") else "; select last, because there are no English dev rows to select on"
    return f"{values} ({recipe.source}{last})"


def _columns(column: str | tuple[str, ...]) -> str:
    return column if isinstance(column, str) else " and ".join(column)
