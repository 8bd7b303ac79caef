"""The classifier that the Trainer of transformers saves with an encoder, as a head of kind `pair`.

Only of the models whose classifier has the layers of that head: XLM-R, RoBERTa and CamemBERT. It scores; training
starts from heads in head.json alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from xtransfer.models.checkpoints import SavedHead

NAME, KIND = "trainer", "pair"  # of the head
_CLASSES = {f"{name}ForSequenceClassification" for name in ("XLMRoberta", "Roberta", "Camembert")}
_PREFIX = "classifier."


def labels_of(config: Mapping[str, object]) -> tuple[str, ...]:
    """Returns the labels of a classifier in the order of their ids, in lower case.

    Empty if a configuration, the content of config.json, is not of such a classifier or names no labels.
    """
    classes, names = config.get("architectures"), config.get("id2label")
    if not isinstance(classes, list) or not _CLASSES & set(map(str, classes)) or not isinstance(names, Mapping):
        return ()
    if config.get("problem_type") not in (None, "single_label_classification"):
        return ()
    by_id = {str(number): str(name).casefold() for number, name in names.items()}
    labels = tuple(by_id.get(str(number), "") for number in range(len(by_id)))
    return labels if len(labels) > 1 and all(labels) and not labels[0].startswith("label_") else ()


def heads(folder: Path, encoder: PreTrainedModel) -> dict[str, SavedHead]:
    """Returns the classifier beside an encoder; empty if its files have none."""
    from safetensors import safe_open

    from xtransfer.models.checkpoints import HeadInfo, SavedHead, new_head
    from xtransfer.models.pretrained import head_dropout

    config = encoder.config
    labels = labels_of({**config.to_dict(), "architectures": config.architectures, "id2label": config.id2label})
    weights: dict[str, Tensor] = {}
    for file in sorted(folder.glob("model*.safetensors")) if labels else ():
        with safe_open(file, framework="pt") as opened:
            names = [name for name in opened.keys() if name.startswith(_PREFIX)]  # noqa: SIM118
            weights.update((name.removeprefix(_PREFIX), opened.get_tensor(name).float()) for name in names)
    if not weights:
        return {}
    info = HeadInfo(NAME, KIND, labels, head_dropout(config))
    module = new_head(info, config.hidden_size)
    module.load_state_dict(weights)
    return {NAME: SavedHead(info, module.eval())}
