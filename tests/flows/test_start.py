"""What starting the program imports: help and completion must not wait for libraries that only a command needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.results.numbers import make
from tests.results.test_write import record_all
from xtransfer.base.settings import current
from xtransfer.results.database import open_database

HEAVY = {"alembic", "datasets", "matplotlib", "numpy", "pandas", "prefect", "pyarrow", "scipy", "sqlalchemy",
         "statsmodels", "torch", "transformers"}  # fmt: skip


def _imported(program: str) -> set[str]:
    code = f"import sys\n{program}\nprint(*(name.partition('.')[0] for name in sys.modules))"
    return {*subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()}


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["run", "--help"], ["results", "--help"], ["--version"]])
def test_help_imports_no_library_that_only_a_command_needs(arguments: list[str]) -> None:
    program = (
        f"from typer.testing import CliRunner; from flows.cli import app; r = CliRunner().invoke(app, {arguments})"
    )
    assert _imported(program + "; assert r.exit_code == 0, r.output") & HEAVY == set()


def test_the_library_alone_imports_nothing_heavy() -> None:
    assert _imported("import xtransfer; assert xtransfer.__version__") & HEAVY == set()


def test_asking_the_results_does_without_models_and_statistics() -> None:
    unwanted = {"torch", "transformers", "datasets", "prefect", "scipy", "statsmodels", "matplotlib", "jinja2"}
    assert _imported("import xtransfer.analysis.results") & unwanted == set()


@pytest.mark.parametrize(
    ("question", "needed"), [("scores", set()), ("gains", {"scipy"}), ("ranking", {"scipy"}), ("sql", set())]
)
def test_a_question_imports_what_its_answer_needs(question: str, needed: set[str], home: Path) -> None:
    made = make(home)
    with open_database(current().database_url) as db:
        record_all(db, made)
    asked = [question, "SELECT 1 AS one"] if question == "sql" else [question, "--study", "numbers"]
    imported = _imported(
        "from typer.testing import CliRunner; from flows.cli import app; "
        f"r = CliRunner().invoke(app, {['results', *asked]}); assert r.exit_code == 0, r.output"
    )
    unwanted = {"datasets", "jinja2", "matplotlib", "prefect", "scipy", "statsmodels", "torch", "transformers"}
    assert imported & unwanted == needed
