"""The site is built without a warning, and its pages load nothing from another host."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.running import MINUTES, ROOT

LOADED_BY = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
ELSEWHERE = re.compile(r"(https?:)?//")
IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")


class _Loads(HTMLParser):
    """What a page makes a browser fetch from another host."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        place = dict(attrs).get(LOADED_BY.get(tag, ""))
        if place and ELSEWHERE.match(place):
            self.found.append(place)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material", reason="the extra `docs` is not installed")
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=5 * MINUTES, check=False)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_every_page_is_in_the_site_with_its_generated_parts(site: Path) -> None:
    for page in (ROOT / "docs").rglob("*.md"):
        name = page.relative_to(ROOT / "docs").with_suffix("")
        html = site / ("index.html" if name.name == "index" else f"{name}/index.html")
        assert html.exists(), page
        assert "&lt;!-- generated" not in html.read_text(encoding="utf-8")
    assert 'id="xtransfer-results-gains"' in (site / "reference/cli/index.html").read_text(encoding="utf-8")
    assert "xtransfer.metrics.evaluation.metric" in (site / "reference/api/metrics/index.html").read_text(
        encoding="utf-8"
    )
    assert not list(site.rglob("*.py"))


@pytest.mark.slow
def test_no_page_and_no_style_loads_from_another_host(site: Path) -> None:
    pages, styles = list(site.rglob("*.html")), list(site.rglob("*.css"))
    assert pages and styles
    for page in pages:
        loads = _Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert not loads.found, page
    assert not [style for style in styles if IN_STYLES.search(style.read_text(encoding="utf-8"))]


def test_the_check_finds_what_loads_from_another_host() -> None:
    loads = _Loads()
    loads.feed(
        '<script src="//a.example/x.js"></script><link href="https://b.example/f.css"><a href="https://c.example">'
    )
    assert loads.found == ["//a.example/x.js", "https://b.example/f.css"]
    assert IN_STYLES.search("src: url('https://d.example/f.woff2')")
