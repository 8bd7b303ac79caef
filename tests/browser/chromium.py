"""A Chromium to look at pages with: the system's, or Playwright's own where `playwright install chromium` was run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_NAMES_OF_SITES = "--host-resolver-rules=MAP *.example 127.0.0.1"  # so that a test can serve other sites
WINDOW = {"width": 1280, "height": 900}


class NoBrowser(Exception):
    """There is none; the message says how to get one."""


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser; raises NoBrowser where there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NoBrowser("playwright is not installed: pip install '.[dev]'") from error
    with sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, _NAMES)), playwright.chromium.executable_path)
        if not Path(found).exists():
            raise NoBrowser("there is no Chromium: install one, or run `python -m playwright install chromium`")
        browser = playwright.chromium.launch(executable_path=found, args=[_NAMES_OF_SITES])
        try:
            yield browser
        finally:
            browser.close()


if __name__ == "__main__":  # for the Makefile: exit status 1 where a browser is missing
    try:
        with chromium():
            pass
    except NoBrowser as error:
        raise SystemExit(str(error)) from error
