"""XTREME and XTREME-R as wholes: the score of a benchmark, of a group, and the total.

A benchmark's score is the mean over its languages; where it has two metrics (exact match and F1 of question
answering), the mean of the two means. A group is the plain mean of its benchmarks, the total that of all
benchmarks. Nothing is averaged over what happens to be there, unless that is asked for, and then it is marked.

Follows Hu et al. 2020 and Ruder et al. 2021, with benchmarks and languages as in evaluate.py of
google-research/xtreme at 838c13b. Where that script and the XTREME-R paper differ:
  LAReQA    the script names it, but has neither languages nor a metric for it, so that it never gives an
            XTREME-R total; here it is part of retrieval and of the total, as in the paper
  XQuAD     the script reads Romanian too (12 languages); the score is over the 11 of the paper's table
  PAN-X, Tatoeba  48 and 41 languages as in the script; a later reprint of the paper's table has 47 and 38
The script adds up languages in an order of its own, so its last digit may differ (relative 1e-15).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xtransfer.base.errors import DataError, unknown
from xtransfer.base.languages import codes

Scores = Mapping[str, Mapping[str, Mapping[str, float]]]  # benchmark → language → metric → points

TOTAL = "total"


@dataclass(frozen=True)
class Member:
    """A benchmark as a part of a suite."""

    benchmark: str
    group: str
    metrics: tuple[str, ...]  # the score is the mean of their means
    languages: tuple[str, ...]
    alike: tuple[str, ...] = ()  # other benchmarks with the same test rows: its scores may be theirs
    further: tuple[str, ...] = ()  # languages that the public script reads predictions of, but that do not count


@dataclass(frozen=True)
class Suite:
    """Benchmarks that are scored as one."""

    name: str
    members: tuple[Member, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(member.group for member in self.members))

    def member(self, benchmark: str) -> Member | None:
        """The member that a benchmark is, or is alike."""
        return next((one for one in self.members if benchmark in (one.benchmark, *one.alike)), None)


@dataclass(frozen=True)
class Missing:
    """What a score lacks: some languages of a benchmark, or all of it."""

    benchmark: str
    languages: tuple[str, ...] = ()  # empty: every one
    metric: str | None = None  # the one that these languages lack; None: they have no score at all

    def __str__(self) -> str:
        if not self.languages:
            return self.benchmark
        return f"{self.benchmark}: {f'{self.metric} of ' if self.metric else ''}{' '.join(self.languages)}"


@dataclass(frozen=True)
class Aggregate:
    """One score above the languages."""

    name: str  # of the benchmark or group, or `total`
    value: float | None  # points; None where something is missing and a partial mean was not asked for
    missing: tuple[Missing, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether the value is a mean over a part only."""
        return self.value is not None and bool(self.missing)


def benchmark_score(member: Member, scores: Scores, *, partial: bool = False) -> Aggregate:
    """Score of one benchmark. With `partial`, over the languages that have all its metrics.

    Raises DataError for a value that is no finite number.
    """
    found = scores.get(member.benchmark, {})
    for language, values in found.items():
        for metric, value in values.items():
            if not math.isfinite(value):
                raise DataError(f"{member.benchmark}/{language}: {metric} is {value}; score it again")
    complete = [one for one in member.languages if all(metric in found.get(one, {}) for metric in member.metrics)]
    missing = _missing(member, found)
    if not complete or (missing and not partial):
        return Aggregate(member.benchmark, None, missing)
    means = [_mean(found[one][metric] for one in complete) for metric in member.metrics]
    return Aggregate(member.benchmark, _mean(means), missing)


def group_score(suite: Suite, group: str, scores: Scores, *, partial: bool = False) -> Aggregate:
    """Score of one group; raises RequestError for a group that the suite lacks."""
    if group not in suite.groups:
        raise unknown(f"group of {suite.name}", group, suite.groups)
    return _over(group, [member for member in suite.members if member.group == group], scores, partial)


def total_score(suite: Suite, scores: Scores, *, partial: bool = False) -> Aggregate:
    """Score of the whole suite."""
    return _over(TOTAL, suite.members, scores, partial)


def all_scores(suite: Suite, scores: Scores, *, partial: bool = False) -> dict[str, list[Aggregate]]:
    """Every aggregate of a suite under `benchmark`, `group` and `total`, in declared order.

    Benchmarks and languages that the suite lacks are passed over.
    """
    return {
        "benchmark": [benchmark_score(member, scores, partial=partial) for member in suite.members],
        "group": [group_score(suite, group, scores, partial=partial) for group in suite.groups],
        TOTAL: [total_score(suite, scores, partial=partial)],
    }


