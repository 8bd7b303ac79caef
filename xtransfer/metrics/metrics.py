"""The metrics, by name. All are in points, 0-100; correlations from -100 to 100."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from xtransfer.base.errors import DataError, unknown
from xtransfer.metrics import mlqa, squad
from xtransfer.metrics.correlation import pearson, spearman
from xtransfer.metrics.mean_ap import average_precision, mean_average_precision
from xtransfer.metrics.mining_f1 import pair_f1
from xtransfer.metrics.precision_at import found_within
from xtransfer.metrics.tag_f1 import chunk_f1, tag_accuracy

Shape = Literal[
    "texts", "numbers", "tags", "sets", "rankings", "answers"
]  # of a prediction and its gold; see Metric.shape
Item: TypeAlias = Any  # a gold or a prediction, in the form that the shape names


@dataclass(frozen=True)
class Metric:
    """A metric: one number for a list of items, and one per item if that is meaningful."""

    name: str
    definition: str
    measure: Callable[[Sequence[Item], Sequence[Item], str], float]  # golds, predictions, language → points
    per_item: Callable[[Item, Item, str], float | None] | None = None
    # gold, prediction, language → points of one item or None; None if single items have no score
    maximum: float = 100.0
    minimum: float = 0.0
    shape: Shape = "texts"
    # texts: one text (or label id) each; numbers: one float each; answers: one text, and a list of acceptable texts;
    # a list of texts each: tags (one per word), sets (ids), rankings (ids, the best first)
    no_answer: bool = True  # whether it can score an item without an acceptable answer
    languages: tuple[str, ...] | None = None  # the languages that it has rules for; None: any

    def compute(self, golds: Sequence[Item], predictions: Sequence[Item], language: str = "en") -> float:
        """Returns points; raises DataError if there are no items or the numbers of golds and predictions differ.

        `language` is the language of the texts, for metrics that normalise by language.
        """
        if len(golds) != len(predictions):
            raise DataError(f"{self.name}: {len(predictions)} predictions for {len(golds)} golds; give one for each")
        if not golds:
            raise DataError(f"{self.name}: no items to score; the split is empty")
        return self.measure(golds, predictions, language)


def _accuracy(golds: Sequence[object], predictions: Sequence[object], language: str) -> float:
    right = sum(str(gold) == str(prediction) for gold, prediction in zip(golds, predictions, strict=True))
    return right / len(golds) * 100  # in this order, like the XTREME script: the last bit differs otherwise


def _of_answers(name: str, item: squad.Item, definition: str, languages: tuple[str, ...] | None = None) -> Metric:
    """Returns a metric that averages an item's score from 0 to 1."""
    return Metric(
        name=name,
        definition=definition,
        measure=squad.mean(item),
        per_item=lambda gold, prediction, language: 100.0 * item(gold, prediction, language),
        shape="answers",
        no_answer=False,
        languages=languages,
    )


def _precision_at(k: int) -> Metric:
    """Returns a metric: the share of items whose correct candidate is among the first k."""

    def measure(golds: Sequence[list[str]], predictions: Sequence[list[str]], language: str) -> float:
        return sum(found_within(k, *one) for one in zip(golds, predictions, strict=True)) / len(golds)

    return Metric(
        name=f"p@{k}",
        definition=f"share of items with the correct one among the first {k} (Chidambaram et al. 2018, 999 others)",
        measure=measure,
        per_item=lambda gold, prediction, language: found_within(k, gold, prediction),
        shape="rankings",
    )


ACCURACY = Metric(
    name="accuracy",
    definition="share of items whose prediction equals the gold answer as text (XTREME's accuracy)",
    measure=_accuracy,
    per_item=lambda gold, prediction, language: 100.0 * (str(gold) == str(prediction)),
)

