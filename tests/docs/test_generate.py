"""The generated parts of the reference: everything in the code is on its page, and follows the code."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from docs.generate import benchmarks, cli, database, hook, kinds, languages, recipes, studies
from docs.generate.tables import plain, table
from tests.running import ROOT
from xtransfer.base.languages import TABLE
from xtransfer.benchmarks import BUILT_IN
from xtransfer.kinds import KINDS
from xtransfer.recipes.recipe import Recipe
from xtransfer.recipes.recipes import RECIPES
from xtransfer.results.schema import Base
from xtransfer.results.views import VIEWS
from xtransfer.study.builtin import STUDIES
from xtransfer.study.study import Study
from xtransfer.translation.engines import ENGINES

MARKS = {
    mark: page
    for page in (ROOT / "docs").rglob("*.md")
    for mark in re.findall(r"<!-- generated: (\w+) -->", page.read_text(encoding="utf-8"))
}


def test_every_kind_is_explained_and_every_benchmark_listed() -> None:
    page = benchmarks.markdown()
    assert all(f"\n## {kind.name}\n\nA row: {kind.about}.\n" in page for kind in KINDS.values())
    assert all(f"\n| {name} |" in page and f"\n**{name}**" in page for name in BUILT_IN)


def test_the_fields_of_every_kind_are_listed() -> None:
    page = kinds.markdown()
    assert all(f"\n| {kind.name} | {', '.join(kind.fields)} | " in page for kind in KINDS.values())
    assert "| first, second, label | first, second |" in page and "| no: its task is to find translations" in page


def test_every_language_is_listed() -> None:
    page = languages.markdown()
    assert all(f"\n| {one.code} | {one.name} | {one.family}" in page for one in TABLE.values())
    assert "| sa | Sanskrit | Indo-European, Indo-Aryan | Devanagari |" in page
    assert f" {len(TABLE)} languages are known" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_engines_count_their_languages() -> None:
    page = (ROOT / "docs" / "reference" / "translation-engines.md").read_text(encoding="utf-8")
    for name in ("nllb-200-distilled-600m", "m2m100-418m"):
        assert f"| `{name}` | {len(ENGINES[name].languages) - 1} languages |" in page


def test_the_benchmarks_follow_a_declaration() -> None:
    changed = dict(BUILT_IN) | {"xnli": replace(BUILT_IN["xnli"], licence="none at all")}
    assert "none at all" in benchmarks.markdown(changed) and "none at all" not in benchmarks.markdown()


def test_the_readme_counts_what_there_is() -> None:
    assert f": {len(STUDIES)} studies, {len(BUILT_IN)} benchmarks " in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_and_option_is_listed() -> None:
    page = cli.markdown()
    assert all(f"## {path}\n" in page for path in ("xtransfer run", "xtransfer results sql", "xtransfer store gc"))
    for path, command in cli.commands():
        section = page.partition(f"## {path}\n")[2].partition("\n## ")[0]
        options = [option.opts[0] for option in command.params if option.opts[0].startswith("--")]
        assert all(f"| `{option}" in section for option in options), path
        assert ("| takes |" in section) == bool(command.params), path


def test_every_table_view_and_column_is_listed() -> None:
    page = database.markdown()
    for one in Base.metadata.sorted_tables:
        assert f"### {one.name}\n" in page
        assert all(f"| `{column.name}`" in page for column in one.columns)
    assert all(f"### {name}\n" in page for name in VIEWS)


def test_every_recipe_and_setting_is_listed() -> None:
    page = recipes.markdown()
    assert all(f"| `{source}/{what}` |" in page for source, own in RECIPES.items() for what in own)
    assert all(f"| `{name}` |" in page for name in Recipe.model_fields)


def test_every_field_of_a_study_is_listed() -> None:
    assert all(f"| `{name}` |" in studies.markdown() for name in Study.model_fields)


def test_signs_of_markdown_in_a_text_of_the_code_are_escaped() -> None:
    assert plain("xnli<other of\n `a<b*`, runs/*") == r"xnli&lt;other of `a<b*`, runs/\*"
    assert table(("a", "b"), [("x|y", "`y|z`")], right=("b",)) == "| a | b |\n| --- | ---: |\n| x\\|y | `y|z` |"


@pytest.mark.parametrize("name", ["benchmarks", "cli", "database", "kinds", "recipes", "studies"])
def test_each_is_on_one_page_and_printed_by_its_module(name: str) -> None:
    assert name in MARKS
    filled = hook.on_page_markdown(MARKS[name].read_text(encoding="utf-8"))
    assert "<!-- generated" not in filled
    done = subprocess.run(
        [sys.executable, "-m", f"docs.generate.{name}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in filled


def test_a_mark_without_a_generator_stops_the_build() -> None:
    with pytest.raises(ModuleNotFoundError, match="nothing"):
        hook.on_page_markdown("<!-- generated: nothing -->\n")
