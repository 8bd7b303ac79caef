"""Aggregate scores of XTREME and XTREME-R: per benchmark, per task group, and the total.

A benchmark's score is the mean over its languages. For question answering, with exact match and F1, it is the mean of
the two means. A group's score is the unweighted mean over its benchmarks, the total that over all benchmarks. If
scores are missing, there is no aggregate unless a partial mean is requested; that one is marked as partial.

Follows Hu et al. 2020 and Ruder et al. 2021, with the benchmarks and languages of evaluate.py in
google-research/xtreme at 838c13b. Differences between that script and the XTREME-R paper:
  LAReQA    the script lists it without languages or metric, so it can never compute an XTREME-R total; here it
            counts for retrieval and the total, as in the paper
  XQuAD     the script also reads Romanian (12 languages); the score covers the 11 of the paper's table
  PAN-X, Tatoeba  48 and 41 languages as in the script; a later reprint of the paper's table has 47 and 38
The script adds languages in another order, so its last digit may differ (relative 1e-15).
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
    """A benchmark as a member of a suite."""

    benchmark: str
    group: str
    metrics: tuple[str, ...]  # the score is the mean of their means
    languages: tuple[str, ...]
    alike: tuple[str, ...] = ()  # other benchmarks with the same test rows, whose scores may stand in for this one
    further: tuple[str, ...] = ()  # languages whose predictions the public script reads but does not score


@dataclass(frozen=True)
class Suite:
    """A set of benchmarks with one total score."""

    name: str
    members: tuple[Member, ...]

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(member.group for member in self.members))

    def member(self, benchmark: str) -> Member | None:
        """Returns the member that is this benchmark or has the same test rows; None if there is none."""
        return next((one for one in self.members if benchmark in (one.benchmark, *one.alike)), None)


@dataclass(frozen=True)
class Missing:
    """What an aggregate lacks: some languages of a benchmark, or the whole benchmark."""

    benchmark: str
    languages: tuple[str, ...] = ()  # empty: all of them
    metric: str | None = None  # the metric these languages lack; None: they have no score at all

    def __str__(self) -> str:
        if not self.languages:
            return self.benchmark
        return f"{self.benchmark}: {f'{self.metric} of ' if self.metric else ''}{' '.join(self.languages)}"


@dataclass(frozen=True)
class Aggregate:
    """A score aggregated over languages."""

    name: str  # of the benchmark or group, or `total`
    value: float | None  # points; None if scores are missing and no partial mean was requested
    missing: tuple[Missing, ...] = ()

    @property
    def partial(self) -> bool:
        """Whether the value is a mean over only some of the scores."""
        return self.value is not None and bool(self.missing)


def benchmark_score(member: Member, scores: Scores, *, partial: bool = False) -> Aggregate:
    """Returns the score of one benchmark; with `partial`, over the languages that have all its metrics.

    Raises DataError if a value is not finite.
    """
    found = scores.get(member.benchmark, {})
    for language, values in found.items():
        for metric, value in values.items():
            if not math.isfinite(value):
                raise DataError(f"{member.benchmark}/{language}: {metric} is {value}, not a number; score it again")
    complete = [one for one in member.languages if all(metric in found.get(one, {}) for metric in member.metrics)]
    missing = _missing(member, found)
    if not complete or (missing and not partial):
        return Aggregate(member.benchmark, None, missing)
    means = [_mean(found[one][metric] for one in complete) for metric in member.metrics]
    return Aggregate(member.benchmark, _mean(means), missing)


def group_score(suite: Suite, group: str, scores: Scores, *, partial: bool = False) -> Aggregate:
    """Returns the score of one group; raises RequestError if the suite does not have it."""
    if group not in suite.groups:
        raise unknown(f"group of {suite.name}", group, suite.groups)
    return _over(group, [member for member in suite.members if member.group == group], scores, partial)


def total_score(suite: Suite, scores: Scores, *, partial: bool = False) -> Aggregate:
    """Returns the score of the whole suite."""
    return _over(TOTAL, suite.members, scores, partial)


def all_scores(suite: Suite, scores: Scores, *, partial: bool = False) -> dict[str, list[Aggregate]]:
    """Returns every aggregate of a suite under `benchmark`, `group` and `total`, in declared order.

    Ignores scores of benchmarks and languages that are not part of the suite.
    """
    return {
        "benchmark": [benchmark_score(member, scores, partial=partial) for member in suite.members],
        "group": [group_score(suite, group, scores, partial=partial) for group in suite.groups],
        TOTAL: [total_score(suite, scores, partial=partial)],
    }


def suite(name: str) -> Suite:
    """Returns the suite with this name; raises RequestError if there is none."""
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
    """Returns the mean; it does not depend on the order of the values."""
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
