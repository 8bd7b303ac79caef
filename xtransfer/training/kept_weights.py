"""Which weights a run keeps: the last, those with the best dev score, or the mean of the last checkpoints."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from xtransfer.base.errors import RequestError
from xtransfer.models.model import Model
from xtransfer.recipes.recipe import Recipe, too_few
from xtransfer.training.averaging import MeanOfLast
from xtransfer.training.parts import BenchmarkRows
from xtransfer.training.process_group import ProcessGroup
from xtransfer.training.selection import BestOnDev


def watcher(
    model: Model,
    tokenizer: PreTrainedTokenizerBase,
    recipe: Recipe,
    per_epoch: int,
    steps: int,
    dev: BenchmarkRows | None,
    device: str,
    process_group: ProcessGroup,
) -> BestOnDev | MeanOfLast | None:
    """Returns what looks at the weights after each step; None to keep the last. `per_epoch`: steps in an epoch.

    Raises RequestError if there are no dev rows to select on, or too few steps for the checkpoints to average.
    """
    if recipe.average_last is not None:
        every = recipe.average_every or per_epoch
        if (recipe.average_last - 1) * every >= steps:
            raise RequestError(too_few(steps, recipe.average_last, every))
        return MeanOfLast(model, recipe.average_last, every, steps) if process_group.first else None
    if recipe.select == "last":
        return None
    if dev is None or not dev[1]:
        raise RequestError("select: best needs English dev rows of the target, and there are none; use select: last")
    benchmark, rows = dev
    name = benchmark.name if benchmark.name in model.order else next(iter(model.order))
    return BestOnDev(
        model,
        model.heads[model.order[name]],
        tokenizer,
        benchmark,
        rows,
        recipe.max_length,
        recipe.evaluate_every or per_epoch,
        steps,
        device,
        recipe.patience,
        process_group,
    )
