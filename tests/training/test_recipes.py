"""Published recipes as values: by name, and with their differences."""

from __future__ import annotations

import pytest

from xtransfer import benchmarks
from xtransfer.base.errors import RequestError
from xtransfer.kinds import KINDS
from xtransfer.recipes.recipe import Recipe
from xtransfer.recipes.recipes import RECIPES, adapted, named, recipe, recipe_for
from xtransfer.study.study import make

STUDY = {"name": "s", "encoders": ["lab-mini@0"], "intermediates": ["direct"], "targets": ["lab-inference"]}


def test_every_recipe_is_for_a_kind_or_a_benchmark_and_has_a_source() -> None:
    for own in RECIPES.values():
        assert set(own) <= set(KINDS) | set(benchmarks.BENCHMARKS)
        assert all(one.source for one in own.values())


@pytest.mark.parametrize(
    ("name", "rate", "epochs", "batch_size", "select", "every"),
    [
        ("phang-2020/pair", 1e-5, 2, 32, "best", 1000),
        ("xtreme-2020/pair", 2e-5, 5, 32, "best", 100),
        ("xtreme-r-2021-large/pair", 3e-5, 5, 32, "best", 100),
        ("xtreme-2020/span", 3e-5, 2, 16, "last", None),
        ("xtreme-r-2021/span", 3e-5, 3, 32, "last", None),
        ("xtreme-r-2021/choice", 2e-5, 5, 32, "last", None),
        ("xlm-r-2020/pair", 5e-6, None, 128, "best", 5000),
    ],
)
def test_sources_differ(
    name: str, rate: float, epochs: float | None, batch_size: int, select: str, every: int | None
) -> None:
    one = named(name)
    values = (one.learning_rate, one.epochs, one.batch_size, one.select, one.evaluate_every)
    assert values == (rate, epochs, batch_size, select, every)


def test_a_benchmarks_own_recipe_goes_before_its_kinds() -> None:
    assert recipe_for("xtreme-2020", "panx", "tags").evaluate_every == 1000
    assert recipe_for("xtreme-2020", "udpos", "tags").evaluate_every == 500
    assert recipe_for("phang-2020", "paws-x", "pair").epochs == 5
    with pytest.raises(RequestError, match="no recipe of xlm-r-2020 for 'tags'"):
        recipe_for("xlm-r-2020", "udpos", "tags")


def test_early_stops_as_the_sources_have_them() -> None:
    jiant, authors = named("phang-2020/tags"), named("xlm-r-2020/pair")
    assert (jiant.patience, jiant.dev_rows, authors.patience, authors.dev_rows) == (30, 500, 5, None)
    others = [one for source, own in RECIPES.items() if source.startswith("xtreme") for one in own.values()]
    assert {one.patience for one in others} == {None}


def test_a_study_takes_a_recipe_by_name() -> None:
    target = {"benchmark": "lab-copa", "recipe": "xtreme-r-2021/choice"}
    study = make({**STUDY, "target_recipe": "xtreme-r-2021/pair", "targets": ["lab-inference", target]})
    assert study.target_recipe == recipe("xtreme-r-2021", "pair")
    assert study.targets[1].recipe == recipe("xtreme-r-2021", "choice")
    assert study.with_settings({"intermediate_recipe": "phang-2020/pair"}).intermediate_recipe.warmup == 0.1
    assert make(study.model_dump(mode="json")) == study


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("xtreme-r-2021/pears", "target_recipe: no recipe of xtreme-r-2021 for 'pears'; did you mean 'pair'"),
        ("xtreme-2021/pair", "no source of recipes 'xtreme-2021'; did you mean 'xtreme-r-2021'"),
        ("pair", "no recipe 'pair'.*phang-2020/pair"),
    ],
)
def test_an_unknown_recipe_is_told_with_its_field(name: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        make({**STUDY, "target_recipe": name})


def test_an_adapted_recipe_says_why_and_stays_in_range() -> None:
    changed = adapted(recipe("xtreme-2020", "pair"), "half the passes", epochs=2.5)
    assert changed.epochs == 2.5 and changed.source.endswith("; half the passes")
    assert adapted(Recipe(epochs=1), "by hand").source == "by hand"
    with pytest.raises(ValueError, match="exactly one of epochs and steps"):
        adapted(recipe("xtreme-2020", "pair"), "wrong", steps=5)
