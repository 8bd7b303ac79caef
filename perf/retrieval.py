"""Tatoeba's search: the translation of every English sentence, in 36 languages of 1,000 pairs.

Ours is the kind `bitext` on given vectors; the alternative is that of scripts without faiss: a full product in numpy
and its argmax. Both use the same random vectors of length 1.
"""

from __future__ import annotations

from time import perf_counter

import numpy as np
import torch

from perf.measure import Measure, paired, parser, show
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds import bitext

LANGUAGES, PAIRS, WIDTH = 36, 1000, 768
GOAL = 5.0  # seconds on two cores, for all languages


def measure(quick: bool) -> list[Measure]:
    """One measure; quick: a tenth of the sentences and no goal."""
    pairs = PAIRS // 10 if quick else PAIRS
    draw = torch.Generator().manual_seed(0)
    made = torch.randn(LANGUAGES, pairs, 2, WIDTH, generator=draw)
    vectors = torch.nn.functional.normalize(made, dim=-1)
    names = [str(number) for number in range(LANGUAGES)]
    rows: dict[str, list[Row]] = {name: [{"id": str(number)} for number in range(pairs)] for name in names}
    ours_reads = {name: list(own) for name, own in zip(names, vectors, strict=True)}

    def ours() -> float:
        start = perf_counter()
        bitext.find(ours_reads, rows, None)
        return perf_counter() - start

    def other() -> float:
        start = perf_counter()
        for own in vectors.numpy():
            np.argmax(own[:, 0] @ own[:, 1].T, axis=1)
        return perf_counter() - start

    found = paired({"36 languages": (ours, other)}, pairs=1 if quick else 5)
    return [Measure(name, *seconds, under=None if quick else GOAL) for name, seconds in found.items()]


if __name__ == "__main__":
    options = parser(__doc__ or "").parse_args()
    show(measure(options.quick), options, "Tatoeba: nearest neighbours")
