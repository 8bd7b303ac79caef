"""Shared by several subcommands: the study that an argument names, and JSON output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.terminal import emit
from xtransfer.base.declared import from_yaml
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import absolute

if TYPE_CHECKING:
    from xtransfer.study.study import Study

StudyName = Annotated[
    str, typer.Argument(metavar="STUDY", help="A built-in study (see `xtransfer studies`) or a YAML file.")
]
Small = Annotated[bool, typer.Option("--small", help="Use the small version of the study.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=C", help="Replace a field of the study; the value is YAML. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def chosen(study: str, small: bool, settings: list[str] | None) -> Study:
    """The study that the arguments describe; raises RequestError if they are wrong."""
    from xtransfer.study.builtin import find

    found = find(study)
    if small:
        found = found.shrunk()
    return found.with_settings(dict(setting(text) for text in settings)) if settings else found


def demand_parent(option: str, place: Path) -> None:
    """Raise RequestError if the folder in which `place` is to be made does not exist: it may be misspelled."""
    parent = absolute(place, option).parent
    if not parent.is_dir():
        raise RequestError(f"{option} {place}: no folder {parent}; create it first, or name another")


def print_json(value: object) -> None:
    emit(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def setting(text: str) -> tuple[str, object]:
    """Field and value of a `--set`."""
    path, sign, value = text.partition("=")
    if not sign or not path.strip():
        raise RequestError(f"--set {text[:80]}: write FIELD=VALUE, for example --set seeds=[0,1]")
    try:
        return path.strip(), from_yaml(value)
    except ValueError as error:
        hint = f"; quotes keep it from the shell: --set '{path.strip()}=[...]'" if _is_cut(value) else ""
        raise RequestError(f"--set {text[:80]}: {error}{hint}") from error


def _is_cut(value: str) -> bool:
    """Whether a list or mapping does not end, as when the shell has taken what followed a space, `<` or `>`."""
    return any(value.count(start) > value.count(end) for start, end in ("[]", "{}"))
