"""Seeds derived for a purpose, and random generators that are left as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from xtransfer.base.digest import digest


def derived(seed: int, *purpose: str | int) -> int:
    """A seed for one purpose (`"head"`, `"dropout"`), so that adding a purpose leaves the others as they
    were."""
    return int(digest(seed, *purpose)[:15], 16)


@contextmanager
def own_randomness(device: str) -> Iterator[None]:
    """Inside, torch's global generators may be seeded and used; afterwards they are as they were before."""
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        yield
