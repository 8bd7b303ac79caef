"""What the declarations say, as plain values and as the page of the docs.

python -m xtransfer.benchmarks.page > docs/benchmarks.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from xtransfer.benchmarks import BUILT_IN
from xtransfer.benchmarks.spec import SPLITS, Benchmark, Source, SplitName
from xtransfer.translation.translatable import why_not

KINDS = {
    "pair": "two texts, one label",
    "choice": "a context, a question and options of which one is right",
    "tags": "a label for each word",
    "span": "a question whose answer stands in a passage",
    "sts": "two texts, how alike they are",
    "bitext": "sentences that look for their translation in one other language",
    "mining": "sentence pairs that translate each other, found in two collections",
    "answers": "questions that look for their answers among those of every language",
    "entities": "mentions that look for what they name, in any language",
    "ranking": "two texts that belong together, each first one looks for its second",
    "response": "texts and what was answered",
    "neighbours": "sentences between two others",
    "dual-pair": "two texts, one label, from a vector of each",
    "nearness": "two texts, how alike they are by their vectors, untrained",
    "mlm": "text of which some words are hidden",
}
_MANY = 6  # languages that are named in a table; more are counted
_INTRODUCTION = """# Benchmarks

Every benchmark that xtransfer declares, by kind: {num} of them, {intermediates} that can be trained on first
(intermediates) and {targets} that are scored (targets). This page is made from the declarations
(`python -m xtransfer.benchmarks.page`); `xtransfer benchmarks` says which can be loaded on this machine, and
`xtransfer benchmarks xnli` shows one in full. One of your own takes about ten lines:
[own-benchmark.md](own-benchmark.md).

Sources are data sets of the Hugging Face hub at the revision given; `local/...` are folders of a mirror
(`XTRANSFER_HUB_DIR`) that no hub has. Chance is the score of a constant or random prediction, where it has one. Read
the licences before you publish: some forbid commercial use, and some are not stated.
"""


def described(benchmark: Benchmark) -> dict[str, Any]:
    """Everything that a declaration says, as values that JSON can hold; functions by their names."""
    return {
        "name": benchmark.name,
        "kind": benchmark.kind,
        "roles": benchmark.roles,
        "languages": benchmark.languages,
        "splits": {split: places(benchmark, split) for split in SPLITS if benchmark.has(split)},
        "metric": benchmark.metric,
        "also": benchmark.also,
        "chance": benchmark.chance,
        "labels": benchmark.labels,
        "columns": dict(benchmark.columns),
        "adapted_by": getattr(benchmark.adapt, "__name__", None),
        "group": benchmark.group,
        "share": benchmark.share,
        "union": [part.name for part in benchmark.union],
        "source": benchmark.source.path,
        "licence": benchmark.licence,
        "not_translated": why_not(benchmark),
        "note": benchmark.note,
        "how_to_get": benchmark.how_to_get,
    }


def places(benchmark: Benchmark, split: SplitName) -> list[dict[str, Any]]:
    """Where the rows of a split live: each source once, with its languages."""
    if benchmark.union:
        parts = [one for part in benchmark.union if part.has(split) for one in places(part, split)]
        return list({(one["path"], one["splits"]): one for one in parts}.values())
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for language in benchmark.languages_of(split):
        source = benchmark.source_of(split, language)
        place = {
            "path": source.path,
            "revision": source.revision,
            "config": _config(source),
            "splits": " + ".join(_several(source.splits[split])),
        }
        found.setdefault(tuple(place.values()), {**place, "languages": []})["languages"].append(language)
    return list(found.values())


def counted(languages: Iterable[str]) -> str:
    """A few languages by name, many by number."""
    named = list(languages)
    return " ".join(named) if len(named) <= _MANY else f"{len(named)} languages"


def markdown(benchmarks: Mapping[str, Benchmark] = BUILT_IN) -> str:
    """The page: a table of each kind, then each benchmark in full."""
    intermediates, targets = (
        sum(role in one.roles for one in benchmarks.values()) for role in ("intermediate", "target")
    )
    parts = [_INTRODUCTION.format(num=len(benchmarks), intermediates=intermediates, targets=targets)]
    order = {kind: number for number, kind in enumerate(KINDS)}
    for kind in sorted({one.kind for one in benchmarks.values()}, key=lambda kind: (order.get(kind, len(order)), kind)):
        own = [one for one in benchmarks.values() if one.kind == kind]
        parts.append(f"## {kind}: {KINDS.get(kind, '')}\n\n{_table(own)}\n")
        parts += [_details(one) for one in own]
    return "\n".join(parts)


def _table(benchmarks: Iterable[Benchmark]) -> str:
    lines = ["| benchmark | roles | languages | metric | chance | licence |", "|---|---|---|---|---:|---|"]
    for one in benchmarks:
        chance = "" if one.chance is None else f"{one.chance:.1f}"
        cells = (one.name, ", ".join(one.roles), counted(one.languages), one.metric, chance, one.licence)
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines)


def _details(benchmark: Benchmark) -> str:
    lines = [f"**{benchmark.name}**", ""]
    if len(benchmark.languages) > _MANY:
        lines.append(f"- languages: {' '.join(benchmark.languages)}")
    lines += [f"- {split}: {_placed(benchmark, split)}" for split in SPLITS if benchmark.has(split)]
    lines += [f"- candidates for every language: {_source(benchmark.pool)}"] if benchmark.pool is not None else []
    lines += [f"- labels: {', '.join(benchmark.labels)}"] if 0 < len(benchmark.labels) <= 20 else []
    lines += [f"- also recorded: {', '.join(benchmark.also)}"] if benchmark.also else []
    reason = why_not(benchmark) if "intermediate" in benchmark.roles else None
    lines += [f"- not translated from English: {reason}"] if reason else []
    lines += [f"- note: {benchmark.note}"] if benchmark.note else []
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
    splits = [one for names in source.splits.values() for one in _several(names)]
    return f"`{source.path}`{_at(source.revision)} ({', '.join(splits)})"


def _at(revision: str | None) -> str:
    """` at da70db2af9d0`: a commit's first digits, or a branch."""
    return f" at {revision if '/' in revision else revision[:12]}" if revision else ""


def _config(source: Source) -> str | None:
    if source.config is None or isinstance(source.config, str):
        return source.config
    if isinstance(source.config, Mapping):
        first = next(iter(source.config.values()))
        return first if len(source.config) == 1 else f"{first} ..."
    return " + ".join(source.config)


def _several(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


if __name__ == "__main__":
    sys.stdout.write(markdown())
