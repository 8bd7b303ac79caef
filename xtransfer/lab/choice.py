"""lab-copa: which of two alternatives is the effect or the cause of a sentence. After COPA (Roemmele et al. 2011).

Two laws, c1 -> e1 and c2 -> e2, make a group of four items about one subject: c1 and c2 each with the choices {e1,
e2}, e1 and e2 each with {c1, c2}. Every choice is correct once and wrong once, so the choices alone are uninformative.
All sentences of an item share their subject, so overlap is uninformative, too. Each split has its own laws: of the
three events that cause a state, training uses the first, dev the second and test the third. The laws of test occur
only in unlabelled text.
"""

from __future__ import annotations

import functools
import itertools
import random
from dataclasses import dataclass

from xtransfer.lab.events import CAUSES, CHOICE_STATES
from xtransfer.lab.meaning import Did, Is, Text
from xtransfer.lab.nouns import SUBJECTS

LAW_OF_SPLIT = {"train": 0, "dev": 1, "test": 2}  # index of the state's event
NUM_GROUPS = {"train": 20, "dev": 60, "test": 60}
# These subjects never occur with these laws in unlabelled text, so no item can be looked up there.
EVALUATION_SUBJECTS = ("teacher", "student", "neighbour", "woman", "nurse", "girl")


@dataclass(frozen=True)
class Choice:
    """One item, independent of language; `label` is the index of the correct alternative."""

    context: Text
    question: str  # "cause" or "effect"
    choices: tuple[Text, Text]
    label: int


@functools.lru_cache(maxsize=3)
def groups(split: str) -> list[list[Choice]]:
    """Returns the groups of four items of a split."""
    rng = random.Random(f"lab-copa/{split}")  # noqa: S311
    subjects = [name for name in SUBJECTS if (name in EVALUATION_SUBJECTS) == (split != "train")]
    pairs = list(itertools.combinations(CHOICE_STATES, 2))
    everything = [(subject, pair) for subject in subjects for pair in pairs]
    return [_group(subject, pair, split, rng) for subject, pair in rng.sample(everything, NUM_GROUPS[split])]


def _group(subject: str, states: tuple[str, str], split: str, rng: random.Random) -> list[Choice]:
    effects = [Text(Is(subject, state)) for state in states]
    causes = [Text(Did(subject, CAUSES[state][LAW_OF_SPLIT[split]])) for state in states]
    items = []
    for question, contexts, answers in (("effect", causes, effects), ("cause", effects, causes)):
        flipped = rng.random() < 0.5  # each position is correct once in the two items of a question
        choices = (answers[flipped], answers[not flipped])
        for index, context in enumerate(contexts):
            items.append(Choice(context, question, choices, index ^ flipped))
    return items
