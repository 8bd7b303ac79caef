"""A run of a part of a recorded study leaves the rest recorded; another meaning asks for another name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.training.tiny import make_encoder
from xtransfer.analysis.points import study_points
from xtransfer.base.errors import RequestError
from xtransfer.planning import asked, grid
from xtransfer.results.database import open_database
from xtransfer.results.read import definition_of
from xtransfer.results.write import record_study
from xtransfer.study.builtin import STUDIES
from xtransfer.study.study import Study


@pytest.fixture(scope="module")
def study() -> Study:
    return STUDIES["lab"].shrunk().with_settings({"seeds": [0, 1]})


def recorded(study: Study, **changes: object) -> asked.Asked:
    """What a run of the study with some fields replaced plans, where the whole is recorded."""
    return asked.plan(study.with_settings(changes), study.model_dump(mode="json"))


def test_fewer_seeds_run_and_the_others_stay(study: Study) -> None:
    found = recorded(study, seeds=[1])
    assert {cell.seed for cell in found.plan.cells} == {1}
    assert {cell.key for cell in found.whole.cells} == {cell.key for cell in grid.plan(study).cells}
    assert {cell.key for cell in found.plan.cells} < {cell.key for cell in found.whole.cells}
    assert found.left_out == ("seeds 0",)


def test_more_of_everything_is_added(study: Study) -> None:
    slugs = [one.slug for one in study.intermediates]
    found = recorded(study, seeds=[7], intermediates=["direct"])
    assert found.whole.study.seeds == (0, 1, 7)
    assert [one.slug for one in found.whole.study.intermediates] == slugs
    assert found.left_out == (f"intermediates {', '.join(slug for slug in slugs if slug != 'direct')}", "seeds 0, 1")
    assert len(found.whole.cells) == 3 * len(slugs) * len(study.targets)


def test_fewer_languages_are_all_the_same_all_scored(study: Study) -> None:
    """A cell with fewer languages would take the place of the one that has them."""
    found = recorded(study, languages=["de"])
    assert found.plan.cells == found.whole.cells == grid.plan(study).cells


def test_words_may_change(study: Study) -> None:
    found = recorded(study, question="Another?", note="A note.")
    assert found.whole.study.question == "Another?" and found.whole.cells == grid.plan(study).cells


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("target_recipe.epochs", 7, r"target_recipe\.epochs: \S+ is recorded, 7(\.0)? was requested"),
        ("intermediate_rows", 7, "intermediate_rows: .* is recorded, 7 was requested"),
    ],
)
def test_another_meaning_asks_for_another_name(study: Study, field: str, value: object, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        recorded(study, **{field: value})
    assert f"--set name={study.name}-2" in str(caught.value)
    assert f"xtransfer results forget {study.name}" in str(caught.value)


def test_a_study_grows_in_the_database(study: Study, tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        for seeds in ([0], [1], [0]):
            part = study.with_settings({"seeds": seeds})
            record_study(db, asked.plan(part, definition_of(db, study.name)).whole)
        assert {point.seed for point in study_points(db, study.name)} == {0, 1}


def test_what_is_recorded_of_an_encoder_that_is_gone_stays(study: Study, tmp_path: Path) -> None:
    """Its folder cannot be planned any more: the run goes on without it, and its cells stay linked."""
    folder = tmp_path / "encoder"
    shutil.copytree(make_encoder(tmp_path / "made", positions=130), folder)
    both = study.with_settings({"encoders": [str(folder), "lab-mini@0"], "seeds": [0]})
    own = both.with_settings({"encoders": ["lab-mini@0"], "seeds": [0, 1]})
    with open_database(f"sqlite:///{tmp_path / 'results.db'}") as db:
        record_study(db, asked.plan(both, None).whole)
        before = set(study_points(db, study.name))
        shutil.rmtree(folder)
        found = asked.plan(own, definition_of(db, study.name))
        assert str(folder) in found.unplanned and found.left_out == (f"encoders {folder}",)
        record_study(db, found.whole, keep_others=True)
        assert definition_of(db, study.name) == {**both.model_dump(mode="json"), "seeds": [0, 1]}
        after = set(study_points(db, study.name))
    assert before < after and {point.seed for point in after - before} == {1}
