"""What contracts of import-linter (pyproject.toml) cannot say of modules."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("xtransfer", "tasks", "flows", "deployments")
DEPENDENCIES = {"datasets", "evaluate", "torch", "transformers", "prefect", "accelerate", "alembic", "pydantic", "rich"}


def test_no_module_hides_a_dependency() -> None:
    """Prefect's file entrypoints put a script's folder first on the path, where such a module would win."""
    hidden = [str(file) for package in PACKAGES for file in (ROOT / package).rglob("*.py") if file.stem in DEPENDENCIES]
    assert not hidden


def test_training_never_reads_test_data() -> None:
    """Only the score stage may open a test split."""
    for file in sorted((ROOT / "xtransfer" / "training").rglob("*.py")):
        strings = {node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)}
        assert "test" not in strings, file