def suite(name: str) -> Suite:
    """The suite of a name; raises RequestError for an unknown one."""
    if name not in SUITES:
        raise unknown("version", name, SUITES)
    return SUITES[name]


def _over(name: str, members: Sequence[Member], scores: Scores, partial: bool) -> Aggregate:
    parts = [benchmark_score(member, scores, partial=partial) for member in members]
    missing = tuple(one for part in parts for one in part.missing)
    values = [part.value for part in parts if part.value is not None]
    if not values or (missing and not partial):
        return Aggregate(name, None, missing)
    return Aggregate(name, _mean(values), missing)


def _missing(member: Member, found: Mapping[str, Mapping[str, float]]) -> tuple[Missing, ...]:
    absent = tuple(one for one in member.languages if not any(name in found.get(one, {}) for name in member.metrics))
    if len(absent) == len(member.languages):
        return (Missing(member.benchmark),)
    missing = [Missing(member.benchmark, absent)] if absent else []
    for metric in member.metrics:
        without = tuple(one for one in member.languages if one not in absent and metric not in found[one])
        if without:
            missing.append(Missing(member.benchmark, without, metric))
    return tuple(missing)


def _mean(values: Iterable[float]) -> float:
    """The mean, the same whatever the order."""
    listed = list(values)
    return math.fsum(listed) / len(listed)


_XNLI = codes("ar bg de el en es fr hi ru sw th tr ur vi zh")
_UDPOS = codes(
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh",
)
_PANX = codes(
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl tr"
    " ur vi yo zh"
)
_TATOEBA = codes(
    "af ar bg bn de el es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr nl pt ru sw ta te th tl tr ur vi zh"
)
_XQUAD = codes("ar de el en es hi ru th tr vi zh")
_SQUAD = ("exact_match", "f1")
_UDPOS_ALIKE, _PANX_ALIKE = ("udpos-xtreme-r",), ("panx-xtreme-r",)
_XQUAD_ALIKE, _TATOEBA_ALIKE = ("xquad-xtreme-r",), ("tatoeba-r",)
_MLQA = Member("mlqa", "qa", ("mlqa_exact_match", "mlqa_f1"), codes("ar de en es hi vi zh"))
_TYDIQA = Member("tydiqa", "qa", _SQUAD, codes("ar bn en fi id ko ru sw te"), ("tydiqa-held-out",))

XTREME = Suite(
    "xtreme",
    (
        Member("xnli", "classification", ("accuracy",), _XNLI),
        Member("paws-x", "classification", ("accuracy",), codes("de en es fr ja ko zh")),
        Member("udpos", "tagging", ("tag_f1",), _UDPOS, _UDPOS_ALIKE),
        Member("panx", "tagging", ("tag_f1",), _PANX, _PANX_ALIKE),
        Member("xquad", "qa", _SQUAD, _XQUAD, _XQUAD_ALIKE),
        _MLQA,
        _TYDIQA,
        Member("bucc", "retrieval", ("bitext_f1",), codes("de fr ru zh")),
        Member("tatoeba", "retrieval", ("accuracy",), _TATOEBA, _TATOEBA_ALIKE),
    ),
)
XTREME_R = Suite(
    "xtreme-r",
    (
        Member("xnli", "classification", ("accuracy",), _XNLI),
        Member("xcopa", "classification", ("accuracy",), codes("et ht id it qu sw ta th tr vi zh")),
        Member("udpos", "tagging", ("tag_f1",), _UDPOS + codes("lt pl ro uk wo"), _UDPOS_ALIKE),
        Member("panx", "tagging", ("tag_f1",), _PANX + codes("az gu lt pa pl qu ro uk"), _PANX_ALIKE),
        Member("xquad", "qa", _SQUAD, _XQUAD, _XQUAD_ALIKE, further=codes("ro")),
        _MLQA,
        _TYDIQA,
        Member("tatoeba", "retrieval", ("accuracy",), _TATOEBA + codes("az lt pl ro uk"), _TATOEBA_ALIKE),
        Member("mewsli-x", "retrieval", ("map@20",), codes("ar de en es fa ja pl ro ta tr uk")),
        Member("lareqa", "retrieval", ("map@20",), _XQUAD),
    ),
)
SUITES = {one.name: one for one in (XTREME, XTREME_R)}
