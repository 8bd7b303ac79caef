"""lab-retrieval: find the English translation of a sentence among all others (like Tatoeba)."""

from __future__ import annotations

import functools
import random

from xtransfer.lab.adverbials import PLACES, TIMES
from xtransfer.lab.events import EVENTS
from xtransfer.lab.meaning import Did, Text
from xtransfer.lab.nouns import SUBJECTS, peers

NUM_ROWS = {"test": 400, "dev": 200}


@functools.lru_cache(maxsize=1)
def sentences() -> dict[str, list[Text]]:
    """Returns distinct meanings by split: two clauses about who did what, when and where."""
    rng = random.Random("lab-retrieval")  # noqa: S311
    seen: dict[Text, None] = {}
    while len(seen) < sum(NUM_ROWS.values()):
        subject = rng.choice(SUBJECTS)
        first = Did(subject, rng.choice(list(EVENTS)), rng.choice([None, *PLACES]), rng.choice([None, *TIMES]))
        second = Did(rng.choice(peers(subject)), rng.choice(list(EVENTS)))
        seen[Text(first, second, rng.choice(("and", "but")))] = None
    meanings = list(seen)
    return {"test": meanings[: NUM_ROWS["test"]], "dev": meanings[NUM_ROWS["test"] :]}
