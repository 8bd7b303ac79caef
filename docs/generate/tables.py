"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Iterable[str]], right: Sequence[str] = ()) -> str:
    """A table; the columns whose headings are in `right` are aligned right. Pipes outside code are escaped."""
    rule = ["---:" if heading in right else "---" for heading in headings]
    cells = [[_outside_code(cell, lambda text: text.replace("|", r"\|")) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (headings, rule, *cells))


def plain(text: str) -> str:
    """A text of the code on one line, with `<` and `*` as they are; what stands between backticks stays code."""
    return _outside_code(" ".join(text.split()), lambda piece: piece.replace("<", "&lt;").replace("*", r"\*"))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    return "`".join(piece if number % 2 else change(piece) for number, piece in enumerate(text.split("`")))
