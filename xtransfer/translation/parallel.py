"""The engine `parallel`: rows that people have translated, of benchmarks that have them, instead of a model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from xtransfer import benchmarks
from xtransfer.base.errors import DataError, RequestError
from xtransfer.benchmarks.spec import Row, SplitName

_ALL: tuple[SplitName, ...] = ("train", "dev", "test")
_LAB = ("lab-nli", "lab-nli-dual", "lab-inference", "lab-copa", "lab-statements")  # rendered by its grammars
# benchmark → split → the benchmark whose rows are its translations, with the same ids
PEOPLE: Mapping[str, Mapping[SplitName, str]] = {
    "copa": {"dev": "xcopa"},
    "paws-x": {"dev": "paws-x", "test": "paws-x"},  # its training rows are a machine's
    "xcopa": {"dev": "xcopa"},
    "xnli": {"dev": "xnli", "test": "xnli"},
    "xnli-dual": {"dev": "xnli-dual", "test": "xnli-dual"},
    "xquad": {"test": "xquad"},
    "xquad-xtreme-r": {"test": "xquad-xtreme-r"},
    **{name: dict.fromkeys(_ALL, name) for name in _LAB},
}

_MOSTLY = 0.9  # of the rows that are there by their ids have their labels in common, or they are other rows


def translated_by_people(benchmark: str, language: str, split: SplitName, source: str = "en") -> str:
    """The benchmark that holds a benchmark's rows in another language, by people; raises RequestError where none
    does. To English: what people had translated to `source`."""
    held = PEOPLE.get(benchmark, {}).get(split)
    if held is not None and benchmarks.get(held).has(split, language) and language != source:
        return held
    offered = ", ".join(f"{name} ({', '.join(splits)})" for name, splits in PEOPLE.items())
    other = f"; in {', '.join(benchmarks.get(held).languages_of(split))} it has them" if held is not None else ""
    raise RequestError(
        f"{benchmark} has no {split} rows in '{language}' that people translated{other} (parallel knows: {offered}); "
        "name an engine that translates"
    )


def human_rows(
    benchmark: str, language: str, split: SplitName, limit: int | None, source: str = "en"
) -> tuple[list[Row], dict[str, Any]]:
    """The rows of `source` as people have written them in the language, those left out that nobody translated.

    A row whose label is not the source row's is left out: PAWS-X has 'NS', not a sentence, with label 0 where it was
    not translated. Facts: rows, kept, dropped_empty (0), dropped (rows by reason). Raises RequestError as
    `translated_by_people`, DataError where so many labels differ that these are not the same rows.
    """
    from xtransfer.data.load import load_rows  # brings in datasets, which a plan does without

    held = translated_by_people(benchmark, language, split, source)
    asked = load_rows(benchmarks.get(benchmark), source, split, limit)
    written = {row["id"]: row for row in load_rows(benchmarks.get(held), language, split)}
    pairs = [(row, written[row["id"]]) for row in asked if row["id"] in written]
    rows = [theirs for ours, theirs in pairs if ours.get("label") == theirs.get("label")]
    if len(rows) <= _MOSTLY * len(pairs):
        raise DataError(
            f"{held}/{language}/{split}: of {len(asked)} {source} rows of {benchmark} {len(pairs)} are there by "
            f"their ids, {len(rows)} of these with the same label; they are not the same rows"
        )
    reasons = {"nobody translated it": len(asked) - len(pairs), "its label is another": len(pairs) - len(rows)}
    dropped = {reason: count for reason, count in reasons.items() if count}
    return rows, {"rows": len(asked), "kept": len(rows), "dropped_empty": 0, "dropped": dropped}
