"""What is printed for people and programs: names and messages from elsewhere cannot send a terminal commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer
from rich import console as rich_console
from rich.segment import Segment

from xtransfer.base.printable import printable


class Console(rich_console.Console):
    """rich's console; control characters of texts are printed as escapes."""

    def render(self, *arguments: Any, **options: Any) -> Iterable[Segment]:
        for segment in super().render(*arguments, **options):
            is_text = segment.control is None
            yield Segment(printable(segment.text), segment.style) if is_text else segment


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Prints a line on standard output, or on standard error; control characters are printed as escapes."""
    typer.echo(printable(text), err=err, nl=nl)
