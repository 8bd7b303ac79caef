"""A LaTeX table with booktabs rules; every character stands for itself."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$",
    "|": r"\textbar{}", "[": "{[}", "]": "{]}", "±": r"$\pm$", **{sign: "\\" + sign for sign in "&%$#_{}"},
}  # fmt: skip


def table(texts: pd.DataFrame, numeric: Sequence[str], same: str, caption: str | None, label: str | None) -> str:
    """A `tabular`; with a caption or label a `table` around it. Needs `\\usepackage{booktabs}`.

    `same` says what would stand in every row; it becomes a comment.
    """
    spec = "".join("r" if name in numeric else "l" for name in texts.columns)
    rows = [" & ".join(_number(text) if name in numeric else escaped(text) for name, text in row.items()) + r" \\"
            for row in texts.to_dict("records")]  # fmt: skip
    head = " & ".join(escaped(str(name)) for name in texts.columns) + r" \\"
    body = [rf"\begin{{tabular}}{{{spec}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"]
    if caption or label:
        body = [r"\begin{table}", r"\centering", *body]
        body += [rf"\caption{{{escaped(caption)}}}"] * bool(caption) + [rf"\label{{{label}}}"] * bool(label)
        body += [r"\end{table}"]
    return "\n".join([*([f"% in every row: {same}"] if same else []), *body])


def escaped(text: str | None) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text or "")


def _number(text: str) -> str:
    """A minus sign for a hyphen."""
    return escaped(text).replace("-", "$-$")
