"""What may be wrong with rows that can be used: repeated rows, rows in two splits, columns that say nothing or differ.

Found while the data are checked; a remark is for a person to judge, and stops nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import combinations

from xtransfer import benchmarks, kinds
from xtransfer.benchmarks.spec import SPLITS, Row
from xtransfer.data.canonical import CONSTANT_FROM
from xtransfer.data.need import Need
from xtransfer.kinds.spec import Kind, Translatable

_PARALLEL = 0.9  # languages are parallel if they share this share of ids, and of the values of a field
_SHOWN = 8  # languages with a count
_ANSWERS = ("label", "tags", "score")


@dataclass(frozen=True)
class Remark:
    """Something about a split of a benchmark that is worth a look."""

    benchmark: str
    split: str
    text: str


@dataclass
class _Read:
    """What is kept of the rows of one split in one language."""

    answers: dict[bytes, object] = field(default_factory=dict)  # digest of all texts of a row → its first answer
    repeated: int = 0  # rows whose texts stand in an earlier row
    contrary: int = 0  # of these, rows with another answer
    constant: dict[str, str] = field(default_factory=dict)  # field → the value that all rows have
    values: dict[str, dict[str, object]] = field(default_factory=dict)  # field → id → value, if languages should agree


class Remarks:
    """Collects what is remarkable about rows, as they are read."""

    def __init__(self) -> None:
        self._read: dict[Need, _Read] = {}

    def add(self, need: Need, rows: Sequence[Row]) -> None:
        """Notes the rows of a split in one language."""
        kind = kinds.get(benchmarks.get(need.benchmark).kind)
        texts = [name for name, wanted in kind.fields.items() if wanted in (str, list[str])]
        answer = next((name for name in _ANSWERS if name in kind.fields), None)
        found = _Read()
        for row in rows:
            digest = blake2b(repr([row[name] for name in texts]).encode(), digest_size=8).digest()
            value = row[answer] if answer else None
            found.repeated += digest in found.answers
            found.contrary += found.answers.setdefault(digest, value) != value
        if len(rows) >= CONSTANT_FROM:
            for name in texts:
                values = {repr(row[name]) for row in rows if row[name]}
                if len(values) == 1 and all(row[name] for row in rows):
                    found.constant[name] = values.pop()
        found.values = {name: {row["id"]: row[name] for row in rows} for name in _same_everywhere(kind)}
        self._read[need] = found

    def __iter__(self) -> Iterator[Remark]:
        """Yields the remarks on all rows so far."""
        splits: dict[tuple[str, str], dict[str, _Read]] = defaultdict(dict)
        for need, found in self._read.items():
            splits[need.benchmark, need.split][need.language] = found
        for (benchmark, split), languages in splits.items():
            for text in (*_repeated(languages), *_constant(languages), *_differing(languages)):
                yield Remark(benchmark, split, text)
        for (benchmark, one), (other, split) in combinations(sorted(splits, key=_in_order), 2):
            if benchmark == other:
                yield from _in_both(benchmark, one, split, splits[benchmark, one], splits[other, split])


def _in_order(split: tuple[str, str]) -> tuple[str, int]:
    return split[0], [str(one) for one in SPLITS].index(split[1])


def _same_everywhere(kind: Kind) -> list[str]:
    """Returns the fields that are the same in all languages of parallel data: those that no translator changes."""
    translation = kind.translation
    if not isinstance(translation, Translatable) or translation.how != "texts":
        return []
    return [name for name, wanted in kind.fields.items() if wanted in (str, int, float) and name not in
            translation.fields]  # fmt: skip


def _counts(counts: Mapping[str, int]) -> str:
    """Returns `th 250, tr 51` for the languages with any, most first; of many only the first."""
    ordered = sorted(((code, count) for code, count in counts.items() if count), key=lambda one: -one[1])
    more = f" and {len(ordered) - _SHOWN} more languages" if len(ordered) > _SHOWN else ""
    return ", ".join(f"{code} {count}" for code, count in ordered[:_SHOWN]) + more


def _repeated(languages: Mapping[str, _Read]) -> Iterator[str]:
    contrary = _counts({code: found.contrary for code, found in languages.items()})
    if said := _counts({code: found.repeated for code, found in languages.items()}):
        yield f"rows that repeat all texts of an earlier row: {said}{contrary and f'; with another answer: {contrary}'}"


def _constant(languages: Mapping[str, _Read]) -> Iterator[str]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for code, one in languages.items():
        for name, value in one.constant.items():
            found[name, value[:60]].append(code)
    for (name, value), codes in found.items():
        yield f"'{name}' is {value} in every row: {', '.join(codes)}"


def _in_both(
    benchmark: str, one: str, other: str, earlier: Mapping[str, _Read], later: Mapping[str, _Read]
) -> Iterator[Remark]:
    shared = {code: len(earlier[code].answers.keys() & later[code].answers.keys()) for code in later if code in earlier}
    if said := _counts(shared):
        yield Remark(benchmark, other, f"rows whose texts all stand in {one} too: {said}")


def _differing(languages: Mapping[str, _Read]) -> Iterator[str]:
    """Yields the fields that differ between rows of the same id in parallel languages."""
    if len(languages) < 2:
        return
    names = next(iter(languages.values())).values
    usual = {name: _usual([found.values[name] for found in languages.values()]) for name in names}
    parallel = {
        code: found
        for code, found in languages.items()
        if any(_agreement(found.values[name], usual[name]) >= _PARALLEL for name in names)
    }
    if len(parallel) < 2:
        return
    for name in names:
        values = {code: found.values[name] for code, found in parallel.items()}
        usual_value = _usual(list(values.values()))
        counts = {code: sum(usual_value[key] != value for key, value in own.items()) for code, own in values.items()}
        if said := _counts(counts):
            among = "most languages" if len(parallel) > 2 else "the other language"
            yield f"'{name}' differs from the row of the same id in {among}: {said} of {len(usual_value)} rows"


def _usual(columns: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Returns id → the value that most languages have; of equally many, the first language's."""
    votes: dict[str, Counter[object]] = defaultdict(Counter)
    for column in columns:
        for key, value in column.items():
            votes[key][value] += 1
    return {key: counter.most_common(1)[0][0] for key, counter in votes.items()}


def _agreement(own: Mapping[str, object], usual: Mapping[str, object]) -> float:
    """Returns the share of all ids that a language has with the usual value."""
    return sum(usual[key] == value for key, value in own.items()) / max(1, len(usual))
