"""Texts under each other, as Prefect's pages show them."""

from __future__ import annotations

from tasks.artifacts import listed
from xtransfer.base.printable import in_markdown


def test_neighbours_share_a_heading() -> None:
    rows = [
        {"language": "de", "source": "A *dog*.", "translation": "Ein\nHund.", "reference": ""},
        {"language": "de", "source": "Two.", "translation": "Zwei.", "reference": "Zwei!"},
        {"language": "fr", "source": "A.", "translation": "Un.", "reference": ""},
    ]
    assert listed(rows, ("language",), ("source", "translation", "reference")) == (
        "### de\n\n- A \\*dog\\*.  \n  → Ein Hund.\n\n- Two.  \n  → Zwei.  \n  → Zwei\\!\n\n### fr\n\n- A.  \n  → Un."
    )


def test_signs_of_markdown_are_text() -> None:
    assert in_markdown("<b>[x](y)") == "\\<b\\>\\[x\\](y)"
