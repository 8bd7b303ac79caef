"""Printing for people and programs: names and messages from elsewhere cannot control the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer
from rich import console as rich_console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from xtransfer.base.printable import printable


class Console(rich_console.Console):
    """rich's console that prints control characters in texts as escapes."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            is_text = segment.control is None
            yield Segment(printable(segment.text), segment.style) if is_text else segment

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich does it, with escapes that count for the width of a table's column."""
        return super().render_str(printable(text), **options)


def echo(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a line on standard output or error, with control characters as escapes."""
    typer.echo(printable(text), err=err, nl=nl)
