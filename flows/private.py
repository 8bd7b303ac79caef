"""Small JSON files that say what runs and where; only their owner may read them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_json(file: Path, values: dict[str, Any]) -> None:
    """Write `values` to a temporary name, then rename."""
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.touch(mode=0o600)
    part.write_text(json.dumps(values))
    part.replace(file)


def read_json(file: Path) -> dict[str, Any]:
    """What a file says; empty where it is missing or damaged, as after a kill."""
    try:
        values = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
