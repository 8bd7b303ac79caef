"""Text in LaTeX."""

from __future__ import annotations

_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}", "±": r"$\pm$",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}  # fmt: skip


def escape(text: str) -> str:
    """Text in which every character stands for itself."""
    return "".join(_SPECIAL.get(character, character) for character in text)
