"""Small JSON files that record what runs where; only their owner may read them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_json(file: Path, values: Mapping[str, object]) -> None:
    """Write `values` under a temporary name, then rename."""
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.touch(mode=0o600)
    part.write_text(json.dumps(dict(values)))
    part.replace(file)


def read_json(file: Path) -> dict[str, object]:
    """The values in a file; empty if it is missing or damaged, as after a kill."""
    try:
        values = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
