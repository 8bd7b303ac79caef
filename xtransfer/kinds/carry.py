"""How a new head starts from a trained one, unless its kind says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def copied(source: nn.Module, new: nn.Module) -> bool:
    """Copies the weights of `source` into `new`; returns False if class, labels, shapes or what vectors are differ."""
    ours, theirs = new.state_dict(), source.state_dict()
    same_sizes = {name: one.shape for name, one in ours.items()} == {name: one.shape for name, one in theirs.items()}
    same_labels = getattr(source, "labels", ()) == getattr(new, "labels", ())
    if type(source) is not type(new) or not (same_labels and same_sizes and _read(source) == _read(new)):
        return False
    new.load_state_dict(theirs)
    return True


def _read(head: nn.Module) -> tuple[object, ...]:
    """Returns which states a head reads, and how it compares vectors: what its weights were trained for."""
    vectors = getattr(head, "dual", None)
    return getattr(head, "pooling", None), getattr(vectors, "pooling", None), getattr(vectors, "similarity", None)
