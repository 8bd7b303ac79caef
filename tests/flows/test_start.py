"""What starting the program imports: help and completion must not wait for libraries that only a command needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

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


def test_asking_the_results_does_without_models() -> None:
    assert _imported("import xtransfer.analysis.results") & {"torch", "transformers", "datasets", "prefect"} == set()
