"""`xtransfer results aggregate` and `xtransfer export`, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from tests.running import Ran, xtransfer
from tests.scoring.finished import Outcome, finish
from xtransfer.base.errors import RequestError
from xtransfer.metrics.aggregate import XTREME_R

XCOPA = next(one for one in XTREME_R.members if one.benchmark == "xcopa")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), catch_exceptions=False)


@pytest.fixture
def study() -> str:
    """XCOPA after direct and after an intermediate, two seeds: 50, 54 and 60, 64 points."""
    rows = [(str(number), number % 2) for number in range(500)]
    finish(
        {
            (intermediate, seed): {
                "xcopa": Outcome(
                    dict.fromkeys(XCOPA.languages, rows),
                    {code: {"accuracy": points + 4 * seed} for code in XCOPA.languages},
                )
            }
            for intermediate, points in (("direct", 50.0), ("mnli@en", 60.0))
            for seed in (0, 1)
        }
    )
    return "mine"


def test_aggregate_as_json(study: str) -> None:
    printed = call("results", "aggregate", "--study", study, "--version", "xtreme-r", "--format", "json").stdout
    found = {(row["intermediate"], row["name"]): row for row in json.loads(printed)}
    assert found["mnli@en", "xcopa"]["value"] == 62 and found["mnli@en", "xcopa"]["n_seeds"] == 2
    total = found["direct", "total"]
    assert total["value"] is None and total["missing"].split("; ")[0] == "xnli" and "xcopa" not in total["missing"]


@pytest.mark.parametrize("fmt", ["table", "csv", "latex", "markdown"])
def test_aggregate_in_every_format(study: str, fmt: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = call("results", "aggregate", "--version", "xtreme-r", "--partial", "--each-seed", "--seed", "1",
                "--intermediate", "direct", "--format", fmt)  # fmt: skip
    assert "54" in done.stdout and "classification" in done.stdout


def test_wrong_versions_and_studies(study: str) -> None:
    with pytest.raises(RequestError, match="no version 'xtreem'; did you mean 'xtreme'"):
        call("results", "aggregate", "--version", "xtreem")
    with pytest.raises(RequestError, match="no study 'mien'; did you mean 'mine'"):
        call("results", "aggregate", "--study", "mien")
    with pytest.raises(RequestError, match="no cell has a target of xtreme; "):
        call("results", "aggregate", "--study", study)


def test_export(study: str, tmp_path: Path) -> None:
    out = tmp_path / "predictions"
    done = call("export", study, "--layout", "xtreme-r", "--out", str(out), "--seed", "0")
    folders = ["tiny@0_direct_seed-0", "tiny@0_mnli@en_seed-0"]
    assert done.stdout.splitlines()[:2] == [str(out / name) for name in folders]
    assert "not included: xnli, udpos" in done.output
    written = out / folders[1] / "xcopa"
    assert sorted(path.name for path in written.iterdir()) == sorted(f"test-{code}.jsonl" for code in XCOPA.languages)
    listed = json.loads(call("export", study, "--layout", "xtreme-r", "--out", str(tmp_path / "more"), "--json").stdout)
    assert [one["seed"] for one in listed] == [0, 1, 0, 1] and listed[0]["benchmarks"] == ["xcopa"]


def test_export_of_what_has_no_layout(small_lab: Ran, tmp_path: Path) -> None:
    done = xtransfer(small_lab.home, "export", "quick", "--layout", "xtreme", "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and "has a target of xtreme (xnli, paws-x" in done.stderr
    assert not (tmp_path / "out").exists()
