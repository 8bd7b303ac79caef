"""What a stage is in a cell, whatever it is called: planned, recorded, and read again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from tests.results.plans import RECIPE, TRANSLATED, finish_plan, planned
from xtransfer.analysis.points import Point, Result
from xtransfer.analysis.predictors import rows_seen
from xtransfer.analysis.recorded import _recorded
from xtransfer.analysis.reproduced_scores import ours_of
from xtransfer.analysis.results import open_results
from xtransfer.analysis.run_lookup import side
from xtransfer.report.curves import curves
from xtransfer.report.methods import methods
from xtransfer.report.provenance import Provenance, provenance
from xtransfer.results.database import Database, open_database
from xtransfer.results.evidence import evidence
from xtransfer.results.roles import Role, roles
from xtransfer.results.schema import CellRow, CellStageRow, StageRow
from xtransfer.results.write import record_cell, record_study
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.cells import Cell, Plan

FACTS = {
    "translate": TRANSLATED,
    "train": {"losses": [[0, 1.0], [1, 0.5]], "part_rows": [400, 80]},
}
ODD = "lab-inference<lab-nli,lab-inference:dev:first5:bf16"  # trained in two phases


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


def recorded(db: Database, plan: Plan, store: ArtifactStore) -> Provenance:
    finish_plan(plan, store, FACTS)
    record_study(db, plan)
    for cell in plan.cells:
        record_cell(db, plan.study.name, cell, store)
    return provenance(db, plan.study.name)


def of_plan(plan: Plan, cell: Cell) -> set[tuple[str, int | None, str]]:
    """Roles of the stages behind a cell of a plan."""
    by_key, behind, waiting = {one.key: one for one in plan.stages}, [], [cell.score.key]
    while waiting:
        behind.append(by_key[waiting.pop()])
        waiting += behind[-1].inputs.values()
    return said(roles(behind, cell.score.key, len(cell.intermediate.phases)).values())


def said(found: object) -> set[tuple[str, int | None, str]]:
    return {(role.name, role.phase, role.language) for role in found if isinstance(role, Role)}  # type: ignore[attr-defined]


def of_rows(db: Database, cell: Cell) -> set[tuple[str, int | None, str]]:
    query = select(CellStageRow.role, CellStageRow.phase, CellStageRow.language)
    with db.begin() as connection:
        return set(connection.execute(query.where(CellStageRow.cell == cell.key)).tuples())


ALWAYS = {("pretraining", None, ""), ("score", None, "")}
CASES = [
    ("direct", "lab-inference", {("target", 0, "en")}),
    ("lab-nli@en", "lab-inference", {("intermediate", 0, "en"), ("target", 0, "en")}),
    ("lab-nli@en+lab-nli@de*2", "lab-inference", {("intermediate", 0, "en+de"), ("target", 0, "en")}),
    ("lab-nli@en>lab-inference@en", ODD,
     {("intermediate", 0, "en"), ("intermediate", 1, "en"), ("target", 0, "en"), ("target", 1, "en")}),
    ("lab-nli@en", "lab-retrieval:layer1:cls", {("intermediate", 0, "en")}),
    ("direct", "lab-retrieval", set()),
    ("lab-nli@tr~lab-marian", "lab-inference:translate-train~lab-marian",
     {("intermediate", 0, "tr"), ("target", 0, "en"), ("target", 0, "de"), ("translator", None, ""),
      ("translation", None, "")}),
    ("direct", "lab-inference:translate-test~parallel", {("target", 0, "en"), ("translation", None, "")}),
]  # fmt: skip


@pytest.mark.parametrize(("intermediate", "target", "expected"), CASES)
def test_roles_of_a_plan_are_those_that_are_recorded(
    db: Database, store: ArtifactStore, intermediate: str, target: str, expected: set[tuple[str, int | None, str]]
) -> None:
    plan = planned("roles", [target], [intermediate], languages=["en", "de"])
    recorded(db, plan, store)
    (cell,) = plan.cells
    assert of_plan(plan, cell) == of_rows(db, cell) == expected | ALWAYS


def test_nothing_is_read_off_a_name(db: Database, store: ArtifactStore) -> None:
    plan = planned("roles", [ODD, "lab-retrieval"], ["direct", "lab-nli@en>lab-nli@de+lab-nli@tr"])
    facts = recorded(db, plan, store)
    before = (facts.trained_targets, facts.sizes, curves(facts), methods(facts, []).paragraphs)
    with db.begin() as connection:
        connection.execute(update(StageRow).values(name="train x after y seed 0 of " + StageRow.key))
    facts = provenance(db, "roles")
    assert before == (facts.trained_targets, facts.sizes, curves(facts), methods(facts, []).paragraphs)


@pytest.mark.parametrize("targets", [("lab-inference", "lab-inference:dev"), ("lab-inference:dev", "lab-inference")])
@pytest.mark.parametrize("in_one_study", [True, False])
def test_targets_that_share_a_training_both_have_its_recipe(
    tmp_path: Path, store: ArtifactStore, targets: Sequence[str], in_one_study: bool
) -> None:
    """The training is made once and named after the target that came first."""
    studies = {"both": list(targets)} if in_one_study else {f"study-{n}": [one] for n, one in enumerate(targets)}
    url = f"sqlite:///{tmp_path / 'results.db'}"
    with open_database(url) as db:
        for name, own in studies.items():
            facts = recorded(db, planned(name, own), store)
            assert facts.trained_targets == set(own)
            assert [one.used_for for one in facts.recipes] == [f"fine-tuning on {', '.join(own)}"]
            assert set(curves(facts)) == {f"target: {one}" for one in own}
            assert any(text.startswith("Fine-tuning on lab-inference") for text in methods(facts, []).paragraphs)
        with db.begin() as connection:
            trained = connection.scalars(select(StageRow.name).where(StageRow.kind == "train")).all()
    assert len(trained) == 1 and f"train {targets[0]} after" in trained[0]
    with open_results(url) as results:
        ours = {one.target.slug: one for one in ours_of(results, ["lab-inference"], None, {})}
        places = {name: _recorded(side(results, name)) for name in studies}
    assert set(ours) == set(targets)
    for one in ours.values():
        assert {name: getattr(one.recipe, name) for name in RECIPE} == RECIPE
    for name, own in studies.items():
        found = {what for category, what, _ in places[name] if category == "recipe"}
        assert found >= {f"target training on lab-inference ({one})" for one in own}


@pytest.mark.parametrize("first", ["intermediate", "target"])
def test_one_training_is_an_intermediate_here_and_a_target_there(
    tmp_path: Path, store: ArtifactStore, first: str
) -> None:
    as_target = planned("as-target", ["lab-nli"])
    as_intermediate = planned("as-intermediate", ["lab-inference"], ["lab-nli@en"])
    plans = [as_intermediate, as_target] if first == "intermediate" else [as_target, as_intermediate]
    shared = {one.key for one in as_target.stages} & {one.key for one in as_intermediate.stages}
    assert len(shared) == 2  # the encoder, and the training on lab-nli
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        for plan in plans:
            recorded(db, plan, store)
        target, intermediate = (provenance(db, one.study.name) for one in (as_target, as_intermediate))
    assert target.trained_targets == {"lab-nli"} and not target.sizes
    assert [(one.part, one.rows) for one in intermediate.sizes] == [("lab-nli@en", 400)]
    assert set(curves(target)) == {"target: lab-nli"}
    assert set(curves(intermediate)) == {"intermediate training", "target: lab-inference"}


def test_phases_of_an_intermediate_and_of_a_target_are_told_apart(tmp_path: Path, store: ArtifactStore) -> None:
    plan = planned("phases", [ODD], ["lab-nli@en>lab-nli@de+lab-nli@tr"])
    url = f"sqlite:///{tmp_path / 'results.db'}"
    with open_database(url) as db:
        facts = recorded(db, plan, store)
    together = "lab-nli@en>lab-nli@de,tr"
    assert [(one.intermediate, one.part, one.rows) for one in facts.sizes] == [
        ("lab-nli@en", "lab-nli@en", 400), (together, "lab-nli@de", 400), (together, "lab-nli@tr", 80)
    ]  # fmt: skip
    assert {panel: len(runs[together]) for panel, runs in curves(facts).items()} == {
        "intermediate training": 2, f"target: {ODD}, on lab-nli": 1, f"target: {ODD}, on lab-inference": 1
    }  # fmt: skip
    with open_results(url) as results:
        (ours,) = ours_of(results, ["lab-inference"], None, {})
        key = plan.cells[0].key
        whats = {what for category, what, _ in _recorded(side(results, key)) if category == "recipe"}
    assert ours.recipe is not None and ours.recipe.max_length == 64
    assert whats == {
        "pretraining", "intermediate training, phase 1", "intermediate training, phase 2",
        "target training on lab-nli", "target training on lab-inference",
    }  # fmt: skip


def test_rows_seen_are_those_of_all_phases(store: ArtifactStore) -> None:
    plan = planned("phases", [ODD, "lab-retrieval"], ["direct", "lab-nli@en>lab-nli@en+lab-nli@tr"])
    finish_plan(plan, store, FACTS)
    seen = []
    for cell in plan.cells:
        found = evidence(store, cell.score.key)
        assert found is not None
        seen.append(rows_seen(Result(Point.of(cell), found)))
    assert seen == [0, 0, 2 * 7 * 32, 2 * 7 * 32]  # phases × steps × rows of a batch


@pytest.mark.parametrize(
    "values", [{"role": "training"}, {"role": "target", "phase": None}, {"role": "score", "phase": 0}, {"phase": -1}]
)
def test_the_database_refuses_roles_without_sense(
    db: Database, store: ArtifactStore, values: dict[str, str | int | None]
) -> None:
    recorded(db, planned("roles", ["lab-inference"]), store)
    with db.begin() as connection:
        assert connection.scalar(select(CellRow.status)) == "done"
    with pytest.raises(IntegrityError), db.begin() as connection:
        connection.execute(update(CellStageRow).where(CellStageRow.role == "target").values(**values))
