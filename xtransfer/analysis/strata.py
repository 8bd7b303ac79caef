"""Which items of several languages are one sample: an item is drawn once for all languages that have it.

Parallel languages seldom have quite the same items: MLQA's languages share some of their questions, others lack single
rows. A stratum therefore holds the groups of all languages that share any, and each language uses its part. Groups of
two languages are one where they have the same name, or an item in common that a column of the data names (a question
asked of a longer passage in one language); row numbers may mean unrelated rows, and join nothing but equal groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xtransfer.analysis.points import Layout
from xtransfer.base.digest import digest


@dataclass(frozen=True, eq=False)
class Stratum:
    """Languages whose items are drawn together."""

    name: str  # equal for the same items of the same target
    members: tuple[int, ...]  # places of its languages
    places: tuple[np.ndarray, ...]  # per member [own groups] → group of the stratum
    has: np.ndarray  # [groups, members] whether a language has a group

    def spread(self, values: Sequence[np.ndarray]) -> np.ndarray:
        """Values per own group of each member → [members, groups]."""
        size = len(self.has)
        return np.array([np.bincount(place, own, size) for place, own in zip(self.places, values, strict=True)])

    def num_groups(self, weights: np.ndarray) -> np.ndarray:
        """[columns] How many groups a column rests on, for weights [members, columns]."""
        return np.asarray((self.has @ (weights != 0)).astype(bool).sum(axis=0))


@lru_cache(maxsize=256)
def strata(target: str, layouts: tuple[Layout, ...]) -> tuple[Stratum, ...]:
    """The strata of languages with these items; layouts are known by identity, results of one target share them."""
    names = _joined(layouts)
    roots = _components([dict.fromkeys(one) for one in names])
    found: dict[str, list[int]] = {}
    for number, own in enumerate(names):
        found.setdefault(roots[own[0]], []).append(number)
    return tuple(_stratum(target, members, [names[number] for number in members]) for members in found.values())


def _stratum(target: str, members: Sequence[int], names: Sequence[Sequence[str]]) -> Stratum:
    union = {name: place for place, name in enumerate(sorted({name for own in names for name in own}))}
    places = tuple(np.array([union[name] for name in own]) for own in names)
    has = np.zeros((len(union), len(members)), bool)
    for number, own in enumerate(places):
        has[own, number] = True
    return Stratum(digest(target, list(union)), tuple(members), places, has)


def _joined(layouts: Sequence[Layout]) -> list[list[str]]:
    """Per language the name of each own group, equal where groups of two languages are one."""
    if all(_is_numbered(one) or len(one.groups) == len(one.ids) for one in layouts):
        return [list(one.groups) for one in layouts]
    # a group joins those of other languages with one of its items; its own name is one of its items, as it were
    items = []
    for one in layouts:
        for group, name in enumerate(one.groups):
            inside = {f"item {one.ids[place]}": None for place in np.flatnonzero(one.group_of == group)}
            items.append({f"group {name}": None} | inside)
    roots = _components(items)
    return [[roots[f"group {name}"] for name in one.groups] for one in layouts]


def _is_numbered(layout: Layout) -> bool:
    return all(one.rpartition("/")[2].isdecimal() for one in layout.ids)


def _components(sets: Sequence[dict[str, None]]) -> dict[str, str]:
    """Each name → one name for all that are connected by common sets."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one in sets:
        first, *others = one
        for name in others:
            parent[root(name)] = root(first)
        root(first)
    return {name: root(name) for name in parent}
