"""`xtransfer data`: exit status 0 all can be used, 1 something cannot, 2 the request is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows import cli
from tests.data.conftest import mirror
from tests.data.mirror import write
from tests.data.test_check import XCOPA
from tests.running import xtransfer
from xtransfer.base.errors import RequestError, SourceError

__all__ = ["mirror"]  # the fixture
STUDY = """
name: mine
encoders: [lab-mini@0]
intermediates: [direct, lab-nli@de]
targets: [lab-inference, xcopa]
intermediate_recipe: {epochs: 1, max_length: 64}
target_recipe: {epochs: 1, max_length: 64}
languages: [sw, de]
"""


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["data", *arguments], catch_exceptions=False)


@pytest.fixture
def study(mirror: Path, tmp_path: Path) -> Path:
    """A study of the laboratory and of XCOPA, whose data are in the mirror."""
    write(mirror, "cambridgeltl/xcopa/sw/test", XCOPA)
    columns = {**XCOPA, "context": XCOPA["premise"]}
    for split in ("train", "validation"):
        write(mirror, f"aps/super_glue/copa/{split}", columns)
    file = tmp_path / "mine.yaml"
    file.write_text(STUDY)
    return file


def test_a_check_lists_each_piece(study: Path) -> None:
    done = _invoke("check", "--study", str(study))
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert lines[0] == ["what", "split", "language", "from", "rows", "state"]
    assert ["xcopa", "test", "sw", "mirror", "2", "ok"] in lines
    assert ["lab-nli", "train", "de", "laboratory", "4800", "ok"] in lines
    assert ["lab-mini@0", "", "", "trained here", "", "ok"] in lines
    assert "xcopa has no de: the study runs without them" in done.stdout
    found = json.loads(_invoke("check", "--study", str(study), "--json").stdout)
    assert found["ok"] and found["lacking"] == {"xcopa": ["de"]}
    assert {"xcopa", "lab-inference", "lab-nli"} <= {one["name"] for one in found["pieces"]}


def test_hidden_labels_end_a_check_with_status_1(study: Path, mirror: Path) -> None:
    write(mirror, "cambridgeltl/xcopa/sw/test", {**XCOPA, "label": [-1, -1]})
    done = _invoke("check", "--study", str(study))
    assert done.exit_code == 1
    assert "hidden: xcopa test sw: xcopa/sw/test: labels are hidden" in done.stdout
    assert not json.loads(_invoke("check", "--study", str(study), "--json").stdout)["ok"]
    assert _invoke("check", "--study", str(study), "--fast").exit_code == 0  # which reads no labels


def test_what_is_missing_is_said_once_for_all_languages(study: Path) -> None:
    done = _invoke("check", "--benchmark", "xcopa", "--fast")
    assert done.exit_code == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("missing: xcopa test")]
    assert "xcopa test et (also ht id it qu" in line and "et/test-*.parquet; add it" in line


def test_everything_is_checked_where_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    done = _invoke("check", "--fast", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 1 and not found["ok"]
    assert all(one["state"] == "ok" for one in found["pieces"] if one["origin"] == "laboratory")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--study", "lba"], "did you mean 'lab'"),
        (["check", "--benchmark", "xnly"], "did you mean 'xnli'"),
        (["check", "--small"], "name one with --study"),
        (["check", "--study", "lab", "--set", "targets=[lab-inferense]"], "did you mean 'lab-inference'"),
        (["mirror", "--to", "TO"], "--study STUDY, --benchmark NAME"),
        (["mirror", "--to", "TO", "--study", "lba"], "did you mean 'lab'"),
        (["mirror", "--to", "TO", "--study", "lab", "--set", "encoder=lab-tinny@0"], "lab-tiny"),
    ],
)
def test_wrong_requests_write_nothing(arguments: list[str], said: str, tmp_path: Path, home: Path) -> None:
    arguments = [str(tmp_path / "to") if one == "TO" else one for one in arguments]
    with pytest.raises(RequestError, match=said):
        _invoke(*arguments)
    assert not (tmp_path / "to").exists() and not home.exists()


def test_a_mirror_that_lacks_a_source_is_not_begun(study: Path, mirror: Path, tmp_path: Path) -> None:
    (mirror / "cambridgeltl/xcopa/sw/test-00000-of-00001.parquet").unlink()
    with pytest.raises(SourceError, match="xcopa/sw/test"):
        _invoke("mirror", "--to", str(tmp_path / "to"), "--study", str(study))
    assert not (tmp_path / "to").exists()


def test_a_mirror_is_made_kept_and_enough_for_its_study(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "to"
    first = _invoke("mirror", "--to", str(to), "--study", str(study))
    assert first.exit_code == 0 and "2 files added, 0 kept" in first.stdout
    assert "cambridgeltl/xcopa/sw/test-00000-of-00001.parquet" in first.stdout
    assert f"XTRANSFER_HUB_DIR={to} xtransfer data check --study {study}" in first.stdout
    again = json.loads(_invoke("mirror", "--to", str(to), "--study", str(study), "--json").stdout)
    assert (again["made"], len(again["kept"])) == ([], 2)
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(to))
    assert _invoke("check", "--study", str(study)).exit_code == 0


def test_a_study_of_the_laboratory_needs_no_mirror(tmp_path: Path) -> None:
    done = _invoke("mirror", "--to", str(tmp_path / "to"), "--study", "lab")
    assert done.exit_code == 0 and "nothing to mirror" in done.stdout and not (tmp_path / "to").exists()


def test_status_of_the_program(tmp_path: Path) -> None:
    done = xtransfer(tmp_path / "home", "data", "check", "--benchmark", "xnly")
    assert done.returncode == 2 and done.stderr.startswith("error: no benchmark 'xnly'") and not done.stdout
