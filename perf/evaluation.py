"""Evaluation of 12 languages, in CPU seconds: xtransfer in one pass, against `Trainer.predict` language by language.

The Trainer pads each batch of 8 rows (its default) to the longest; its rows are tokenized beforehand. xtransfer reads
tokens cached on disk, as from the second evaluation on. One thread; 80 rows of XNLI's test split per language, evenly
from the mirror's. Each way has a warm-up turn. The main factor is `scoring.predict.TOKENS_PER_BATCH`.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING, cast

import numpy as np

from perf.inputs import LENGTH, NLI, QUICK, SIZES, Size, evaluation_rows, make_encoder, origin
from perf.measure import SECONDS, Bound, Measure, in_turns, parser, show
from perf.trainer import dataset, predictor
from xtransfer.base.precision import Precision
from xtransfer.benchmarks.spec import Row

if TYPE_CHECKING:
    from transformers import XLMRobertaForSequenceClassification

ROWS = 80  # of each language
LEAST: Mapping[Precision, float] = {"fp32": 1.6, "bf16": 3.0}


def measure(
    size: Size, rows: Mapping[str, Sequence[Row]], rounds: int, folder: Path, goals: bool
) -> list[Measure | Bound]:
    """Rows of the table for one size: fp32 and bf16, and the largest difference of their logits from the Trainer's."""
    theirs = Theirs(folder, rows)
    ours = Ours(folder, rows, theirs.model)
    ways: dict[str, Callable[[], float]] = {"other": theirs.seconds}
    for precision in LEAST:
        ways[precision] = lambda precision=precision: ours.seconds(precision)  # type: ignore[misc]
    seconds = in_turns(ways, rounds)
    found = [
        Measure(f"{size}: {precision}", seconds[precision], seconds["other"], least=least if goals else None)
        for precision, least in LEAST.items()
    ]
    apart = {name: float(np.abs(ours.logits[name] - theirs.logits).max()) for name in LEAST}
    return [
        *found,
        Bound(f"{size}: largest difference of a logit, fp32", apart["fp32"], 1e-6 if goals else None),
        Bound(f"{size}: largest difference of a logit, bf16", apart["bf16"], None),
    ]


class Theirs:
    """One call of the Trainer per language."""

    def __init__(self, folder: Path, rows: Mapping[str, Sequence[Row]]) -> None:
        with TemporaryDirectory() as out:
            self.trainer = predictor(folder, out)
        self.model = cast("XLMRobertaForSequenceClassification", self.trainer.model)
        self.data = [dataset(folder, own) for own in rows.values()]

    def seconds(self) -> float:
        started = process_time()
        found = [self.trainer.predict(own).predictions for own in self.data]
        taken = process_time() - started
        self.logits = np.concatenate(found)
        return taken


class Ours:
    """All languages in one pass, with the weights of the Trainer's model."""

    def __init__(
        self, folder: Path, rows: Mapping[str, Sequence[Row]], model: XLMRobertaForSequenceClassification
    ) -> None:
        from xtransfer.kinds import KINDS
        from xtransfer.models import checkpoints
        from xtransfer.models.predict import RowEncoder

        self.rows, self.encoder = rows, model.roberta
        self.reader = RowEncoder(checkpoints.load(folder).tokenizer, LENGTH)
        make = KINDS["pair"].head
        assert make is not None
        self.head = make(model.config.hidden_size, NLI, 0.0)
        self.head.load_state_dict(model.classifier.state_dict())
        self.logits: dict[Precision, np.ndarray] = {}

    def seconds(self, precision: Precision) -> float:
        from xtransfer.models.predict import predict_languages

        started = process_time()
        found = predict_languages(self.encoder, self.head, NLI, self.rows, self.reader, precision=precision)
        taken = process_time() - started
        self.logits[precision] = np.array([one.scores for own in found.values() for one in own], np.float32)
        return taken


def _main() -> None:
    options = parser(__doc__ or "", markdown=True)
    options.add_argument("--rounds", type=int, default=5, help="timed rounds of each way (default: 5)")
    asked: Namespace = options.parse_args()
    import torch

    torch.set_num_threads(1)
    rows = evaluation_rows(20 if asked.quick else ROWS)
    found: list[Measure | Bound] = []
    for size in (QUICK,) if asked.quick else SIZES:
        with TemporaryDirectory() as name:
            folder = make_encoder(size, evaluation_rows(50 if asked.quick else 1000), Path(name))
            found += measure(size, rows, 1 if asked.quick else asked.rounds, folder, goals=not asked.quick)
    show(found, asked, "Evaluation of 12 languages: CPU seconds", f"{SECONDS} {origin()}", mark="evaluation")


if __name__ == "__main__":
    _main()
