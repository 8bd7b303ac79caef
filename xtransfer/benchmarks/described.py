"""Benchmark declarations as plain values, for `xtransfer benchmarks` and the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from xtransfer.base.declared import JsonObject
from xtransfer.benchmarks.spec import SPLITS, Benchmark, Source, SplitName, several

MANY = 6  # above this, languages are counted instead of listed


def described(benchmark: Benchmark) -> JsonObject:
    """Returns all fields of a declaration as JSON values; functions by name."""
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
        "english": benchmark.english.name if benchmark.english is not None else None,
        "source": benchmark.source.path,
        "licence": benchmark.licence,
        "taken_from": dict(benchmark.taken_from),
        "note": benchmark.note,
        "caveat": benchmark.caveat,
        "how_to_get": benchmark.how_to_get,
    }


def places(benchmark: Benchmark, split: SplitName) -> list[JsonObject]:
    """Returns where the rows of a split come from: each source once, with its languages."""
    if benchmark.union:
        parts = [one for part in benchmark.union if part.has(split) for one in places(part, split)]
        return list({(one["path"], one["splits"]): one for one in parts}.values())
    found: dict[tuple[str | None, ...], JsonObject] = {}
    for language in benchmark.languages_of(split):
        source = benchmark.source_of(split, language)
        place = {
            "path": source.path,
            "revision": source.revision,
            "config": _config(source),
            "splits": " + ".join(several(source.splits[split])),
        }
        found.setdefault(tuple(place.values()), {**place, "languages": []})["languages"].append(language)
    return list(found.values())


def counted(languages: Iterable[str]) -> str:
    """Returns a few languages by code, many as their number."""
    named = list(languages)
    return " ".join(named) if len(named) <= MANY else f"{len(named)} languages"


def _config(source: Source) -> str | None:
    if source.config is None or isinstance(source.config, str):
        return source.config
    if isinstance(source.config, Mapping):
        first = next(iter(source.config.values()))
        return first if len(source.config) == 1 else f"{first} ..."
    return " + ".join(source.config)
