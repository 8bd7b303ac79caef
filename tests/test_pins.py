"""Versions that are known to break Prefect 3.8.8 without a word must not sneak in."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
BROKEN = {"fastapi": "0.151.0", "sqlalchemy": "2.1.0"}  # first broken version: 422 on deploy; schedules never fire


def _declared() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {one.name.lower(): one for one in map(Requirement, project["dependencies"])}


def _constrained() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {name.lower().replace("_", "-"): number for name, number in pairs}


def test_declared_ranges_exclude_broken_versions() -> None:
    for name, broken in BROKEN.items():
        assert broken not in _declared()[name].specifier


def test_installed_versions_are_not_broken() -> None:
    for name, broken in BROKEN.items():
        assert Version(version(name)) < Version(broken)
    assert version("prefect") == "3.8.8"
    assert version("torch").split("+")[0] == "2.13.0"


def test_constraints_pin_every_dependency_within_its_range() -> None:
    constrained = _constrained()
    for name, requirement in _declared().items():
        assert constrained[name.replace("_", "-")] in requirement.specifier, name
