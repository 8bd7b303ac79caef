"""The engine `parallel`: human translations of rows, for benchmarks that have them."""

from __future__ import annotations

from collections.abc import Mapping

from xtransfer import benchmarks
from xtransfer.base.errors import DataError, RequestError
from xtransfer.benchmarks.spec import Row, SplitName

_ALL: tuple[SplitName, ...] = ("train", "dev", "test")
_LAB = (
    "lab-nli",
    "lab-nli-dual",
    "lab-inference",
    "lab-copa",
    "lab-statements",
)  # by its grammars
# benchmark → split → the benchmark that holds its translations under the same ids
PEOPLE: Mapping[str, Mapping[SplitName, str]] = {
    "copa": {"dev": "xcopa"},
    "paws-x": {"dev": "paws-x", "test": "paws-x"},  # its training rows are machine-translated
    "xcopa": {"dev": "xcopa"},
    "xcopa-corrected": {"dev": "xcopa-corrected"},
    "xnli": {"dev": "xnli", "test": "xnli"},
    "xnli-dual": {"dev": "xnli-dual", "test": "xnli-dual"},
    "xquad": {"test": "xquad"},
    "xquad-xtreme-r": {"test": "xquad-xtreme-r"},
    **{name: dict.fromkeys(_ALL, name) for name in _LAB},
}

_SAME_LABELS = 0.9  # share of the rows found by id; with fewer these are other rows


def translated_by_people(benchmark: str, language: str, split: SplitName, source: str = "en") -> str:
    """Returns the benchmark with human translations of a benchmark's rows into a language.

    Into English, these are the rows that people translated to `source`. Raises RequestError if there is none.
    """
    held = PEOPLE.get(benchmark, {}).get(split)
    if held is not None and benchmarks.get(held).has(split, language) and language != source:
        return held
    offered = ", ".join(f"{name} ({', '.join(splits)})" for name, splits in PEOPLE.items())
    other = f"; it has them in {', '.join(benchmarks.get(held).languages_of(split))}" if held is not None else ""
    raise RequestError(
        f"{benchmark} has no human translations of its {split} rows in '{language}'{other} (parallel has: {offered}); "
        "name another engine"
    )


def human_rows(
    benchmark: str, language: str, split: SplitName, limit: int | None, source: str = "en"
) -> tuple[list[Row], dict[str, object]]:
    """Returns human translations of the rows of `source`, and facts.

    Facts: rows, kept, dropped_empty (0), dropped (rows by reason). Drops rows without a translation, and rows whose
    label differs from the source row's: PAWS-X has 'NS' with label 0 for text that was not translated. Raises
    RequestError like `translated_by_people`, and DataError if over a tenth of the labels differ, since these are then
    not the same rows.
    """
    from xtransfer.data.load import load_rows  # imports datasets, which planning does not need

    held = translated_by_people(benchmark, language, split, source)
    asked = load_rows(benchmarks.get(benchmark), source, split, limit)
    written = {row["id"]: row for row in load_rows(benchmarks.get(held), language, split)}
    pairs = [(row, written[row["id"]]) for row in asked if row["id"] in written]
    rows = [theirs for ours, theirs in pairs if ours.get("label") == theirs.get("label")]
    if len(rows) <= _SAME_LABELS * len(pairs):
        raise DataError(
            f"{held}/{language}/{split}: of {len(asked)} {source} rows of {benchmark}, {len(pairs)} are found by their "
            f"ids, and {len(rows)} of these have the same label; these are not the same rows"
        )
    reasons = {"no human translation": len(asked) - len(pairs), "label differs": len(pairs) - len(rows)}
    dropped = {reason: count for reason, count in reasons.items() if count}
    return rows, {"rows": len(asked), "kept": len(rows), "dropped_empty": 0, "dropped": dropped}
