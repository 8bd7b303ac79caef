"""Groups languages that share test items: an item is drawn once for all languages that have it.

Parallel languages rarely have exactly the same items: MLQA's languages share some questions, others lack a row or two.
A stratum holds the groups of all languages that share any, and each language uses its part. Groups of two languages are
the same group if they have the same name, or an item with the same id from a column of the data (a question about a
longer passage in one language). Equal row numbers may mean unrelated rows, so they join only groups of the same name.
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
        """Returns values per own group of each member as [members, groups]."""
        size = len(self.has)
        return np.array([np.bincount(place, own, size) for place, own in zip(self.places, values, strict=True)])

    def num_groups(self, weights: np.ndarray) -> np.ndarray:
        """Returns [columns] the number of groups that a column uses, for weights [members, columns]."""
        return np.asarray((self.has @ (weights != 0)).astype(bool).sum(axis=0))


@lru_cache(maxsize=64)
def strata(target: str, layouts: tuple[Layout, ...]) -> tuple[Stratum, ...]:
    """Returns the strata of languages; layouts, which the results of a target share, compare by identity."""
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
    """Returns per language the name of each own group; groups of two languages that are one have equal names."""
    if all(_is_numbered(one) or len(one.groups) == len(one.ids) for one in layouts):
        return [list(one.groups) for one in layouts]
    # groups of other languages that have one of its items, or its name, are the same group
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
    """Returns name → one name for all names that common sets connect."""
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
