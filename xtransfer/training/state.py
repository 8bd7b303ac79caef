"""Saves the state of an unfinished run in one file, atomically, for the next attempt to resume from.

The file is `state-<step>.safetensors`: weights, optimizer moments and random state as tensors, the rest as JSON in its
header. Nothing is pickled, so reading a state cannot run code.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from xtransfer.base.disk import open_like_folder

log = logging.getLogger(__name__)

Values: TypeAlias = Mapping[str, Any]  # JSON


@dataclass(frozen=True)
class State:
    """The contents of a state file. `run` identifies the run: a digest of everything that determines its course."""

    run: str
    step: int
    tensors: Mapping[str, Tensor]
    values: Values


def write(folder: Path, state: State) -> None:
    """Writes a state atomically, then removes older ones. Raises OSError (a full disk); the older state then stays."""
    folder.mkdir(parents=True, exist_ok=True)
    final = folder / f"state-{state.step}.safetensors"
    partial = folder / f"partial-{os.getpid()}"
    header = {"run": state.run, "step": str(state.step), "values": json.dumps(state.values)}
    try:
        save_file({name: tensor.contiguous() for name, tensor in state.tensors.items()}, partial, header)
        open_like_folder(partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(final)
    except SafetensorError as error:  # safetensors reports a full disk this way
        raise OSError(f"{final}: cannot be written ({error})") from error
    finally:
        partial.unlink(missing_ok=True)
    for older in folder.glob("state-*.safetensors"):
        if older != final:
            older.unlink()
    for left in folder.glob("partial-*"):  # left by attempts that were killed while writing
        left.unlink()


def read(folder: Path, run: str) -> State | None:
    """Returns the latest complete state of this run, or None. Does not touch states of other runs."""
    files = sorted(folder.glob("state-*.safetensors"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                header = opened.metadata() or {}
                if header.get("run") != run:
                    log.warning("%s belongs to another run and is ignored", file)
                    continue
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            return State(run, int(header["step"]), tensors, json.loads(header["values"]))
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            log.warning("%s is damaged and is ignored (%s)", file, error)
    return None


def trained(module: nn.Module) -> dict[str, Tensor]:
    """Returns the trainable parameters by name; tied ones appear once."""
    return {name: value.detach() for name, value in module.named_parameters() if value.requires_grad}


def restore_trained(module: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Restores the values that `trained` returned."""
    with torch.no_grad():
        for name, value in trained(module).items():
            value.copy_(tensors[name])


def moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Returns an optimizer's state as named tensors, without learning rates, which the schedule sets in each step."""
    entries = optimizer.state_dict()["state"].items()
    return {f"{index}.{name}": value for index, entry in entries for name, value in entry.items()}


def restore_moments(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restores the values that `moments` returned."""
    entries: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, _, field = name.partition(".")
        entries.setdefault(int(index), {})[field] = tensor
    optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})


def random_state(device: str) -> dict[str, Tensor]:
    """Returns the states of the generators that dropout uses."""
    states = {"cpu": torch.get_rng_state()}
    if device.startswith("cuda"):
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_random(tensors: Mapping[str, Tensor], device: str) -> None:
    """Restores the values that `random_state` returned, as far as they apply to this kind of device."""
    torch.set_rng_state(tensors["cpu"])
    if device.startswith("cuda") and "cuda" in tensors:
        torch.cuda.set_rng_state(tensors["cuda"], device)


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Returns `tensors` renamed to `prefix/name`."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}
