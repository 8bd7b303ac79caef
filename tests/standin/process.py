"""A process that takes the stand-in for the hub: it is told at its start where the hub is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.standin.hub import Hub

ROOT = Path(__file__).parents[2]


def environment(hub: Hub, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a process whose cache and home are below a folder, without a mirror."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XTRANSFER_")}
    return {**kept, **hub.environment(folder / "cache"), "XTRANSFER_HOME": str(folder / "home"), **more}


def run(hub: Hub, folder: Path, program: str, *arguments: str, **more: str) -> str:
    """What a Python program prints; `more` goes into its environment."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=environment(hub, folder, **more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
