"""The prepared run for a GPU: it says so without one, runs whole on the CPU if asked, and reports what fails."""

from __future__ import annotations

import json
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from perf import gpu, gpu_checks
from perf.gpu_checks import Bench
from perf.measure import Bound


def _main(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    monkeypatch.setattr(sys, "argv", ["perf.gpu", *options])
    return gpu.main()


def test_without_a_gpu_it_measures_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert _main(monkeypatch) == 0
    assert "torch sees none: nothing was measured. --tiny runs the same checks on the CPU" in capsys.readouterr().out


@pytest.mark.slow
def test_every_check_runs_on_the_cpu_and_holds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XTRANSFER_HOME", str(tmp_path))
    assert _main(monkeypatch, "--tiny", "--json", str(tmp_path / "out.json"), "--minutes", "60") == 0, (
        capsys.readouterr()
    )
    measures = {one["name"]: one for one in json.loads((tmp_path / "out.json").read_text())["measures"]}
    assert [name for name in measures if "differ" in name] == [
        "packed and padded, fp32: losses differ by",
        "packed and padded, bf16: losses differ by",
        "resumed and undisturbed: last loss differs by",
        "resumed and undisturbed: weights differ by",
        "with memory short and not: losses differ by",
        "two devices and one: losses differ by",
    ]
    assert measures["rows at once where a batch does not fit"]["ours"] == 8
    assert {"2 x 64, batch 8", "2 x 64, batch 8: MFU"} <= measures.keys()
    assert all(one["holds"] is not False for one in measures.values())


def test_a_check_that_fails_or_has_no_time_is_named_and_the_others_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(bench: Bench) -> gpu_checks.Rows:
        raise RuntimeError("no kernel image")

    def hangs(bench: Bench) -> gpu_checks.Rows:
        time.sleep(60)
        raise AssertionError

    checks = {
        "broken": fails,
        "sound": lambda bench: [Bound("a number", 1.0, most=2.0)],
        "slow": hangs,
        "late": fails,
    }
    monkeypatch.setattr(gpu_checks, "CHECKS", checks)
    monkeypatch.setattr(gpu, "_bench", lambda asked, folder: "bench")
    found, faults = gpu.measure(Namespace(minutes=0.02), tmp_path)
    assert [row.name for row in found] == ["a number"]
    assert faults == [
        "broken: RuntimeError: no kernel image",
        "slow: not finished within 0.02 minutes",
        "late: left out for lack of time; run it with a larger --minutes",
    ]


def test_what_differs_is_a_fault(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(gpu, "measure", lambda asked, folder: ([Bound("losses differ by", 0.1, most=1e-4)], []))
    assert _main(monkeypatch, "--tiny") == 1
    assert "missed" in capsys.readouterr().out
