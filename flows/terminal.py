"""Printing for people and programs: names and messages from elsewhere cannot control the terminal."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from typing import Any

import typer
from rich import console as rich_console
from rich import table as rich_table
from rich.cells import cell_len
from rich.console import ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.text import Text

from xtransfer.base.printable import printable

_BREAKS = tuple(map(re.compile, (r"\s+|\S+", r".[^~<]*", r".[^+/_-]*[+/_-]?")))  # words; `~engine`; `multi-`
_NARROWEST = 11  # minimum characters of a column in a narrow terminal


class Console(rich_console.Console):
    """rich's console that prints control characters in texts as escapes.

    With `soft_wrap`, a terminal shows lines wrapped between words, never inside one: a path can still be copied. A
    file or pipe gets them unwrapped.
    """

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            is_text = segment.control is None
            yield Segment(printable(segment.text), segment.style) if is_text else segment

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich does it, with escapes that count for the width of a table's column."""
        return super().render_str(printable(text), **options)

    def print(self, *objects: Any, soft_wrap: bool | None = None, **options: Any) -> None:
        if (self.soft_wrap if soft_wrap is None else soft_wrap) and self.is_terminal:
            asked = {name: options.get(name) for name in ("markup", "highlight", "emoji")}
            objects = tuple(self._at_words(self.render_str(one, **asked) if isinstance(one, str) else one)
                            for one in objects)  # fmt: skip
        if tables := [one for one in objects if isinstance(one, Table)]:  # nothing is cut; a long line is better
            narrowest = max(self.measure(one).minimum for one in tables)
            options = {"width": max(self.width, narrowest), "crop": False, **options}
        super().print(*objects, soft_wrap=soft_wrap, **options)

    def _at_words(self, text: Text) -> Text:
        """The lines of a text wrapped between words, each as far from the margin as its first part."""
        lines: list[Text] = []
        for line in text.split("\n", allow_blank=True):
            margin = len(line.plain) - len(line.plain.lstrip(" "))
            for part in line[margin:].divide(_ends(line.plain[margin:], self.width - margin)):
                part.rstrip()
                lines.append(Text(" " * margin).append_text(part))
        return Text("\n").join(lines)


def _ends(line: str, width: int) -> Iterator[int]:
    """Where to break a line into parts of whole words, `width` columns wide unless a word is wider."""
    start = 0
    for word in re.finditer(r"\S+", line):
        if word.start() > start and cell_len(line[start : word.end()]) > width:
            yield word.start()
            start = word.start()


class Cell:
    """The text of a table's cell; a narrow column breaks it at spaces, `~` and `<`, then at `+`, `/`, `_` and `-`."""

    def __init__(self, text: str, style: str = "") -> None:
        self._lines = printable(text).split("\n")
        self._style = style

    def __rich_console__(self, console: rich_console.Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in self._lines:
            yield from (Text(part, self._style) for part in self._broken(line, options.max_width))

    def __rich_measure__(self, console: rich_console.Console, options: ConsoleOptions) -> Measurement:
        widest = max(map(cell_len, self._lines))
        return Measurement(min(widest, self.narrowest, options.max_width), min(widest, options.max_width))

    @property
    def narrowest(self) -> int:
        """The width of the longest piece that is never broken."""
        return max((cell_len(piece) for line in self._lines for piece in _pieces(line, 0, *_BREAKS)), default=0)

    def _broken(self, line: str, width: int) -> Iterator[str]:
        taken = ""
        for piece in _pieces(line, width, *_BREAKS):
            if taken.strip() and cell_len(taken) + cell_len(piece.rstrip()) > width:
                yield taken.rstrip()
                taken = ""
            if taken or not piece.isspace():
                taken += piece
        yield taken.rstrip()


def _pieces(text: str, width: int, best: re.Pattern[str], *others: re.Pattern[str]) -> Iterator[str]:
    """The pieces of a text between the best places to break it, those that are too wide broken at others."""
    for piece in best.findall(text):
        yield from [piece] if cell_len(piece) <= width or not others else _pieces(piece, width, *others)


class Table(rich_table.Table):
    """A table without lines. Texts in its cells are shown as they are: brackets are no markup."""

    def __init__(self, *headings: str, right: Container[str] = ()) -> None:
        """`right`: headings of the columns of numbers, which are never broken."""
        super().__init__(box=None, pad_edge=False, collapse_padding=True)
        for heading in headings:
            self.add_column(Text(printable(heading)), no_wrap=heading in right, overflow="fold",
                            justify="right" if heading in right else "left")  # fmt: skip

    def add_row(self, *cells: RenderableType | None, style: Any = None, end_section: bool = False) -> None:
        texts = [Cell(one) if isinstance(one, str) else one for one in cells]
        for column, cell in zip(self.columns, texts, strict=False):
            if isinstance(cell, Cell):
                column.min_width = max(column.min_width or 0, min(cell.narrowest, _NARROWEST))
        super().add_row(*texts, style=style, end_section=end_section)


def echo(text: str = "", *, err: bool = False) -> None:
    """Print lines for people on standard output or error, with control characters as escapes."""
    Console(stderr=err).print(Text(text), soft_wrap=True)


def emit(text: str, *, nl: bool = True) -> None:
    """Print what programs read on standard output, as it is but for control characters, which become escapes."""
    typer.echo(printable(text), nl=nl)
