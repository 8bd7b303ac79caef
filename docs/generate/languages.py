"""The languages of the project's table."""

from __future__ import annotations

import sys

from docs.generate.tables import table
from xtransfer.base.languages import TABLE


def markdown() -> str:
    """A table with a line for each language."""
    rows = ((one.code, one.name, _family(one.family, one.branch), one.script) for one in TABLE.values())
    return table(("code", "name", "family", "script"), rows)


def _family(family: str, branch: str) -> str:
    return family if branch == family else f"{family}, {branch}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
