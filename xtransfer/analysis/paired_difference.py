"""One comparison of two conditions: turns pairs of results into the arrays that intervals are computed from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xtransfer.analysis.influence import Paired, of_items
from xtransfer.analysis.points import ENGLISH, Result
from xtransfer.analysis.variance import Differences
from xtransfer.base.languages import LANGUAGES, NO_FAMILY

BUT_EN: str = "mean-but-en"
OTHERS: str = "mean-others"
FAMILY, SCRIPT = "family:", "script:"  # followed by the name in xtransfer.base.languages
_SMALLEST_GROUP = 2  # languages but English; a group of one would repeat that language
Run = tuple[str, int]  # encoder, seed
Pairs = dict[Run, list[tuple[Result, Result]]]  # run → pairs of results to compare; several are averaged


@dataclass(frozen=True)
class Comparison:
    """A comparison as arrays: columns are languages, then the means over languages."""

    columns: list[str]
    differences: Differences
    values: tuple[np.ndarray, np.ndarray]  # mean scores of both sides per column, in points
    num_runs: int
    num_encoders: int
    num_items: list[int]  # per column
    top: str  # what its runs are: "seeds", or "encoders" where encoders are pooled

    def covers(self, column: int) -> str:
        """Returns what the interval of a column takes as random: "seeds and items", "encoders", "items", "nothing"."""
        return self.differences.covers[column].replace("runs", self.top)


def compare(pairs: Pairs, *, pooled: bool, only: Collection[str] | None = None) -> Comparison | None:
    """Returns the comparison of all pairs with equal weight per run, in the languages that all have; None without runs.

    `only` leaves out all other languages.

    With `pooled`, runs are averaged per encoder first, so encoders are the runs. One encoder left of several is one
    run.

    Raises DataError if the two sides of a pair scored different items.
    """
    if not pairs:
        return None
    results = [result for run in pairs.values() for pair in run for result in pair]
    languages = [code for code in results[0].values if all(code in one.values for one in results)]
    languages = [code for code in languages if only is None or code in only]
    columns = _columns(languages, [_own(*pair, languages) for run in pairs.values() for pair in run])
    encoders = list(dict.fromkeys(encoder for encoder, _ in pairs))
    top = [[number for number, run in enumerate(pairs) if run[0] == name] for name in encoders]
    if not pooled:
        top = [[number] for number in range(len(pairs))]
    runs = [[Paired(*pair, _weights(tuple(languages), tuple(columns), _own(*pair, languages))) for pair in run]
            for run in pairs.values()]  # fmt: skip
    one, two = (_values(runs, side, languages) for side in ("one", "two"))
    return Comparison(
        columns,
        Differences(_by(top, one - two), of_items(runs, top, languages)),
        (_by(top, one).mean(axis=0), _by(top, two).mean(axis=0)),
        len(pairs),
        len(encoders),
        _num_items(results[0], languages, columns),
        "encoders" if pooled else "seeds",
    )


def _by(top: list[list[int]], values: np.ndarray) -> np.ndarray:
    return np.array([values[members].mean(axis=0) for members in top])


def _own(one: Result, two: Result, languages: list[str]) -> frozenset[str]:
    """Returns the languages that either was trained in, as an intermediate or as a target on translations."""
    if one.point.is_trained_everywhere or two.point.is_trained_everywhere:
        return frozenset(languages)
    return one.point.own_languages | two.point.own_languages


def is_language(column: str) -> bool:
    """Whether a column is a language, not a mean over several."""
    return column not in (BUT_EN, OTHERS) and not column.startswith((FAMILY, SCRIPT))


def _columns(languages: list[str], own: Sequence[frozenset[str]]) -> list[str]:
    but_en = [code for code in languages if code != ENGLISH]
    columns = list(languages)
    if but_en:
        columns.append(BUT_EN)
    if any(own) and all(set(but_en) - languages_of for languages_of in own):
        columns.append(OTHERS)
    return columns + _groups(but_en)


def _groups(but_en: list[str]) -> list[str]:
    """Returns families and scripts of several languages but English, and not of all: that is `mean-but-en`."""
    groups = sorted({group for code in but_en for group in _groups_of(code)})
    sizes = {group: sum(group in _groups_of(code) for code in but_en) for group in groups}
    return [group for group in groups if _SMALLEST_GROUP <= sizes[group] < len(but_en)]


def _groups_of(code: str) -> list[str]:
    """Returns a language's family and script; nothing for one that only another version of the program knows."""
    known = LANGUAGES.get(code)
    if known is None:
        return []
    family = [] if known.family in NO_FAMILY else [FAMILY + known.family]
    return [*family, SCRIPT + known.script]


def _is_part(code: str, column: str, own: frozenset[str]) -> bool:
    """Whether a column's mean includes a language, for a pair trained in `own` languages."""
    if is_language(column):
        return code == column
    if column == OTHERS and code in own:
        return False
    return code != ENGLISH and (column in (BUT_EN, OTHERS) or column in _groups_of(code))


@lru_cache(maxsize=1024)
def _weights(languages: tuple[str, ...], columns: tuple[str, ...], own: frozenset[str]) -> np.ndarray:
    """Returns [languages, columns]: the weight of each language in each column, for a pair trained in `own`."""
    weights = np.zeros((len(languages), len(columns)))
    for number, column in enumerate(columns):
        chosen = [_is_part(code, column, own) for code in languages]
        weights[:, number] = np.array(chosen) / sum(chosen)
    return weights


def _values(runs: list[list[Paired]], side: str, languages: list[str]) -> np.ndarray:
    """Returns the scores [runs, columns] of one side, in points."""
    return np.array([np.mean([_scores(getattr(pair, side), languages) @ pair.weights for pair in run], axis=0)
                     for run in runs])  # fmt: skip


def _scores(result: Result, languages: list[str]) -> np.ndarray:
    return np.array([result.values[code] for code in languages])


def _num_items(result: Result, languages: list[str], columns: list[str]) -> list[int]:
    counts = {code: len(result.items[code].layout.ids) if code in result.items else 0 for code in languages}
    nothing: frozenset[str] = frozenset()
    return [sum(counts[code] for code in languages if _is_part(code, column, nothing)) for column in columns]
