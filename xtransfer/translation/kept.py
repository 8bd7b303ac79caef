"""Where translations are kept while an engine works and after it: nowhere, in several places, or as `cache` and
`shards` do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class Kept(Protocol):
    """Translations by sentence, for one engine; `direction` is `en-de`."""

    def known(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        """Those of the sentences that were translated before."""
        ...

    def keep(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        """Keep sentence → translation. Those of `cut` never came to an end: what they are may depend on the
        sentences that were translated beside them."""
        ...


class Nowhere:
    """Keeps nothing."""

    def known(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        return {}

    def keep(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        pass


class Everywhere:
    """Keeps in each of several places, and asks them in their order."""

    def __init__(self, *places: Kept) -> None:
        self.places = places

    def known(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for place in self.places:
            found |= place.known(direction, [one for one in sentences if one not in found])
        return found

    def keep(self, direction: str, outputs: Mapping[str, str], cut: frozenset[str]) -> None:
        for place in self.places:
            place.keep(direction, outputs, cut)
