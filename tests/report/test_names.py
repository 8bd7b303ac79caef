"""Names on a page may be broken between their parts, and not at a hyphen inside one."""

from __future__ import annotations

import re

import pytest

from tests.report.read import plain
from xtransfer.report.names import whole_names


def parts(name: str) -> list[str]:
    """The parts of a name in a table's cell, those that may be broken in brackets."""
    page = whole_names(f"<td>{name}</td>")
    assert plain(page) == f"<td>{name}</td>"
    found = page.removeprefix("<td>").removesuffix("</td>").split("<wbr>")
    return [re.sub(r'<span class="name">(.*)</span>', r"\1", one) if "<span" in one else f"[{one}]" for one in found]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lab-nli@tr", ["lab-nli@tr"]),
        ("mean-but-en", ["mean-but-en"]),
        ("lab-nli@tr~lab-marian", ["lab-nli@tr", "~lab-marian"]),
        ("natural-inference@sw~opus-mt", ["natural-inference", "@sw", "~opus-mt"]),
        ("mnli@en+lab-nli@tr~nllb", ["mnli@en", "+lab-nli@tr", "~nllb"]),
        ("xcopa&lt;social-iqa,copa", ["xcopa", "&lt;social-iqa", ",copa"]),
        ("an-encoder-of-many-words@0", ["[an-encoder-of-many-words]", "@0"]),
    ],
)
def test_a_name_is_broken_before_its_signs(name: str, expected: list[str]) -> None:
    assert parts(name) == expected


def test_only_text_is_marked() -> None:
    page = '<a title="lab-nli@tr">one</a><option>lab-nli@tr</option><code>lab-nli@tr</code><script>a-b<c>d-e@f</script>'
    assert whole_names(page) == page
