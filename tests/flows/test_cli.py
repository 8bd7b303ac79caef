"""A wrong request ends with status 2, names what is wrong and what is allowed, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import cli
from tests.running import QUICK, cold_xtransfer, xtransfer
from xtransfer.base.errors import RequestError
from xtransfer.study.builtin import STUDIES

STUDY = "name: mine\nencoders: [lab-tiny@0]\nintermediates: [direct]\ntargets: [lab-inference]\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "lba"], "did you mean 'lab'"),
        (["run", "lab", "--set", "encoder=lab-tinny@0"], "lab-tiny"),
        (["run", "lab", "--set", "targets=[lab-inferense]"], "did you mean 'lab-inference'"),
        (["run", "lab", "--set", "languages=[xx]"], "xx"),
        (["run", "lab", "--set", "languages=[zh]"], "there is nothing to score"),
        (["run", "lab", "--set", "intermediates=[lab-nli@zh]"], "no rows in 'zh'"),
        (["run", "lab", "--set", "intermediates=[lab-nli@de~google]"], "lab-marian"),
        (["run", "lab", "--set", "sedes=[1]"], "no field 'sedes'"),
        (["run", "lab", "--set", "seeds=[]"], "seeds"),
        (["run", "lab", "--set", "intermediate_recipe.learning_rate=fast"], "learning_rate"),
        (["run", "missing.yaml"], "missing.yaml"),
    ],
)
def test_wrong_requests(arguments: list[str], said: str, home: Path) -> None:
    with pytest.raises(RequestError, match=said):
        CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
    assert not (home / "results.db").exists() and not (home / "artifacts").exists()


def test_wrong_yaml_fields_are_named_with_their_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(STUDY + "sedes: [1]\n")
    with pytest.raises(RequestError, match=r"mine\.yaml: sedes"):
        CliRunner().invoke(cli.app, ["plan", str(file)], catch_exceptions=False)


def test_exit_status_and_message(tmp_path: Path) -> None:
    done = cold_xtransfer(tmp_path / "home", "run", "lba")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no study 'lba'") and done.stdout == ""


def test_a_file_that_the_system_refuses_is_named_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["xtransfer", "results", "import", f"{tmp_path}/{'a' * 300}.parquet"])
    monkeypatch.setenv("XTRANSFER_HOME", str(tmp_path / "home"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 1 and said.startswith("failed: ") and said.endswith(".parquet: File name too long\n")


def test_a_full_disk_behind_the_output_is_named(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli", "studies"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1 and done.stderr == "failed: output: No space left on device\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_home_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = xtransfer(tmp_path / "home", "run", QUICK)
    assert done.returncode == 2 and "XTRANSFER_HOME" in done.stderr


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with sqlite3.connect(home / "results.db") as connection:
        connection.execute("CREATE TABLE xtransfer_schema (version_num TEXT)")
        connection.execute("INSERT INTO xtransfer_schema VALUES ('9999')")
        connection.execute("CREATE TABLE study (name TEXT)")
    before = (home / "results.db").read_bytes()
    done = xtransfer(home, "run", QUICK)
    assert done.returncode == 1 and "9999" in done.stderr
    assert (home / "results.db").read_bytes() == before and not (home / "artifacts").exists()


def test_studies_and_benchmarks_list_everything() -> None:
    listed = json.loads(CliRunner().invoke(cli.app, ["studies", "--json"]).stdout)
    assert {study["name"] for study in listed} == set(STUDIES)
    benchmarks = json.loads(CliRunner().invoke(cli.app, ["benchmarks", "--json"]).stdout)
    assert {"lab-inference", "xnli", "xcopa"} <= {one["name"] for one in benchmarks}


def test_a_recipe_says_how_its_checkpoint_is_selected() -> None:
    for name, is_last in (("nli-26-de", True), ("mnli", False)):
        done = CliRunner().invoke(cli.app, ["benchmarks", name], env={"COLUMNS": "400"})
        assert ("select last, because there are no English dev rows to select on" in done.stdout) == is_last
        assert ("select best" in done.stdout) != is_last


def test_the_store_is_listed_verified_and_cleaned(own_lab: Path) -> None:
    assert "score lab-inference after direct seed 10" in xtransfer(own_lab, "store", "ls").stdout
    assert ", 0 damaged" in xtransfer(own_lab, "store", "verify").stdout
    kept = xtransfer(own_lab, "store", "gc", "--min-age", "0", "--cache-days", "0", "--dry-run")
    assert kept.returncode == 0, kept.stderr
    assert kept.stdout.startswith(
        "to remove: 0 artifacts and unfinished stages, 0.0 MB\nto remove: 12 files of encoded"
    )
