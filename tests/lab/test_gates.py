"""Gates: no shortcut tells the labels of the laboratory's benchmarks, in any language."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from itertools import groupby
from typing import Any

import pytest

from xtransfer import lab

Row = dict[str, Any]
Feature = Callable[[Row], Hashable]
PAIRS = ("lab-nli", "lab-inference")


def words(sentence: str) -> Counter[str]:
    return Counter(sentence.lower().replace(".", " ").replace(",", " ").split())


def overlap(row: Row) -> tuple[int, int]:
    """How many words of the hypothesis the premise lacks, and the other way round."""
    first, second = set(words(row["first"])), set(words(row["second"]))
    return len(second - first), len(first - second)


def lookup_accuracy(feature: Feature, fitted_on: list[Row], tested_on: list[Row]) -> float:
    """Accuracy of answering with the label that was the commonest for a row's feature."""
    labels: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for row in fitted_on:
        labels[feature(row)][row["label"]] += 1
    guesses = {value: counts.most_common(1)[0][0] for value, counts in labels.items()}
    return sum(guesses.get(feature(row), 0) == row["label"] for row in tested_on) / len(tested_on)


def blocks(rows: Iterable[Row]) -> list[list[Row]]:
    return [list(block) for _, block in groupby(rows, key=lambda row: row["group"])]


@pytest.mark.parametrize("language", lab.LANGUAGES)
@pytest.mark.parametrize("benchmark", PAIRS)
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_each_sentence_of_a_block_occurs_once_under_each_label(benchmark: str, language: str, split: str) -> None:
    for block in blocks(lab.rows(benchmark, language, split)):
        assert Counter(row["label"] for row in block) == {0: 4, 1: 4, 2: 4}
        for side in ("first", "second"):
            labels = defaultdict(list)
            for row in block:
                labels[row[side]].append(row["label"])
            assert all(sorted(found) == [0, 1, 2] for found in labels.values())


@pytest.mark.parametrize("language", lab.LANGUAGES)
@pytest.mark.parametrize("benchmark", PAIRS)
def test_one_sentence_alone_is_at_chance_even_for_a_lookup_fitted_on_test(benchmark: str, language: str) -> None:
    rows = lab.rows(benchmark, language, "test")
    for block in blocks(rows):
        assert lookup_accuracy(lambda row: row["first"], block, block) == pytest.approx(1 / 3)
        assert lookup_accuracy(lambda row: row["second"], block, block) == pytest.approx(1 / 3)


@pytest.mark.parametrize("language", lab.LANGUAGES)
@pytest.mark.parametrize(("benchmark", "most"), [("lab-nli", 0.40), ("lab-inference", 1 / 3)])
def test_word_overlap_does_not_tell_the_label(benchmark: str, most: float, language: str) -> None:
    train, test = (lab.rows(benchmark, language, split) for split in ("train", "test"))
    assert lookup_accuracy(overlap, train, test) <= most + 1e-9
    assert lookup_accuracy(overlap, test, test) <= most + 1e-9


@pytest.mark.parametrize("language", lab.LANGUAGES)
def test_the_premises_of_a_target_block_are_one_bag_of_words(language: str) -> None:
    """So that no classifier on bags of words, whatever its features, is above chance."""
    for block in blocks(lab.rows("lab-inference", language, "test")):
        assert len({frozenset(words(row["first"]).items()) for row in block}) == 1
        assert len({row["first"] for row in block}) == 4


@pytest.mark.parametrize("language", lab.LANGUAGES)
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_each_choice_of_a_group_is_right_once_and_wrong_once(language: str, split: str) -> None:
    for group in blocks(lab.rows("lab-copa", language, split)):
        right = Counter(row["choices"][row["label"]] for row in group)
        wrong = Counter(row["choices"][1 - row["label"]] for row in group)
        assert right == wrong
        assert set(right.values()) == {1}
        assert Counter(row["label"] for row in group) == {0: 2, 1: 2}


@pytest.mark.parametrize("language", lab.LANGUAGES)
def test_word_overlap_does_not_tell_the_choice(language: str) -> None:
    """The alternative that shares more words with the context is no more often the right one."""
    right = 0.0
    rows = lab.rows("lab-copa", language, "test")
    for row in rows:
        context = set(words(row["context"]))
        shared = [len(set(words(alternative)) & context) for alternative in row["choices"]]
        best = [index for index in (0, 1) if shared[index] == max(shared)]
        right += (row["label"] in best) / len(best)
    assert right / len(rows) == pytest.approx(0.5, abs=0.02)
