"""The built-in studies: planned anywhere, as large as the docs say, whole suites, recipes with their sources."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from xtransfer import benchmarks, kinds
from xtransfer.data.revisions import PinsInReach
from xtransfer.metrics.aggregate import suite
from xtransfer.planning.grid import plan
from xtransfer.recipes.recipes import recipe
from xtransfer.study.builtin import STUDIES
from xtransfer.study.study import Study
from xtransfer.translation.engines import ENGINES, EngineTrainedHere, HubEngine

ROOT = Path(__file__).parents[1]
REAL = [name for name in STUDIES if not name.startswith("lab")]
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)


def _sizes(study: Study) -> tuple[int, int]:
    planned = plan(study, PinsInReach())
    return len(planned.cells), len(planned.stages)


@pytest.fixture
def no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)


@pytest.mark.usefixtures("no_mirror")
def test_the_docs_tell_every_study_and_its_size() -> None:
    told = ROW.findall((ROOT / "docs" / "reference" / "studies.md").read_text(encoding="utf-8"))
    assert [name for name, *_ in told] == list(STUDIES)
    for name, *sizes in told:
        expected = [*_sizes(STUDIES[name]), *(_sizes(STUDIES[name].shrunk()) if STUDIES[name].small else (0, 0))]
        assert list(map(int, sizes)) == expected, name


@pytest.mark.parametrize("name", REAL)
def test_a_small_version_needs_a_mirror_and_no_hub(name: str, hub_dir: Path) -> None:
    small = STUDIES[name].shrunk()
    pins = PinsInReach()
    plan(small, pins)
    assert not pins.unpinned
    for intermediate in small.intermediates:
        for part in intermediate.parts:
            assert part.engine is None or isinstance(ENGINES[part.engine], EngineTrainedHere)


@pytest.mark.parametrize("name", REAL)
def test_a_study_says_what_it_asks_and_where_its_recipes_are_from(name: str) -> None:
    study = STUDIES[name]
    assert study.question.endswith("?")
    for one in (study, study.shrunk()):
        if any(intermediate.parts for intermediate in one.intermediates):
            assert one.intermediate_recipe.source
        for target in one.targets:
            benchmark = benchmarks.get(target.benchmark)
            assert kinds.retrieves(benchmark) or one.recipe_for(target).source, target.slug


@pytest.mark.parametrize("name", [name for name in REAL if not name.startswith("natural-")])
def test_a_small_version_says_what_it_replaces(name: str) -> None:
    study = STUDIES[name]
    assert study.note and study.shrunk().note not in ("", study.note)


def test_the_research_question_is_asked_in_ten_languages_and_in_english() -> None:
    study = STUDIES["xtreme-r-inference"]
    parts = [part for intermediate in study.intermediates for part in intermediate.parts]
    translated = {part.language: part.engine for part in parts if part.engine}
    assert set(translated) == {"de", "es", "fr", "ru", "zh", "ar", "sw", "hi", "tr", "vi"}
    assert all(isinstance(ENGINES[engine or ""], HubEngine) for engine in translated.values())
    assert {part.slug for part in parts if not part.engine} == {"mnli@en", "ocnli@zh"}
    assert len(study.seeds) == 5 and study.intermediate_rows is None


def test_native_and_translated_data_are_of_one_size_and_language() -> None:
    study = STUDIES["xtreme-r-native"]
    parts = [part for intermediate in study.intermediates for part in intermediate.parts if part.language != "en"]
    assert Counter(part.language for part in parts) == dict.fromkeys(("zh", "id", "ko", "ja", "fa"), 2)
    assert {part.language for part in parts if part.engine} == {part.language for part in parts if not part.engine}
    assert study.intermediate_rows == 7000


@pytest.mark.parametrize(
    ("name", "version"),
    [("xtreme-r-baseline", "xtreme-r"), ("xtreme-r-baseline-base", "xtreme-r"), ("phang-2020", "xtreme")],
)
def test_whole_suites_are_scored(name: str, version: str) -> None:
    scored = {target.benchmark for target in STUDIES[name].targets}
    whole = suite(version)
    for member in whole.members:
        assert scored & {member.benchmark, *member.alike}, member.benchmark
    assert len(scored) == len(whole.members)
    assert not any(target.score_rows or target.split != "test" for target in STUDIES[name].targets)


def test_recipes_follow_the_scripts() -> None:
    large = {target.benchmark: target.recipe for target in STUDIES["xtreme-r-baseline"].targets}
    base = {target.benchmark: target.recipe for target in STUDIES["xtreme-r-baseline-base"].targets}
    jiant = {target.benchmark: target.recipe for target in STUDIES["phang-2020"].targets}
    for name in ("xnli", "xcopa"):
        ours, theirs = large[name], base[name]
        assert ours is not None and theirs is not None
        assert (ours.epochs, ours.batch_size, ours.max_length, ours.learning_rate) == (5, 32, 128, 3e-5)
        assert theirs.learning_rate == 2e-5
    tags = large["panx-xtreme-r"]
    assert tags is not None and (tags.epochs, tags.evaluate_every, tags.learning_rate) == (10, 1000, 2e-5)
    source = "xtreme-r-2021-large"
    assert large["mlqa"] == recipe(source, "span") and large["tydiqa"] == recipe(source, "tydiqa")
    assert large["lareqa"] == recipe(source, "squad-answers")
    assert large["mewsli-x"] == recipe(source, "mewsli-x-pairs")
    assert {name: recipe.epochs for name, recipe in jiant.items() if recipe} == {
        "xnli": 2, "paws-x": 5, "udpos": 10, "panx": 10, "xquad": 2, "mlqa": 2, "tydiqa": 2,
    }  # fmt: skip
    assert {recipe.batch_size for name, recipe in jiant.items() if recipe and name in ("xquad", "tydiqa")} == {16}


def test_nine_tasks_alone_and_together() -> None:
    alone = [one for one in STUDIES["phang-2020"].intermediates if len(one.parts) == 1]
    (mixture,) = [one for one in STUDIES["phang-2020"].intermediates if len(one.parts) > 1]
    assert len(alone) == 9 and mixture.parts == tuple(one.parts[0] for one in alone)
    assert {part.language for part in mixture.parts} == {"en"}
