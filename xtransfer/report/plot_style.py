"""What all plots have in common: colours, type, and how long names are broken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl

INK = "#1b1f24"  # on a page this becomes the text colour
PAPER = "#fefdfe"  # lines between coloured fields; on a page this becomes the background
# Okabe and Ito, "Color Universal Design", 2008, with a brown and a grey in place of yellow and black
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
DASHES: tuple[Any, ...] = ("-", "--", ":", "-.")  # a ninth line takes the first colour again, dashed
_LABEL_WIDTH = 26  # characters


@contextmanager
def style() -> Iterator[None]:
    """Settings of every plot, for as long as one is made."""
    inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
    settings: Any = dict.fromkeys(inked, INK) | {
        "font.family": "DejaVu Sans",
        "font.size": 10,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
    }
    with mpl.rc_context(settings):
        yield


def label(name: str) -> str:
    """The name of an intermediate on lines of at most 26 characters where its parts allow that."""
    lines = [""]
    for part in re.split(r"(?<=[+~])", name):
        if lines[-1] and len(lines[-1]) + len(part) > _LABEL_WIDTH:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
