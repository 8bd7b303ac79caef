"""A measurement as it is called, in its quick form."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.warm import programs

ROOT = Path(__file__).parents[2]


def quick(name: str, folder: Path, *options: str) -> tuple[dict[str, Any], str]:
    """What `python -m perf.<name> --quick` writes as JSON, and what it prints."""
    file = folder / "measures.json"
    command = [str(programs() / "python"), "-m", f"perf.{name}", "--quick", "--json", str(file), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text()), done.stdout
