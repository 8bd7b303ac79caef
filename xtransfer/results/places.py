"""Merges the cells of studies that two databases have; a place of a study keeps one cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from sqlalchemy import Connection, select

from xtransfer.base.declared import JsonObject, reasons
from xtransfer.results.schema import CellRow, StudyCellRow, StudyRow
from xtransfer.results.upsert import Values
from xtransfer.study.extents import differences, normal, united
from xtransfer.study.study import Study

ENDED = ("done", "degenerate")
Link = tuple[str, str]  # name of a study, key of a cell
_PLACE = ("encoder", "intermediate", "target", "seed")
_Place = tuple[str, tuple[object, ...]]  # study, and encoder, intermediate, target and seed of a cell
Difference = tuple[str, str, object, object]  # study, field, ours, theirs


@dataclass
class Places:
    """Their studies and links, compared with ours."""

    definitions: dict[str, JsonObject] = field(default_factory=dict)  # study → ours extended by theirs
    disputed: set[str] = field(default_factory=set)  # studies that differ in meaning
    rivals: dict[Link, Link] = field(default_factory=dict)  # both have a result for the same place: theirs → ours
    late: set[Link] = field(default_factory=set)  # theirs without a result, for a place that we have
    overtaken: set[Link] = field(default_factory=set)  # ours without a result, for which they have one
    _ours: dict[_Place, tuple[str, str]] = field(default_factory=dict)  # → key and status

    def compare_studies(self, connection: Connection, part: Sequence[Values]) -> Iterator[Difference]:
        """Yields differences in the meaning of studies; unites what the others cover."""
        theirs = {row["name"]: row for row in part}
        query = select(StudyRow.name, StudyRow.definition).where(StudyRow.name.in_(theirs))
        for name, ours in connection.execute(query):
            there = theirs[name]["definition"]
            if ours == there:
                continue
            try:
                here, there = normal(ours), normal(there)
                found = differences(here, there)
            except ValidationError:  # from another version of xtransfer
                found = [("definition", ours, there)]
            if found:
                self.disputed.add(name)
                yield from ((name, *one) for one in found)
            elif (whole := united(here, there)) != ours:
                self.definitions[name] = whole
        columns = [getattr(CellRow, one) for one in _PLACE]
        links = (
            select(StudyCellRow.study, CellRow.key, CellRow.status, *columns)
            .join(CellRow, CellRow.key == StudyCellRow.cell)
            .where(StudyCellRow.study.in_(theirs))
        )
        for study, key, status, *place in connection.execute(links):
            self._ours[study, tuple(place)] = (key, status)

    def compare_links(self, part: Sequence[Values], cells: Mapping[str, Values]) -> Iterator[Difference]:
        """Yields different cells for one place; `cells` are theirs by key. Call it after `compare_studies`."""
        for row in part:
            study, theirs = row["study"], cells.get(row["cell"])
            if theirs is None:  # a damaged file; the database will reject it
                continue
            ours = self._ours.get((study, tuple(theirs[one] for one in _PLACE)))
            if ours is None or ours[0] == theirs["key"]:
                continue
            link, rival = (study, theirs["key"]), (study, ours[0])
            if theirs["status"] not in ENDED:
                self.late.add(link)
            elif ours[1] not in ENDED:
                self.overtaken.add(rival)
            else:
                self.rivals[link] = rival
                if study not in self.disputed:
                    place = " ".join(str(theirs[one]) for one in _PLACE[:-1])
                    yield study, f"{place} seed {theirs['seed']} made from", ours[0][:12], theirs["key"][:12]

    def dropped(self, links: Sequence[Link], prefer_theirs: bool) -> set[Link]:
        """Returns their links that are not merged."""
        if prefer_theirs:
            return {link for link in self.late if link[0] not in self.disputed}
        return self.late | self.rivals.keys() | {link for link in links if link[0] in self.disputed}

    def removed(self, prefer_theirs: bool) -> set[Link]:
        """Returns our links that theirs replace."""
        if not prefer_theirs:
            return {link for link in self.overtaken if link[0] not in self.disputed}
        of_disputed = {(study, key) for (study, _), (key, _) in self._ours.items() if study in self.disputed}
        return self.overtaken | set(self.rivals.values()) | of_disputed


def study_faults(connection: Connection, names: Sequence[str]) -> Iterator[str]:
    """Yields what keeps questions about studies from an answer: no valid definition, or cells that it does not name."""
    places = select(StudyCellRow.study, CellRow.intermediate, CellRow.target).distinct()
    places = places.join(CellRow, CellRow.key == StudyCellRow.cell).where(StudyCellRow.study.in_(names))
    found: dict[str, list[tuple[str, str]]] = {}
    for study, *place in connection.execute(places.order_by(CellRow.intermediate, CellRow.target)):
        found.setdefault(study, []).append((place[0], place[1]))
    for name, definition in connection.execute(
        select(StudyRow.name, StudyRow.definition).where(StudyRow.name.in_(names))
    ):
        try:
            study = Study.model_validate(definition)
        except ValidationError as error:
            yield f"study {name}: its definition is not valid: {reasons(error, Study)}"
            continue
        named = {one.slug for one in study.intermediates}, {one.slug for one in study.targets}
        for slugs in found.get(name, ()):
            if strange := [slug for slug, known in zip(slugs, named, strict=True) if slug not in known]:
                yield f"study {name}: has a cell of {strange[0][:80]}, which its definition does not name"
