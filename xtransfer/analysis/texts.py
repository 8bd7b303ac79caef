"""Formats tables of texts: finds numeric columns and constant ones, writes LaTeX and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from xtransfer.base.latex import escape, minus, tabular
from xtransfer.base.printable import printable

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"[<+-]?[\d,.]+%?|\[.*\]|")  # aligned right: numbers, intervals, empty cells
_MEASURED = re.compile(r"[<+-]?\d*\.\d+|\[.*\]")  # keeps its column even if it is the same in every row
_HTML = re.compile(r"<(?=[a-zA-Z/!?])")  # what opens a tag
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,]*%?$)")  # a sign before a number is none


def numeric(texts: pd.DataFrame) -> list[str]:
    """Returns the columns that hold only numbers and intervals."""
    return [str(name) for name in texts if texts[name].map(lambda text: bool(_NUMBER.fullmatch(text))).all()]


def lifted(texts: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Returns the values that all rows share, in words, and the table without them and without empty columns."""
    texts = texts.loc[:, (texts != "").any()]
    same = [name for name in texts.columns if len(texts) > 1 and texts[name].nunique() == 1
            and not _MEASURED.fullmatch(texts[name].iloc[0])]  # fmt: skip
    return ", ".join(f"{name} {texts[name].iloc[0]}" for name in same), texts.drop(columns=same)


def latex(texts: pd.DataFrame, caption: str | None = None, label: str | None = None) -> str:
    """Returns a `tabular`, inside a `table` if there is a caption or label. Needs `\\usepackage{booktabs}`.

    Values that all rows share become a comment. Special characters are escaped.
    """
    same, texts = lifted(texts)
    numbers = numeric(texts)
    spec = "".join("r" if name in numbers else "l" for name in texts.columns)
    rows = [" & ".join(minus(escape(text)) if name in numbers else escape(text) for name, text in row.items()) + r" \\"
            for row in texts.to_dict("records")]  # fmt: skip
    head = " & ".join(escape(str(name)) for name in texts.columns) + r" \\"
    body = [tabular(spec, [head, r"\midrule", *rows])]
    if caption or label:
        body = [r"\begin{table}", r"\centering", *body]
        body += [rf"\caption{{{escape(caption or '')}}}"] * bool(caption) + [rf"\label{{{label}}}"] * bool(label)
        body += [r"\end{table}"]
    return "\n".join([*([f"% in every row: {_in_line(same)}"] if same else []), *body])


def markdown(texts: pd.DataFrame) -> str:
    """Returns a table in Markdown. HTML and links in texts are escaped."""
    right: Sequence[str] = numeric(texts)
    lines = [[_plain(str(name)) for name in texts.columns], ["---:" if name in right else "---" for name in texts]]
    lines += [[_plain(str(value)) for value in row] for row in texts.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def csv(frame: pd.DataFrame, *, float_format: str | None = None) -> str:
    """Returns a frame as CSV. Text that a spreadsheet would take for a formula gets a leading apostrophe."""
    escaped = frame.map(_cell).rename(columns=_cell)
    return str(escaped.to_csv(index=False, lineterminator="\n", float_format=float_format))


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    return printable(f"'{value}" if _FORMULA.match(value) else value)


def _plain(text: str) -> str:
    for meant, written in (("|", r"\|"), ("](", r"]\("), ("\n", " ")):
        text = text.replace(meant, written)
    return _HTML.sub("&lt;", text)


def _in_line(text: str) -> str:
    return " ".join(text.splitlines())


def definitions(names: Iterable[str]) -> str:
    """Returns what `any` and the means are, for those that are among some names; empty if none is."""
    from xtransfer.analysis import ANY, BUT_EN, OTHERS  # with scipy, which help does without

    meaning = {
        ANY: "the average over the intermediates",
        BUT_EN: "the mean of all languages but English",
        OTHERS: "the mean of all languages but English and those that the intermediate was trained in",
    }
    present = set(names)
    return "; ".join(f"{name}: {text}" for name, text in meaning.items() if name in present)
