"""Tables whose cells are texts, for people: which columns are numbers, what is the same in every row, LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from xtransfer.base.latex import escape, minus, tabular
from xtransfer.base.printable import printable

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"[<+-]?[\d,.]+%?|\[.*\]|")  # aligned right: numbers, intervals, nothing
_MEASURED = re.compile(r"[<+-]?\d*\.\d+|\[.*\]")  # stays in its column even where it is the same in every row
_HTML = re.compile(r"<(?=[a-zA-Z/!?])")  # what opens a tag
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,]*%?$)")  # a sign before a number is none


def numeric(texts: pd.DataFrame) -> list[str]:
    """The columns of numbers and intervals."""
    return [str(name) for name in texts if texts[name].map(lambda text: bool(_NUMBER.fullmatch(text))).all()]


def lifted(texts: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """What all rows say, in words, and the columns in which they differ; columns without any text go."""
    texts = texts.loc[:, (texts != "").any()]
    same = [name for name in texts.columns if len(texts) > 1 and texts[name].nunique() == 1
            and not _MEASURED.fullmatch(texts[name].iloc[0])]  # fmt: skip
    return ", ".join(f"{name} {texts[name].iloc[0]}" for name in same), texts.drop(columns=same)


def latex(texts: pd.DataFrame, caption: str | None = None, label: str | None = None) -> str:
    """A `tabular`; with a caption or label a `table` around it. Needs `\\usepackage{booktabs}`.

    What all rows say becomes a comment. Every character stands for itself.
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
    """A table in Markdown. Text stays text: it holds no HTML and no links."""
    right: Sequence[str] = numeric(texts)
    lines = [[_plain(str(name)) for name in texts.columns], ["---:" if name in right else "---" for name in texts]]
    lines += [[_plain(str(value)) for value in row] for row in texts.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def csv(frame: pd.DataFrame, **options: Any) -> str:
    """A frame as CSV. Text that a spreadsheet would take for a formula gets a leading apostrophe."""
    return str(frame.map(_cell).rename(columns=_cell).to_csv(index=False, lineterminator="\n", **options))


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return printable(f"'{value}" if _FORMULA.match(value) else value)


def _plain(text: str) -> str:
    for meant, written in (("|", r"\|"), ("](", r"]\("), ("\n", " ")):
        text = text.replace(meant, written)
    return _HTML.sub("&lt;", text)


def _in_line(text: str) -> str:
    return " ".join(text.splitlines())
