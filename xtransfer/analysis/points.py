"""The numbers of a cell as arrays: per language a score, and per item the points behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, select

from xtransfer.base.errors import DataError, unknown
from xtransfer.results.database import Database
from xtransfer.results.evidence import Evidence, evidence
from xtransfer.results.predictions import Predictions
from xtransfer.results.read import definition_of
from xtransfer.results.schema import BenchmarkRow, CellBenchmarkRow, CellRow, ScoreRow, StudyCellRow, StudyRow
from xtransfer.study.encoders import pool_of
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Study, Target

if TYPE_CHECKING:
    from xtransfer.store.artifacts import ArtifactStore
    from xtransfer.study.cells import Cell

ENGLISH = "en"  # every target is fine-tuned in English


@dataclass(frozen=True)
class Recorded:
    """What the database knows of a cell that was scored."""

    values: Mapping[str, float]  # score per language, of the benchmark's metric
    degenerate: str  # why it is; empty if it is not
    items: Mapping[str, int]  # number of test items per language
    chance: Mapping[str, float | None]  # score of a constant or random prediction per language, in points


@dataclass(frozen=True)
class Point:
    """A cell, as far as analysis needs it: its place in the grid and where its scores are."""

    encoder: str
    intermediate: str  # slug
    target: str  # slug
    seed: int
    score_stage: str  # key of the artifact
    recorded: Recorded | None = field(default=None, compare=False, repr=False)  # stands in for a missing artifact

    @classmethod
    def of(cls, cell: Cell) -> Point:
        return cls(cell.encoder, cell.intermediate.slug, cell.target.slug, cell.seed, cell.score.key)

    @cached_property
    def pool(self) -> str | None:
        """`NAME@*` of an encoder trained here, which is pooled with its other seeds; None for any other encoder."""
        return pool_of(self.encoder)

    @cached_property
    def own_languages(self) -> frozenset[str]:
        """The languages that the intermediate was trained in."""
        return frozenset(part.language for part in Intermediate.parse(self.intermediate).all_parts)

    @cached_property
    def is_trained_everywhere(self) -> bool:
        """Whether the target was trained in every language that it is scored in, on translations."""
        return Target.parse(self.target).translate == "train"


def study_points(db: Database, study: str) -> list[Point]:
    """All cells of a study in the database, with or without scores, intermediates and targets in its order.

    Raises RequestError for a study that is not in the database.
    """
    query = (
        select(CellRow.key, CellRow.encoder, CellRow.intermediate, CellRow.target, CellRow.seed, CellRow.score_stage)
        .join(StudyCellRow, StudyCellRow.cell == CellRow.key)
        .where(StudyCellRow.study == study)
    )
    with db.begin() as connection:
        definition = connection.scalar(select(StudyRow.definition).where(StudyRow.name == study))
        if definition is None:
            raise unknown("study", study, connection.scalars(select(StudyRow.name)))
        recorded = _recorded(connection, study)
        rows = connection.execute(query).tuples()
        points = [Point(*row[1:], recorded=recorded.get(row[0])) for row in rows]
    slugs = [Intermediate.model_validate(one).slug for one in definition["intermediates"]]
    targets = [Target.model_validate(one).slug for one in definition["targets"]]
    order = {slug: place for place, slug in enumerate((*slugs, *targets))}
    return sorted(points, key=lambda one: (one.encoder, order[one.intermediate], order[one.target], one.seed))


def by_rounds(db: Database, study: str) -> Study | None:
    """Returns a recorded study that is run by rounds; None for any other."""
    definition = definition_of(db, study) or {}
    return Study.model_validate(definition) if definition.get("rounds") else None


def _recorded(connection: Connection, study: str) -> dict[str, Recorded]:
    """Returns the scored cells of a study by key, without those of several metrics whose main one is not known."""
    here = StudyCellRow.study == study
    mains = (
        select(StudyCellRow.cell, BenchmarkRow.metric)
        .join(CellBenchmarkRow, CellBenchmarkRow.cell == StudyCellRow.cell)
        .join(BenchmarkRow, (BenchmarkRow.name == CellBenchmarkRow.benchmark)
              & (BenchmarkRow.revision == CellBenchmarkRow.revision))
        .where(here, CellBenchmarkRow.role == "target-score")
    )  # fmt: skip
    scores = (
        select(ScoreRow.cell, CellRow.reason, ScoreRow.metric, ScoreRow.language,
               ScoreRow.value, ScoreRow.n, ScoreRow.chance)
        .join(CellRow, CellRow.key == ScoreRow.cell)
        .join(StudyCellRow, StudyCellRow.cell == CellRow.key)
        .where(here, CellRow.status.in_(("done", "degenerate")))
        .order_by(ScoreRow.language != ENGLISH, ScoreRow.language)
    )  # fmt: skip
    main = dict(connection.execute(mains).tuples().all())
    found: dict[str, tuple[str, dict[str, dict[str, tuple[float, int, float | None]]]]] = {}
    for cell, reason, metric, language, *score in connection.execute(scores):
        found.setdefault(cell, (reason, {}))[1].setdefault(metric, {})[language] = tuple(score)
    return {
        cell: Recorded(_part(lines, 0), reason, _part(lines, 1), _part(lines, 2))
        for cell, (reason, of) in found.items()
        if (lines := of.get(main.get(cell) or "") or (next(iter(of.values())) if len(of) == 1 else None))
    }


def _part(lines: Mapping[str, tuple[Any, ...]], place: int) -> dict[str, Any]:
    return {language: line[place] for language, line in lines.items()}


@dataclass(frozen=True, eq=False)
class Layout:
    """The items of a language, and how they are grouped (into blocks of items that belong together)."""

    rows: np.ndarray  # where the items stand in a table of predictions
    group: np.ndarray  # of each row, as a place in `groups`
    groups: tuple[str, ...]  # names, sorted
    sizes: np.ndarray  # [groups] items
    ids: tuple[str, ...]  # sorted
    group_of: np.ndarray  # of each id, as a place in `groups`


@dataclass(frozen=True)
class LanguageItems:
    """The points of one language of one cell, collapsed to groups."""

    layout: Layout
    sums: np.ndarray  # [groups] points

    @cached_property
    def influence(self) -> np.ndarray:
        """[groups] How far each group moves the mean: its points beyond the mean, divided by the number of items."""
        sizes = self.layout.sizes
        num_items = sizes.sum()
        return np.asarray((self.sums - self.sums.sum() / num_items * sizes) / num_items)


@dataclass(frozen=True)
class Result:
    """The scores of one cell that has any."""

    point: Point
    found: Evidence | None  # None: the artifact is not in the store, and `point.recorded` has the scores

    @property
    def degenerate(self) -> str:
        if self.found is not None and self.found.whole:
            return self.found.degenerate
        return self.point.recorded.degenerate if self.point.recorded else ""

    @cached_property
    def values(self) -> Mapping[str, float]:
        """Score per language, of the first metric that scores.json has for it."""
        if self.found is None:
            return self.point.recorded.values if self.point.recorded else {}
        values: dict[str, float] = {}
        for score in self.found.scores:
            values.setdefault(score.language, score.value)
        return values

    @cached_property
    def items(self) -> dict[str, LanguageItems]:
        """Items per language; languages whose metric has no points per item are absent, and all without an artifact.

        Raises StoreError when predictions.parquet cannot be read.
        """
        if self.found is None:
            return {}
        table = Predictions(self.found.artifacts[-1]).read(("language", "id", "group", "item"))
        points = table["item"].to_numpy(zero_copy_only=False).astype(float)
        found = {}
        for code, layout in _layouts(_serialised(table.select(["language", "id", "group"]))).items():
            own = points[layout.rows]
            if code in self.values and not np.isnan(own).any():
                sums = np.bincount(layout.group, weights=own, minlength=len(layout.groups))
                found[code] = LanguageItems(layout, sums)
        return found


def _serialised(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


@lru_cache(maxsize=16)
def _layouts(table: bytes) -> dict[str, Layout]:
    """The languages of a table with the columns language, id and group; an item without a group is its own.

    Cells of one target have equal columns, so that sorting their ids, most of the work, is done once for all.
    """
    columns = pa.ipc.open_stream(table).read_all()
    language = np.asarray(columns["language"].to_pylist())
    ids, groups = (columns[name].to_pylist() for name in ("id", "group"))
    blocks = np.asarray([str(one if group is None else group) for group, one in zip(groups, ids, strict=True)])
    found = {}
    for code in dict.fromkeys(language.tolist()):
        rows = np.flatnonzero(language == code)
        names, group, sizes = np.unique(blocks[rows], return_inverse=True, return_counts=True)
        own = np.asarray([str(ids[row]) for row in rows])
        order = np.argsort(own, kind="stable")
        found[code] = Layout(rows, group, tuple(names.tolist()), sizes, tuple(own[order].tolist()), group[order])
    return found


def load(points: Iterable[Point], store: ArtifactStore) -> tuple[list[Result], list[Point]]:
    """The results of the cells that have scores, and the cells that have none.

    Where an artifact is not in the store, as of imported cells, the recorded scores count, without items. Where only
    the checkpoint behind the scores is gone, what was recorded of its training counts.
    """
    points, results, missing = list(points), [], []
    store.expect(point.score_stage for point in points)
    for point in points:
        found = evidence(store, point.score_stage, whole=point.recorded is None)
        if found is None and point.recorded is None:
            missing.append(point)
        else:
            results.append(Result(point, found))
    return results, missing


def same_items(results: Sequence[Result], language: str) -> bool:
    """Whether the results can be paired item by item in a language.

    False where one has no points per item; raises DataError where they scored different items.
    """
    if any(language not in result.items for result in results):
        return False
    first = results[0]
    layout = first.items[language].layout
    for other in results[1:]:
        own = other.items[language].layout
        if own is not layout and (own.ids != layout.ids or not np.array_equal(own.group_of, layout.group_of)):
            raise DataError(
                f"{first.point.target}/{language}: {first.point.intermediate} and {other.point.intermediate} "
                "were scored on different items and cannot be compared; score them in one study"
            )
    return True
