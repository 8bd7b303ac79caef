"""Puts a link with a table's CSV into the caption of every table of a page, so that the page alone has all it shows."""

from __future__ import annotations

import base64
import re
from html import unescape
from html.parser import HTMLParser

import pandas as pd
from markupsafe import Markup, escape

from xtransfer.analysis import texts
from xtransfer.report.files import slug

# tables of a page are not nested, each stands in a box with a name, and their text is escaped
_TABLE = re.compile(r'aria-label="(?:table: )?([^"]*)">\s*(<table.*?</table>)', re.DOTALL)
_LINK = '<a class="csv"'


def csv_link(frame: pd.DataFrame, name: str) -> Markup:
    """Returns a link that saves a frame as NAME.csv; the data are in the link."""
    data = base64.b64encode(texts.csv(frame, float_format="%.4f").encode()).decode("ascii")
    address = f"data:text/csv;charset=utf-8;base64,{data}"
    link = '{} download="{}.csv" href="{}" aria-label="CSV: {}">CSV</a>'
    return Markup(link).format(Markup(_LINK), slug(name), address, name)  # noqa: S704, a constant; values are escaped


def with_csv_links(page: str) -> str:
    """Returns a page in which every table that has no link to its CSV has one, with the texts of its cells."""
    return _TABLE.sub(_linked, page)


def _linked(found: re.Match[str]) -> str:
    name, table = found.groups()
    if _LINK in table:
        return found[0]
    heading, *rows = _Reader(table).rows
    link = csv_link(pd.DataFrame(rows, columns=heading), unescape(name))
    return found[0].replace("</caption>", f" {link}</caption>", 1)


class _Reader(HTMLParser):
    """The texts of a table's cells by row; the parts of a cell are joined by a semicolon."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._parts: list[str] | None = None
        self.feed(table)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self._parts = []

    def handle_data(self, data: str) -> None:
        if self._parts is not None and data.strip():
            self._parts.append(" ".join(data.split()))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            text = "; ".join(self._parts or [])
            self.rows[-1].append("" if text == "–" else text)
            self._parts = None


def file_link(name: str) -> Markup:
    """Returns a link to a file beside the page."""
    return Markup('<a href="{}">{}</a>').format(name, escape(name))
