"""Inference rows in matched blocks, so that no shortcut reveals the label.

A binding block asks about one subject in the presence of another. Its four premises are
    "A is x and B is not y"   "A is not x and B is y"   "A is y and B is not x"   "A is not y and B is x"
(clauses in either order), and its four hypotheses are "A is (not) x" and "A is (not) y". This gives 4 entailments, 4
contradictions, and 4 neutral pairs whose hypothesis has the other property. By construction
  * every premise and every hypothesis occurs exactly once with each label, so neither alone is informative;
  * the four premises are the same bag of words, so neither counts of shared words nor a bag-of-words classifier can
    tell the labels apart; only the binding of states to subjects does.
McCoy et al. 2019 (HANS) show what models learn from overlap when they can; on a first version of this data, a lookup of
two overlap counts reached .63.

In some blocks, all hypotheses name the subject by its hypernym ("the animal" for "the dog"). A law block goes from an
event to the state it causes ("the cook ran", "the cook is tired"): whatever the label, a pair shares only its subject.
Blocks with the opposite state in the hypothesis ("not poor" for "rich") did not work: two layers do not learn them
(.39 in the training language, where the other blocks reach .95), and they slow the rest down.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xtransfer.lab.events import CAUSES, LAW_STATES
from xtransfer.lab.meaning import Did, Is, Text
from xtransfer.lab.nouns import NOUNS, SUBJECTS, hypernym_of, peers
from xtransfer.lab.states import ANTONYM, DIMENSION_OF, DIMENSIONS

ENTAILMENT, NEUTRAL, CONTRADICTION = 0, 1, 2


@dataclass(frozen=True)
class Pair:
    """A premise, a hypothesis and their relation, independent of language."""

    first: Text
    second: Text
    label: int


Block = list[Pair]


@dataclass(frozen=True)
class Mixture:
    """Settings for drawing the blocks of one benchmark."""

    subjects: tuple[str, ...]
    dimensions: tuple[str, ...]
    links: tuple[str, ...]
    law_share: float  # share of blocks
    wider_share: float  # share of binding blocks, among those with an unambiguous hypernym
    num_blocks: dict[str, int]


# lab-inference has subjects and dimensions that lab-nli lacks, and vice versa: what its test needs must come from
# unlabelled text or be transferred by the task itself.
_ONLY_TARGET = ("judge", "guest", "aunt", "witch", "elephant", "goat")
_ONLY_INTERMEDIATE = ("doctor", "soldier", "baker", "driver", "mother", "queen", "lion", "horse")
MIXTURES = {
    "lab-inference": Mixture(
        subjects=tuple(name for name in SUBJECTS if name not in _ONLY_INTERMEDIATE),
        dimensions=tuple(name for name in DIMENSIONS if name not in ("energy", "appetite", "mood", "age", "weight")),
        links=("and", "but"),
        law_share=0.0,
        wider_share=0.5,
        num_blocks={"test": 60, "dev": 40, "train": 12},
    ),
    "lab-nli": Mixture(
        subjects=tuple(name for name in SUBJECTS if name not in _ONLY_TARGET),
        dimensions=tuple(name for name in DIMENSIONS if name not in ("manners", "pride", "courage", "wit")),
        links=("and", "."),
        law_share=0.15,
        wider_share=0.5,
        num_blocks={"test": 40, "dev": 40, "train": 400},
    ),
}


@functools.lru_cache(maxsize=1)
def blocks() -> dict[tuple[str, str], list[Block]]:
    """Returns every block by (benchmark, split). No pair occurs twice; evaluation splits are drawn first."""
    seen: set[tuple[Text, Text]] = set()
    drawn: dict[tuple[str, str], list[Block]] = {}
    for benchmark, mixture in MIXTURES.items():
        for split, num_blocks in mixture.num_blocks.items():
            rng = random.Random(f"{benchmark}/{split}")  # noqa: S311
            drawn[benchmark, split] = list(_take_new(_candidates(mixture, rng), num_blocks, seen))
    return drawn


def _take_new(candidates: Iterator[Block], num_blocks: int, seen: set[tuple[Text, Text]]) -> Iterable[Block]:
    taken = 0
    while taken < num_blocks:
        block = next(candidates)
        pairs = {(pair.first, pair.second) for pair in block}
        if pairs.isdisjoint(seen):
            seen |= pairs
            taken += 1
            yield block


def _candidates(mixture: Mixture, rng: random.Random) -> Iterator[Block]:
    while True:
        if rng.random() < mixture.law_share:
            yield law_block(rng.choice(mixture.subjects), rng)
        else:
            yield _draw_binding(mixture, rng)


def _draw_binding(mixture: Mixture, rng: random.Random) -> Block:
    subject = rng.choice(mixture.subjects)
    other = rng.choice([name for name in peers(subject) if name in mixture.subjects])
    states = [rng.choice(DIMENSIONS[name]) for name in rng.sample(mixture.dimensions, 2)]
    unambiguous = NOUNS[subject].hypernym != NOUNS[other].hypernym
    wider = unambiguous and rng.random() < mixture.wider_share
    asked = hypernym_of(subject) if wider else subject
    return binding_block(subject, other, asked, (states[0], states[1]), rng.choice(mixture.links), rng)


def binding_block(
    subject: str,
    other: str,
    asked: str,
    states: tuple[str, str],
    link: str,
    rng: random.Random,
) -> Block:
    """Returns 12 pairs about `subject`, called `asked` in the hypotheses; see the module's docstring."""
    x, y = states
    premises: dict[tuple[str, bool], Text] = {}
    for state, positive in ((x, True), (x, False), (y, True), (y, False)):
        clauses = [Is(subject, state, positive), Is(other, y if state == x else x, not positive)]
        rng.shuffle(clauses)
        premises[state, positive] = Text(clauses[0], clauses[1], link)
    crossed = rng.random() < 0.5  # whether a neutral hypothesis has the polarity of A's own state
    pairs = []
    for (state, positive), premise in premises.items():
        unrelated = y if state == x else x
        for stated, truth, label in (
            (state, positive, ENTAILMENT),
            (state, not positive, CONTRADICTION),
            (unrelated, positive != crossed, NEUTRAL),
        ):
            pairs.append(Pair(premise, Text(Is(asked, stated, truth)), label))
    return pairs


def law_block(subject: str, rng: random.Random) -> Block:
    """Returns 12 pairs: one event for each of the four states of two dimensions, paired with those states."""
    one, two = rng.sample(sorted({DIMENSION_OF[state] for state in LAW_STATES}), 2)
    swap = rng.random() < 0.5
    pairs = []
    for dimension, unrelated in ((one, two), (two, one)):
        for position, state in enumerate(DIMENSIONS[dimension]):
            premise = Text(Did(subject, rng.choice(CAUSES[state])))
            neutral = DIMENSIONS[unrelated][position ^ swap]
            for stated, label in ((state, ENTAILMENT), (ANTONYM[state], CONTRADICTION), (neutral, NEUTRAL)):
                pairs.append(Pair(premise, Text(Is(subject, stated)), label))
    return pairs
