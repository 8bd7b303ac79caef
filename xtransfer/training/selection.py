"""Selects the checkpoint with the best English dev score, as in the papers, and stops early. Reads no other split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds import KINDS
from xtransfer.metrics.metrics import METRICS
from xtransfer.models.model import Model
from xtransfer.models.predict import RowEncoder, predict
from xtransfer.training import state
from xtransfer.training.process_group import SINGLE_PROCESS, ProcessGroup


class BestOnDev:
    """Scores the dev rows every `every` steps and at the end, and keeps a copy of the best weights (the first if tied).

    The copy is kept in memory and in the run's state. With several devices, the first scores for all.
    """

    def __init__(
        self,
        model: Model,
        head: nn.Module,
        tokenizer: PreTrainedTokenizerBase,
        benchmark: Benchmark,
        rows: Sequence[Row],
        max_length: int,
        every: int,
        steps: int,
        device: str,
        patience: int | None = None,
        process_group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        self.model, self.head, self.tokenizer = model, head, tokenizer
        self.benchmark, self.rows, self.max_length = benchmark, rows, max_length
        self.every, self.steps, self.device = every, steps, device
        self.patience, self.process_group = patience, process_group
        self.scores: list[tuple[int, float]] = []  # step, points
        self.best: dict[str, Tensor] = {}

    def after(self, step: int) -> dict[str, float]:
        """Evaluates if it is due after this step; returns the points."""
        if step % self.every and step != self.steps:
            return {}
        value = self.process_group.from_first(self._score)
        if not self.scores or value > max(score for _, score in self.scores):
            self.best = {name: tensor.cpu().clone() for name, tensor in state.trained(self.model).items()}
        self.scores.append((step, value))
        return {f"dev_{self.benchmark.metric}": value}

    @property
    def seen_enough(self) -> bool:
        """Whether the last `patience` evaluations brought no gain."""
        values = [value for _, value in self.scores]
        if self.patience is None or not values:
            return False
        return len(values) - 1 - values.index(max(values)) >= self.patience

    def load(self) -> None:
        """Loads the best weights into the model."""
        if self.best:
            state.restore_trained(self.model, self.best)

    def facts(self) -> dict[str, object]:
        """Returns `dev`: benchmark, metric, best step, its points, all scores; with patience, if it stopped early."""
        step, value = max(self.scores, key=lambda one: one[1], default=(0, None))
        found = {
            "benchmark": self.benchmark.name,
            "metric": self.benchmark.metric,
            "best_step": step,
            "best": value,
            "scores": [list(one) for one in self.scores],
            **({"stopped_early": self.seen_enough} if self.patience is not None else {}),
        }
        return {"dev": found}

    def tensors(self) -> dict[str, Tensor]:
        return self.best

    def values(self) -> state.Values:
        return {"scores": [list(one) for one in self.scores]}

    def restore(self, tensors: Mapping[str, Tensor], values: state.Values) -> None:
        self.best = dict(tensors)
        self.scores = [(step, score) for step, score in values["scores"]]

    def _score(self) -> float:
        kind = KINDS[self.benchmark.kind]
        self.model.eval()
        row_encoder = RowEncoder(self.tokenizer, self.max_length)
        predictions = predict(
            self.model.encoder,
            self.head,
            self.benchmark,
            self.rows,
            row_encoder,
            self.device,
            precision=self.model.precision,
        )
        self.model.train()
        golds = [kind.gold(self.benchmark, row) for row in self.rows]
        return METRICS[self.benchmark.metric].compute(golds, [prediction.value for prediction in predictions])
