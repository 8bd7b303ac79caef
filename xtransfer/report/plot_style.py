"""What all plots share: colours, fonts and line breaks in long names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import matplotlib as mpl

if TYPE_CHECKING:
    from matplotlib.typing import LineStyleType

INK = "#1b1f24"  # replaced by the text colour on a page
PAPER = "#fefdfe"  # lines between coloured fields; replaced by the background colour on a page
# Okabe and Ito, "Color Universal Design", 2008, with a brown and a grey in place of yellow and black
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
DASHES: tuple[LineStyleType, ...] = ("-", "--", ":", "-.")  # a ninth line takes the first colour again, dashed
_LABEL_WIDTH = 26  # characters


@contextmanager
def style() -> Iterator[None]:
    """Applies the settings of every plot inside the `with` block."""
    with mpl.rc_context(
        {
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.facecolor": "none",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "legend.frameon": False,
        }
    ):
        yield


def label(name: str) -> str:
    """Returns the name of an intermediate, broken between its parts into lines of at most 26 characters if possible."""
    lines = [""]
    for part in re.split(r"(?<=[+~])", name):
        if lines[-1] and len(lines[-1]) + len(part) > _LABEL_WIDTH:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)
