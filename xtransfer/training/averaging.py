"""Averages the weights of a run's last checkpoints.

Schmidt, Vulić and Glavaš 2023 (Free Lunch, ACL) average checkpoints of one fine-tuning in the source language; this
needs no data of target languages, and makes zero-shot transfer less sensitive to the recipe.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from xtransfer.models.model import Model
from xtransfer.training import state


class MeanOfLast:
    """Keeps the mean of the trained weights after the last of every `every` steps, `last` times, counted from the end.

    The mean is kept in fp32 on the CPU, and in the run's state.
    """

    seen_enough = False

    def __init__(self, model: Model, last: int, every: int, steps: int) -> None:
        self.model, self.every, self.steps = model, every, steps
        self.first = steps - (last - 1) * every
        self.taken: list[int] = []  # steps
        self.mean: dict[str, Tensor] = {}

    def after(self, step: int) -> dict[str, float]:
        """Adds the weights to the mean if a checkpoint is due after this step; there is nothing to show."""
        if step < self.first or (self.steps - step) % self.every:
            return {}
        self.taken.append(step)
        with torch.no_grad():
            for name, value in state.trained(self.model).items():
                own = value.to("cpu", torch.float32)
                if len(self.taken) == 1:
                    self.mean[name] = own.clone()
                else:
                    self.mean[name].lerp_(own, 1 / len(self.taken))
        return {}

    def load(self) -> None:
        """Loads the mean into the model, if there is one."""
        if self.mean:
            state.restore_trained(self.model, self.mean)

    def facts(self) -> dict[str, object]:
        """Returns the steps whose weights were averaged."""
        return {"averaged_steps": self.taken}

    def tensors(self) -> dict[str, Tensor]:
        return self.mean

    def values(self) -> state.Values:
        return {"taken": self.taken}

    def restore(self, tensors: Mapping[str, Tensor], values: state.Values) -> None:
        self.mean = {name: value.clone() for name, value in tensors.items()}
        self.taken = list(values["taken"])
