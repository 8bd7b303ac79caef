"""The command line: every command with its arguments and options, as `--help` gives them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

import typer

from docs.generate.tables import plain, table
from flows.cli import app

_LIST, _SEVERAL = re.compile(r"<list\[(\w+)\]>"), r"<\1> ..."


def markdown() -> str:
    """A heading for each command, its help, its usage line and a table of what it takes."""
    return "\n".join(_described(command, path) for path, command in commands())


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that runs something, with the words that call it: `xtransfer results gains`."""
    yield from _below(typer.main.get_command(app), "xtransfer")


def _below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(command, typer.core.TyperGroup):
        for name, sub in command.commands.items():
            yield from _below(sub, f"{path} {name}")
    elif not command.hidden:
        yield path, command


def _described(command: Any, path: str) -> str:
    context = typer.Context(command, info_name=path)
    records = [record for one in command.params if (record := one.get_help_record(context))]
    rows = [(f"`{_LIST.sub(_SEVERAL, name)}`", plain(meaning)) for name, meaning in records]
    usage = " ".join(command.get_usage(context).removeprefix("Usage: ").split())
    takes = [table(("takes", "meaning"), rows)] if rows else []
    return "\n\n".join([f"## {path}", plain(command.help), f"```text\n{usage}\n```", *takes]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
