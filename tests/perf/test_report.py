from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_report_measures_both_ways(tmp_path: Path) -> None:
    file = tmp_path / "measures.json"
    command = [sys.executable, "-m", "perf.report", "--quick", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(file.read_text())["measures"]
    assert one["name"] == "44 cells" and one["ours"] > one["other"] > 0 and one["goal"] is None
