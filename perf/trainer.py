"""The alternative for users: the Trainer of transformers, on the same encoder and rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from perf.inputs import LENGTH
from perf.measure import clock
from xtransfer.benchmarks.spec import Row

if TYPE_CHECKING:
    import torch
    from datasets import Dataset
    from torch.utils.data import Dataset as TorchDataset
    from transformers import Trainer, TrainerState

Settings = Mapping[str, Any]  # arguments of TrainingArguments, each with its own type
DYNAMIC: Settings = {}  # random batches, padded to their longest row
GROUPED: Settings = {"train_sampling_strategy": "group_by_length"}
BEST: Settings = {**GROUPED, "bf16": True}  # on a device that is faster in bf16
BATCH = 32
WARM = 2  # steps before the clock starts
_GROUP = 50  # batches that the Trainer sorts by length together, if there are enough


def dataset(folder: Path, rows: Sequence[Row]) -> Dataset:
    """The rows' tokens, with lengths for grouping."""
    import datasets
    from transformers import AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(
        [row["first"] for row in rows], [row["second"] for row in rows], truncation=True, max_length=LENGTH
    )
    ids = tokens["input_ids"]
    columns = {"input_ids": ids, "attention_mask": tokens["attention_mask"], "length": list(map(len, ids))}
    return datasets.Dataset.from_dict({**columns, "labels": [row["label"] for row in rows]})


def seconds_per_token(
    folder: Path, data: Dataset, steps: int, settings: Settings, batch: int = BATCH, device: str = "cpu"
) -> tuple[float, float]:
    """Seconds of training per real token, and per row, over `steps` steps after `WARM` others.

    The steps are spread evenly over the first group that the Trainer sorts, for a fair mix of short and long rows.
    """
    from transformers import PrinterCallback, Trainer, TrainerCallback

    now = clock(device)

    class Counting(Trainer):
        tokens = 0

        def _get_train_sampler(self, train_dataset: TorchDataset[Any] | None = None) -> Any:  # any iterable will do
            order = list(super()._get_train_sampler(train_dataset) or ())
            batches = [order[start : start + batch] for start in range(0, len(order) - batch + 1, batch)][:_GROUP]
            chosen = [batches[(2 * number + 1) * len(batches) // (2 * steps)] for number in range(steps)]
            return [row for own in [*chosen[:1] * WARM, *chosen] for row in own]

        def training_step(
            self,
            model: torch.nn.Module,
            inputs: dict[str, torch.Tensor],
            num_items_in_batch: torch.Tensor | int | None = None,
        ) -> torch.Tensor:
            if self.state.global_step >= WARM:
                self.tokens += int(inputs["attention_mask"].sum())
            return super().training_step(model, inputs, num_items_in_batch)

    class Clock(TrainerCallback):
        seconds = 0.0

        def on_step_end(self, args: object, state: TrainerState, control: object, **options: object) -> None:
            if state.global_step in (WARM, WARM + steps):
                self.seconds = now() - self.seconds

    timed = Clock()
    with TemporaryDirectory() as out:
        more = {"max_steps": WARM + steps, "per_device_train_batch_size": batch, **settings}
        trainer = Counting(**_arguments(folder, out, 3, device, **more), train_dataset=data)
        trainer.add_callback(timed)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return timed.seconds / trainer.tokens, timed.seconds / (steps * batch)


def dev_logits(
    folder: Path, train: Dataset, dev: Dataset, labels: int, steps: int, rate: float, seed: int
) -> np.ndarray:
    """Logits [rows, labels] of `dev` after training with dynamic padding."""
    from transformers import PrinterCallback, Trainer

    with TemporaryDirectory() as out:
        more = {"max_steps": steps, "learning_rate": rate, "seed": seed, **DYNAMIC}
        trainer = Trainer(**_arguments(folder, out, labels, **more), train_dataset=train)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
        return np.asarray(trainer.predict(dev).predictions)


def predictor(folder: Path, out: str) -> Trainer:
    """A Trainer for prediction, with its default batch size."""
    from transformers import Trainer

    return Trainer(**_arguments(folder, out, 3))


def _arguments(
    folder: Path, out: str, labels: int, device: str = "cpu", **settings: Any
) -> dict[str, Any]:  # of TrainingArguments and of Trainer: each value has its own type
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainingArguments, set_seed

    from xtransfer.models.pretrained import quiet

    set_seed(settings.get("seed", 0))  # the head is initialized when the model is loaded
    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=labels)
    values = {"per_device_train_batch_size": BATCH, "learning_rate": 2e-5, **settings}
    arguments = TrainingArguments(
        output_dir=out,
        optim="adamw_torch_fused",
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=device == "cpu",
        **values,
    )
    arguments._n_gpu = min(1, arguments.n_gpu)  # as ours: several would share each batch, by threads
    return {"model": model, "args": arguments, "processing_class": AutoTokenizer.from_pretrained(folder)}
