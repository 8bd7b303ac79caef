"""The kinds of benchmark: the fields of their rows, and which of these are translated."""

from __future__ import annotations

import sys

from docs.generate.tables import table
from xtransfer.kinds import KINDS
from xtransfer.kinds.spec import Translatable


def markdown() -> str:
    """A table with a line for each kind."""
    rows = ((kind.name, ", ".join(kind.fields), _translated(kind.translation)) for kind in KINDS.values())
    return table(("kind", "fields", "translated"), rows)


def _translated(translation: Translatable | str) -> str:
    return ", ".join(translation.fields) if isinstance(translation, Translatable) else f"no: {translation}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
