"""Text and tables for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from xtransfer.base.printable import printable

_SPECIAL = {
    "\n": " ", "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}", "±": r"$\pm$",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}  # fmt: skip


def escape(text: str) -> str:
    """Returns text with LaTeX's special characters escaped."""
    return "".join(_SPECIAL.get(character, character) for character in printable(text))


def minus(text: str) -> str:
    """Returns numbers with LaTeX minus signs, which are as wide as the plus."""
    return text.replace("-", "$-$")


def tabular(spec: str, lines: Sequence[str]) -> str:
    """Returns a `tabular` with the rules of the package booktabs."""
    return "\n".join([rf"\begin{{tabular}}{{{spec}}}", r"\toprule", *lines, r"\bottomrule", r"\end{tabular}"])
