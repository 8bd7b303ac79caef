from __future__ import annotations

from pathlib import Path

from tests.perf.quick import quick


def test_report_measures_both_ways(tmp_path: Path) -> None:
    (one,) = quick("report", tmp_path)[0]["measures"]
    assert one["name"] == "44 cells" and one["ours"] > one["other"] > 0 and one["goal"] is None
