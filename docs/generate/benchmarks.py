"""The benchmarks: a table for each kind, then every declaration in full."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from docs.generate.tables import table
from xtransfer.benchmarks import BUILT_IN
from xtransfer.benchmarks.described import MANY, counted, places
from xtransfer.benchmarks.spec import SPLITS, Benchmark, Source, SplitName, several
from xtransfer.kinds import KINDS
from xtransfer.translation.translatable import why_not

_INTRODUCTION = "{num} benchmarks: {intermediates} can be intermediates, {targets} can be targets.\n"


def markdown(benchmarks: Mapping[str, Benchmark] = BUILT_IN) -> str:
    """How many there are, and a section for each kind."""
    intermediates, targets = (
        sum(role in one.roles for one in benchmarks.values()) for role in ("intermediate", "target")
    )
    parts = [_INTRODUCTION.format(num=len(benchmarks), intermediates=intermediates, targets=targets)]
    for kind in KINDS.values():
        if own := [one for one in benchmarks.values() if one.kind == kind.name]:
            parts.append(f"## {kind.name}\n\nA row: {kind.about}.\n\n{_table(own)}\n")
            parts += [_details(one) for one in own]
    return "\n".join(parts)


def _table(benchmarks: Iterable[Benchmark]) -> str:
    rows = (
        (
            one.name,
            ", ".join(one.roles),
            counted(one.languages),
            one.metric,
            "" if one.chance is None else f"{one.chance:.1f}",
            one.licence,
        )
        for one in benchmarks
    )
    return table(("benchmark", "roles", "languages", "metric", "chance", "licence"), rows, right=("chance",))


def _details(benchmark: Benchmark) -> str:
    lines = [f"**{benchmark.name}**", ""]
    if len(benchmark.languages) > MANY:
        lines.append(f"- languages: {' '.join(benchmark.languages)}")
    lines += [f"- {split}: {_placed(benchmark, split)}" for split in SPLITS if benchmark.has(split)]
    lines += [f"- candidates for every language: {_source(benchmark.pool)}"] if benchmark.pool is not None else []
    lines += [f"- labels: {', '.join(benchmark.labels)}"] if 0 < len(benchmark.labels) <= 20 else []
    lines += [f"- also recorded: {', '.join(benchmark.also)}"] if benchmark.also else []
    reason = why_not(benchmark) if "intermediate" in benchmark.roles else None
    lines += [f"- not translated from English: {reason}"] if reason else []
    lines += [f"- note: {benchmark.note}"] if benchmark.note else []
    lines += [f"- caveat: {benchmark.caveat}"] if benchmark.caveat else []
    lines += [f"- how to get it: {benchmark.how_to_get}"] if benchmark.how_to_get else []
    return "\n".join(lines) + "\n"


def _placed(benchmark: Benchmark, split: SplitName) -> str:
    """``en: `nyu-mll/multi_nli` at da70db2af9d0 (train)``, with the languages where they are not all."""
    said = []
    for place in places(benchmark, split):
        config = f" {place['config']}" if place["config"] else ""
        only = "" if set(place["languages"]) == set(benchmark.languages) else f"{counted(place['languages'])}: "
        said.append(f"{only}`{place['path']}`{_at(place['revision'])}{config} ({place['splits']})")
    return "; ".join(said)


def _source(source: Source) -> str:
    splits = [one for names in source.splits.values() for one in several(names)]
    return f"`{source.path}`{_at(source.revision)} ({', '.join(splits)})"


def _at(revision: str | None) -> str:
    """` at da70db2af9d0`: a commit's first digits, or a branch."""
    return f" at {revision if '/' in revision else revision[:12]}" if revision else ""


if __name__ == "__main__":
    sys.stdout.write(markdown())
