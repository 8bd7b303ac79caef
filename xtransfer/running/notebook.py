"""HTML that a notebook shows for results; every text in it is escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from xtransfer.analysis import DIRECT
from xtransfer.report.plot_render import data_uri
from xtransfer.report.tables import Grid, Number, heading

_CELL = "text-align:right;vertical-align:top"


def joined(parts: Iterable[Markup]) -> Markup:
    """Returns parts of a page one after the other."""
    return Markup("\n").join(parts)


def paragraph(text: str) -> Markup:
    return Markup("<p>{}</p>").format(text)


def image(png: bytes, label: str, inches: float) -> Markup:
    """Returns a picture that the page itself contains."""
    return Markup('<img alt="{}" src="{}" style="width:{:.1f}in;max-width:100%">').format(label, data_uri(png), inches)


def gains_table(grid: Grid) -> Markup:
    """Returns a row per intermediate, a column per language: score, and below it the gain, bold if its interval
    excludes 0."""
    head = Markup("").join(Markup("<th>{}</th>").format(name) for name in ("", *map(heading, grid.columns)))
    body = Markup("\n").join(_row(grid, name) for name in grid.rows)
    shown = "score, gain over direct" if DIRECT in grid.rows else "score"
    caption = f"{grid.title}: {shown} in points; {grid.legend('bold')}"
    return Markup(
        '<table><caption style="caption-side:bottom;text-align:left">{}</caption>\n'
        "<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody></table>"
    ).format(caption, head, body)


def _row(grid: Grid, name: str) -> Markup:
    notes = (Markup('<br><span style="font-weight:normal">({})</span>').format(note) for note in grid.notes(name))
    label = Markup("").join([escape(name), *notes])
    cells = Markup("").join(_cell(grid.numbers.get((name, column))) for column in grid.columns)
    return Markup('<tr><th style="text-align:left">{}</th>{}</tr>').format(label, cells)


def _cell(number: Number | None) -> Markup:
    if number is None:
        return Markup('<td style="{}">-</td>').format(_CELL)
    gain = Markup("<b>{}</b>").format(number.gain_text) if number.verdict.is_sure else escape(number.gain_text)
    below = Markup("<br>{}").format(gain) if number.gain_text else ""
    return Markup('<td style="{}">{:.1f}{}</td>').format(_CELL, number.value, below)
