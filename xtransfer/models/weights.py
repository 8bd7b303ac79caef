"""An encoder's weights in a checkpoint, where a large embedding table that hardly changed is not written again.

Fine-tuning changes the embeddings of the tokens that occur in its data: some thousand of 250,000 rows, in a table that
is four fifths of a small multilingual encoder. Such a checkpoint has, instead of model.safetensors:

encoder.safetensors         all tensors but the table, under transformers' names
rows.safetensors            `rows` (int64 [changed]) and `values` ([changed, width]); metadata `names`: the table's
                            names in the encoder, as JSON
shared-table.safetensors    `table` ([vocabulary, width]) as the first encoder had it; a local store has it once
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from xtransfer.models.files.identity import ENCODER, ROWS, TABLE, WEIGHTS

_LARGE = 64 << 20  # bytes of a table; a smaller one is written whole
_FEW = 0.5  # of its rows; if more changed, it is written whole


def save(folder: Path, encoder: PreTrainedModel, start: Path | None) -> None:
    """Writes configuration and weights to `folder`; `start` is where the encoder's training started from.

    A table is written as changed rows if it is large, `start` has its original and most of its rows are as there.
    """
    state = encoder.state_dict()
    names = _names(encoder, state)
    table = state[names[0]] if names else None
    original = _original(start, names, table) if start is not None and table is not None else None
    changed = _changed(original, table) if original is not None and table is not None else None
    if original is None or table is None or changed is None or len(changed) > _FEW * len(table):
        encoder.save_pretrained(folder)
        return
    encoder.save_pretrained(folder, state_dict={name: value for name, value in state.items() if name not in names})
    (folder / WEIGHTS).rename(folder / ENCODER)
    values = {"rows": changed, "values": table.index_select(0, changed)}
    save_file(values, folder / ROWS, {"names": json.dumps(names)})
    save_file({"table": original}, folder / TABLE)


def read(folder: Path) -> dict[str, Tensor] | None:
    """Returns all weights of a checkpoint whose table is stored apart; None for a folder in transformers' layout."""
    if not (folder / ENCODER).exists():
        return None
    state: dict[str, Tensor] = load_file(folder / ENCODER)
    with safe_open(folder / ROWS, framework="pt") as opened:
        names = json.loads(opened.metadata()["names"])
        rows, values = opened.get_tensor("rows"), opened.get_tensor("values")
    table = load_file(folder / TABLE)["table"].index_copy(0, rows, values)
    return {**state, **dict.fromkeys(names, table)}


def _names(encoder: PreTrainedModel, state: dict[str, Tensor]) -> list[str]:
    """Returns the names of the token embeddings, several if tied; none for a small table."""
    table = encoder.get_input_embeddings().weight
    assert isinstance(table, Tensor)
    if table.nbytes < _LARGE:
        return []
    return sorted(name for name, value in state.items() if value.data_ptr() == table.data_ptr())


def _original(start: Path, names: list[str], table: Tensor) -> Tensor | None:
    """Returns the table that the training started from, in fp32; None if its files do not have exactly one like it."""
    if (start / TABLE).exists():
        found = [load_file(start / TABLE)["table"]]
    else:
        found = []
        for file in sorted(start.glob("model*.safetensors")):
            with safe_open(file, framework="pt") as opened:
                alike = [one for one in opened.keys() if one.endswith(tuple(names))]  # noqa: SIM118
                found += [opened.get_tensor(one).to(torch.float32) for one in alike]
    return found[0] if len(found) == 1 and found[0].shape == table.shape and table.dtype == torch.float32 else None


def _changed(original: Tensor, table: Tensor) -> Tensor:
    """Returns the numbers of the rows whose bits differ (int64 [changed])."""
    return (original.view(torch.int32) != table.detach().view(torch.int32)).any(1).nonzero()[:, 0]
