"""The hook of mkdocs.yml: a line `<!-- generated: NAME -->` of a page becomes `docs.generate.NAME.markdown()`."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = str(Path(__file__).parents[2])
_MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """The page with its generated parts; raises ModuleNotFoundError for a name that has no generator."""
    if ROOT not in sys.path:
        sys.path.insert(0, ROOT)
    return _MARK.sub(lambda mark: import_module(f"docs.generate.{mark[1]}").markdown(), markdown)