TAG_F1 = Metric(
    name="tag_f1",
    definition="F1 of tag chunks over all sentences (seqeval, as XTREME uses it for UD-POS and PAN-X)",
    measure=lambda golds, predictions, language: chunk_f1(golds, predictions).f1,
    shape="tags",
)
TAG_PRECISION = replace(
    TAG_F1,
    name="tag_precision",
    definition="share of predicted tag chunks that are correct (seqeval)",
    measure=lambda golds, predictions, language: chunk_f1(golds, predictions).precision,
)
TAG_RECALL = replace(
    TAG_F1,
    name="tag_recall",
    definition="share of gold tag chunks that are predicted (seqeval)",
    measure=lambda golds, predictions, language: chunk_f1(golds, predictions).recall,
)
TAG_ACCURACY = replace(
    TAG_F1,
    name="tag_accuracy",
    definition="share of words with the correct tag",
    measure=lambda golds, predictions, language: tag_accuracy(golds, predictions),
)

F1 = _of_answers("f1", squad.f1, "F1 of the words of an answer (SQuAD 1.1's scorer, English rules for all languages)")
EXACT_MATCH = _of_answers("exact_match", squad.exact_match, "share of correct answers (SQuAD 1.1's scorer)")
MLQA_F1 = _of_answers(
    "mlqa_f1", mlqa.f1, "F1 of the words of an answer (MLQA's scorer, rules by language)", mlqa.LANGUAGES
)
MLQA_EXACT_MATCH = _of_answers(
    "mlqa_exact_match", mlqa.exact_match, "share of correct answers (MLQA's scorer)", mlqa.LANGUAGES
)
SQUAD2_F1 = replace(
    _of_answers("squad2_f1", squad.f1_2, "F1 of the words of an answer, which may be empty (SQuAD 2.0's scorer)"),
    measure=squad.mean_2(squad.f1_2),
    no_answer=True,
)
SQUAD2_EXACT_MATCH = replace(
    _of_answers(
        "squad2_exact_match",
        squad.exact_match_2,
        "share of correct answers, which may be empty (SQuAD 2.0's scorer)",
    ),
    measure=squad.mean_2(squad.exact_match_2),
    no_answer=True,
)

BITEXT_F1 = Metric(
    name="bitext_f1",
    definition="F1 of mined sentence pairs, compared as sets (XTREME's score for BUCC)",
    measure=lambda golds, predictions, language: pair_f1(golds, predictions).f1,
    shape="sets",
)
BITEXT_PRECISION = replace(
    BITEXT_F1,
    name="bitext_precision",
    definition="share of mined pairs that are translations",
    measure=lambda golds, predictions, language: pair_f1(golds, predictions).precision,
)
BITEXT_RECALL = replace(
    BITEXT_F1,
    name="bitext_recall",
    definition="share of translations that were mined",
    measure=lambda golds, predictions, language: pair_f1(golds, predictions).recall,
)
MAP_AT_20 = Metric(
    name="map@20",
    definition="mean average precision at 20 (LAReQA; with one correct candidate the reciprocal rank: Mewsli-X)",
    measure=lambda golds, predictions, language: mean_average_precision(golds, predictions),
    per_item=lambda gold, prediction, language: 100 * average_precision(gold, prediction),
    shape="rankings",
)

P_AT_1, P_AT_3, P_AT_10 = map(_precision_at, (1, 3, 10))

SPEARMAN = Metric(
    name="spearman",
    definition="Spearman's rank correlation of scores, times 100 (scipy)",
    measure=spearman,
    minimum=-100.0,
    shape="numbers",
)
PEARSON = replace(
    SPEARMAN, name="pearson", definition="Pearson's correlation of scores, times 100 (scipy)", measure=pearson
)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        ACCURACY,
        BITEXT_F1,
        BITEXT_PRECISION,
        BITEXT_RECALL,
        MAP_AT_20,
        P_AT_1,
        P_AT_3,
        P_AT_10,
        TAG_F1,
        TAG_PRECISION,
        TAG_RECALL,
        TAG_ACCURACY,
        F1,
        EXACT_MATCH,
        SQUAD2_F1,
        SQUAD2_EXACT_MATCH,
        MLQA_F1,
        MLQA_EXACT_MATCH,
        SPEARMAN,
        PEARSON,
    )
}


def get(name: str) -> Metric:
    """Returns the metric with this name; raises RequestError if there is none."""
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    return METRICS[name]
