"""Imports point one way: xtransfer ← tasks ← flows ← deployments; xtransfer knows nothing of Prefect."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "xtransfer": {"prefect", "tasks", "flows", "deployments"},
    "tasks": {"flows", "deployments"},
    "flows": {"deployments"},
}
DEPENDENCIES = {"datasets", "evaluate", "torch", "transformers", "prefect", "accelerate", "alembic", "pydantic", "rich"}


def _imported(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = {str(file): sorted(found) for file in files if (found := _imported(file) & FORBIDDEN[package])}
    assert not wrong


def test_no_module_hides_a_dependency() -> None:
    """Prefect's file entrypoints put a script's folder first on the path, where such a module would win."""
    hidden = [
        str(file)
        for package in (*FORBIDDEN, "deployments")
        for file in (ROOT / package).rglob("*.py")
        if file.stem in DEPENDENCIES
    ]
    assert not hidden


def test_training_never_reads_test_data() -> None:
    """Only the score stage may open a test split."""
    for file in sorted((ROOT / "xtransfer" / "training").rglob("*.py")):
        strings = {node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)}
        assert "test" not in strings, file
