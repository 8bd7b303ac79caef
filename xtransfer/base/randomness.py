"""Seeds derived for a purpose, and random generators that are left as they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from xtransfer.base.digest import digest


def derived(seed: int, *purpose: str | int) -> int:
    """Returns a seed for one purpose (`"head"`, `"dropout"`), so that a new purpose does not change the others."""
    return int(digest(seed, *purpose)[:15], 16)


@contextmanager
def own_randomness(device: str) -> Iterator[None]:
    """Allows seeding and using torch's global generators inside; restores their state afterwards."""
    with torch.random.fork_rng(devices=[device] if device.startswith("cuda") else []):
        yield
