"""lab-statements: does one statement about a subject entail or contradict another, or neither?

Unlike the binding in lab-nli, this can be decided from one vector per sentence. A block has the four premises "A is
(not) x" and "A is (not) y", and the same four as hypotheses. Every premise and every hypothesis occurs exactly once
with each label, so neither alone is informative. In half of the blocks, hypotheses name the subject by its hypernym.
"""

from __future__ import annotations

import functools
import random

from xtransfer.lab.inference import CONTRADICTION, ENTAILMENT, NEUTRAL, Block, Pair
from xtransfer.lab.meaning import Is, Text
from xtransfer.lab.nouns import SUBJECTS, hypernym_of
from xtransfer.lab.states import DIMENSIONS

NUM_BLOCKS = {"test": 40, "dev": 40, "train": 300}


@functools.lru_cache(maxsize=1)
def blocks() -> dict[str, list[Block]]:
    """Returns every block by split. No pair occurs in two blocks; evaluation splits are drawn first."""
    rng = random.Random("lab-statements")  # noqa: S311
    seen: set[tuple[Text, Text]] = set()
    drawn: dict[str, list[Block]] = {}
    for split, num_blocks in NUM_BLOCKS.items():
        drawn[split] = []
        while len(drawn[split]) < num_blocks:
            block = _block(rng)
            pairs = {(pair.first, pair.second) for pair in block}
            if pairs.isdisjoint(seen):
                seen |= pairs
                drawn[split].append(block)
    return drawn


def _block(rng: random.Random) -> Block:
    subject = rng.choice(SUBJECTS)
    x, y = (rng.choice(DIMENSIONS[name]) for name in rng.sample(sorted(DIMENSIONS), 2))
    asked = hypernym_of(subject) if rng.random() < 0.5 else subject
    crossed = rng.random() < 0.5  # whether a neutral hypothesis has the polarity of the premise
    return [
        Pair(Text(Is(subject, state, positive)), Text(Is(asked, stated, truth)), label)
        for state, unrelated in ((x, y), (y, x))
        for positive in (True, False)
        for stated, truth, label in (
            (state, positive, ENTAILMENT),
            (state, not positive, CONTRADICTION),
            (unrelated, positive == crossed, NEUTRAL),
        )
    ]
