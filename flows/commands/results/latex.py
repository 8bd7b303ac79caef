"""A LaTeX table with booktabs rules; every character stands for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xtransfer.base.latex import escape, minus, tabular

if TYPE_CHECKING:
    import pandas as pd


def table(texts: pd.DataFrame, numeric: Sequence[str], same: str, caption: str | None, label: str | None) -> str:
    """A `tabular`; with a caption or label a `table` around it. Needs `\\usepackage{booktabs}`.

    `same` says what would stand in every row; it becomes a comment.
    """
    spec = "".join("r" if name in numeric else "l" for name in texts.columns)
    rows = [" & ".join(minus(escape(text)) if name in numeric else escape(text) for name, text in row.items()) + r" \\"
            for row in texts.to_dict("records")]  # fmt: skip
    head = " & ".join(escape(str(name)) for name in texts.columns) + r" \\"
    body = [tabular(spec, [head, r"\midrule", *rows])]
    if caption or label:
        body = [r"\begin{table}", r"\centering", *body]
        body += [rf"\caption{{{escape(caption or '')}}}"] * bool(caption) + [rf"\label{{{label}}}"] * bool(label)
        body += [r"\end{table}"]
    return "\n".join([*([f"% in every row: {same}"] if same else []), *body])
