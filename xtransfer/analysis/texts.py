"""Tables whose cells are texts, for people: which columns are numbers, what is the same in every row, LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from xtransfer.base.latex import escape, minus, tabular

if TYPE_CHECKING:
    import pandas as pd

_NUMBER = re.compile(r"[<+-]?[\d,.]+%?|\[.*\]|")  # aligned right: numbers, intervals, nothing
_MEASURED = re.compile(r"[<+-]?\d*\.\d+|\[.*\]")  # stays in its column even where it is the same in every row


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
    return "\n".join([*([f"% in every row: {same}"] if same else []), *body])


def markdown(texts: pd.DataFrame) -> str:
    """A table in Markdown."""
    right: Sequence[str] = numeric(texts)
    lines = [list(map(str, texts.columns)), ["---:" if name in right else "---" for name in texts.columns]]
    lines += [[str(value).replace("|", r"\|") for value in row] for row in texts.itertuples(index=False)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
