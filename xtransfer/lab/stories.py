"""Stories of three sentences about one subject: what it did, the state this causes, and a paraphrase of that state.

They train a model to pick adjacent sentences (lab-stories) and responses (lab-responses). No story states a law for a
subject that lab-copa evaluates, or one that a dev or test row of lab-nli evaluates.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass

from xtransfer.lab.adverbials import PLACES, TIMES
from xtransfer.lab.events import EFFECT
from xtransfer.lab.meaning import Did, Is, Text
from xtransfer.lab.nouns import SUBJECTS, hypernym_of
from xtransfer.lab.states import ANTONYM
from xtransfer.lab.text import is_evaluated

NUM_STORIES = 2000


@dataclass(frozen=True)
class Story:
    """Three texts of one clause each."""

    before: Text
    text: Text
    after: Text


@functools.lru_cache(maxsize=1)
def stories() -> list[Story]:
    """Returns distinct stories in a fixed order."""
    rng = random.Random("lab-stories")  # noqa: S311
    told: dict[Story, None] = {}
    while len(told) < NUM_STORIES:
        subject, event = rng.choice(SUBJECTS), rng.choice(sorted(EFFECT))
        if is_evaluated(Text(Did(subject, event), Is(subject, EFFECT[event]), ".")):
            continue
        told[_story(subject, event, rng)] = None
    return list(told)


def _story(subject: str, event: str, rng: random.Random) -> Story:
    state = EFFECT[event]
    before = Did(subject, event, rng.choice([None, *PLACES]), rng.choice([None, *TIMES]))
    opposite = Is(subject, ANTONYM[state], positive=False)
    after = opposite if rng.random() < 0.5 else Is(hypernym_of(subject), state)
    return Story(Text(before), Text(Is(subject, state)), Text(after))
