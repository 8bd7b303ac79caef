"""The site's navigation: it can be read, and leaves no page out."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from tests.running import ROOT


def pages(part: object) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from pages(inner)


def test_the_navigation_has_every_page_once() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    docs = ROOT / "docs"
    assert sorted(pages(nav)) == sorted(str(page.relative_to(docs)) for page in docs.rglob("*.md"))
