"""What a user would otherwise run: the Trainer of transformers, on the same encoder and rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from perf.encoders import LENGTH
from xtransfer.benchmarks.spec import Row

DYNAMIC: Mapping[str, Any] = {}  # random batches, padded to the longest of each
BEST: Mapping[str, Any] = {"train_sampling_strategy": "group_by_length", "bf16": True}
BATCH = 32


def dataset(folder: Path, rows: Sequence[Row]) -> Any:
    """The rows' tokens, with the lengths that grouping reads."""
    import datasets
    from transformers import AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(
        [row["first"] for row in rows], [row["second"] for row in rows], truncation=True, max_length=LENGTH
    )
    ids = tokens["input_ids"]
    columns = {"input_ids": ids, "attention_mask": tokens["attention_mask"], "length": list(map(len, ids))}
    return datasets.Dataset.from_dict({**columns, "labels": [row["label"] for row in rows]})


def seconds_per_token(folder: Path, data: Any, steps: int, settings: Mapping[str, Any]) -> float:
    """CPU seconds of training on a token that is no padding, over so many steps of 32 rows."""
    from transformers import PrinterCallback, Trainer, TrainerCallback

    class Counting(Trainer):
        tokens = 0

        def training_step(self, model: Any, inputs: dict[str, Any], *rest: Any) -> Any:
            self.tokens += int(inputs["attention_mask"].sum())
            return super().training_step(model, inputs, *rest)

    class Clock(TrainerCallback):
        seconds = 0.0

        def on_train_begin(self, *arguments: Any, **options: Any) -> None:
            self.seconds -= process_time()

        def on_train_end(self, *arguments: Any, **options: Any) -> None:
            self.seconds += process_time()

    clock = Clock()
    with TemporaryDirectory() as out:
        trainer = Counting(**_arguments(folder, out, max_steps=steps, **settings), train_dataset=data)
        trainer.add_callback(clock)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return clock.seconds / trainer.tokens


def predictor(folder: Path, out: str) -> Any:
    """A Trainer that predicts, with the rows a batch that it takes where nothing is said."""
    from transformers import Trainer

    return Trainer(**_arguments(folder, out))


def _arguments(folder: Path, out: str, **settings: Any) -> dict[str, Any]:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainingArguments

    from xtransfer.training.pretrained import quiet

    with quiet():
        model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=3)
    arguments = TrainingArguments(
        output_dir=out,
        per_device_train_batch_size=BATCH,
        learning_rate=2e-5,
        optim="adamw_torch_fused",
        logging_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        **settings,
    )
    return {"model": model, "args": arguments, "processing_class": AutoTokenizer.from_pretrained(folder)}
