"""The training loop and its parts: seeds, optimizer and learning rate.

Schedule and optimizer follow the scripts of the published recipes (jiant, XTREME's and XTREME-R's run scripts): AdamW
(Loshchilov & Hutter 2019) without weight decay on biases and norms, linear warm-up to the peak learning rate, linear
decay to zero, gradients clipped by their global norm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

import torch
from torch import Tensor, nn

B = TypeVar("B")
LossOf = Callable[[B], Tensor]
Backward = Callable[[LossOf[B], B], Tensor]  # (loss of a batch, batch) → loss; adds the gradients


def at_once(loss_of: LossOf[B], batch: B) -> Tensor:
    """Adds the gradients of the whole batch; returns its loss."""
    loss = loss_of(batch)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def fit(
    optimizer: torch.optim.Optimizer,
    loss_of: LossOf[B],
    batches: Iterable[B],
    rate: Callable[[int], float],
    clip_norm: float,
    first: int = 1,
    backward: Backward[B] = at_once,
) -> Iterator[tuple[int, Tensor]]:
    """Takes one optimizer step per batch; yields its number (starting with `first`) and its loss, still on the device.

    Logging, evaluation, saving and switching to evaluation mode and back are left to the caller.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for step, batch in enumerate(batches, start=first):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate(step)
        loss = backward(loss_of, batch)
        clip(parameters, clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        yield step, loss


@torch.no_grad()
def clip(parameters: Iterable[nn.Parameter], most: float) -> None:
    """Scales gradients down to a global norm of at most `most`.

    Rows are summed in the gradients' precision and their squares in fp64, so rows of zeros (embeddings that no batch
    looks up) do not change the norm, down to the last bit of fp32.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    rows = [torch.linalg.vector_norm(one, dim=-1) for one in gradients]
    norm = torch.stack([one.double().square().sum() for one in rows]).sum().sqrt()
    factor = (most / (norm + 1e-6)).clamp(max=1.0).float()
    if factor.is_cuda or factor < 1:  # on a CPU, checking is free
        torch._foreach_mul_(gradients, factor)


def linear_rate(steps: int, warmup: float) -> Callable[[int], float]:
    """Returns the share of the peak rate at steps 1..steps: rises over the share `warmup`, then falls to zero.

    With warm-up, the first step has rate 0; the last step is not quite 0. Both as in the published scripts.
    """
    rising = math.ceil(warmup * steps)

    def rate(step: int) -> float:
        done = step - 1
        return done / rising if done < rising else max(0.0, (steps - done) / (steps - rising))

    return rate


def adamw(
    module: nn.Module,
    learning_rate: float,
    weight_decay: float = 0.0,
    factors: Mapping[str, float] = MappingProxyType({}),
) -> torch.optim.AdamW:
    """Returns AdamW for the trainable parameters of `module`.

    `factors`: name of a parameter → its learning rate as a multiple of `learning_rate`; 1 for others.
    """
    trained = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    settings = []
    for factor in sorted({factors.get(name, 1.0) for name in trained}, key=lambda one: (one != 1, one)):
        own = [parameter for name, parameter in trained.items() if factors.get(name, 1.0) == factor]
        tables, vectors = ([one for one in own if (one.ndim < 2) == flat] for flat in (False, True))
        rate = learning_rate * factor
        settings += [
            {"params": parameters, "lr": rate, "peak": rate, "weight_decay": decay}
            for parameters, decay in ((tables, weight_decay), (vectors, 0.0))  # vectors: biases and norms
        ]
    # On a CPU, fused takes 0.82 of the for-loop's time; other devices choose for themselves.
    fused = {parameter.device.type for parameter in trained.values()} <= {"cpu", "cuda"}
    return torch.optim.AdamW(settings, fused=fused or None)
