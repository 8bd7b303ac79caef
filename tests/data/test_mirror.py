"""Mirrors of mirrors, and of the stand-in for the hub: the same rows, resumed, never a half file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.data.mirror import write
from tests.data.test_check import XCOPA
from tests.standin.hub import Hub
from tests.standin.process import ROOT, environment, run
from tests.standin.test_hub import data_set
from tests.training.tiny import make_encoder
from xtransfer.base.digest import file_digest
from xtransfer.base.errors import RequestError, SourceError, StoreError
from xtransfer.benchmarks import get
from xtransfer.data.corpora import held_out_texts, load_texts
from xtransfer.data.load import load_rows, pin_rows
from xtransfer.data.mirror import mirror as make
from xtransfer.data.need import Need, Needs
from xtransfer.store.lease import lease
from xtransfer.study.encoders import resolve

FILE = "cambridgeltl/xcopa/{}/test-00000-of-00001.parquet"
BOTH = Needs((Need("xcopa", "test", "sw"), Need("xcopa", "test", "et")))


@pytest.fixture
def source(mirror: Path) -> Path:
    for code in ("sw", "et", "qu"):
        write(mirror, f"cambridgeltl/xcopa/{code}/test", {**XCOPA, "premise": [f"p {code}", "q"]})
    return mirror


def _files(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {".lock", "MANIFEST.json"}


def test_a_mirror_holds_what_is_needed_and_gives_the_same_rows(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {code: load_rows(get("xcopa"), code, "test") for code in ("sw", "et")}
    done = make(BOTH, tmp_path / "to")
    assert set(done.made) == _files(tmp_path / "to") == {FILE.format("sw"), FILE.format("et")}
    entry = json.loads((tmp_path / "to" / "MANIFEST.json").read_text())["files"][FILE.format("sw")]
    assert entry["sha256"] == file_digest(source / FILE.format("sw"))
    assert (entry["rows"], entry["licence"]) == (2, get("xcopa").licence)
    shutil.rmtree(source / "cambridgeltl" / "xcopa" / "qu")
    pin = pin_rows(get("xcopa"), "test", ["sw", "et"])
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "to"))
    assert {code: load_rows(get("xcopa"), code, "test") for code in ("sw", "et")} == rows
    assert pin_rows(get("xcopa"), "test", ["sw", "et"]) == pin  # the same bytes: stored results stay in use


def test_whole_files_are_kept_and_others_made_again(source: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    make(BOTH, to)
    before = (to / FILE.format("sw")).stat().st_mtime_ns
    again = make(BOTH, to)
    assert (again.made, len(again.kept)) == ((), 2) and (to / FILE.format("sw")).stat().st_mtime_ns == before
    damaged = to / FILE.format("sw")
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    (to / FILE.format("et")).unlink()
    assert set(make(BOTH, to).made) == {FILE.format("sw"), FILE.format("et")}
    write(source, "cambridgeltl/xcopa/et/test", {**XCOPA, "label": [0, 0]})
    assert make(BOTH, to).made == (FILE.format("et"),)
    more = make(Needs((Need("xcopa", "test", "qu"),)), to)
    assert more.made == (FILE.format("qu"),) and len(_files(to)) == 3


def test_what_a_killed_run_left_is_cleared_away(source: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    folder = (to / FILE.format("sw")).parent
    folder.mkdir(parents=True)
    (folder / ".test-00000-of-00001.parquet.partial").write_bytes(b"half")
    others = to / "elsewhere" / ".film.mkv.partial"
    others.parent.mkdir()
    others.write_bytes(b"half of a download of another program")
    make(BOTH, to)
    make(BOTH, to)
    assert list(to.rglob("*.partial")) == [others]


def test_wrong_requests_write_nothing(source: Path, tmp_path: Path) -> None:
    to = tmp_path / "to"
    with pytest.raises(SourceError, match=r"xcopa/vi/test: .* has no file vi/test-\*\.parquet"):
        make(Needs((*BOTH.rows, Need("xcopa", "test", "vi"))), to)
    with pytest.raises(SourceError, match=r"ccg/en/train: .*LDC2005T13"):
        make(Needs((*BOTH.rows, Need("ccg", "train", "en"))), to)
    with pytest.raises(RequestError, match="is not a folder"):
        make(Needs(BOTH.rows, ("./nowhere",)), to)
    assert not to.exists()
    for folder in (source, source / "inside", source.parent):
        with pytest.raises(RequestError, match="XTRANSFER_HUB_DIR"):
            make(BOTH, folder)
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="is not a writable folder"):
        make(BOTH, tmp_path / "file" / "to")
    to.mkdir()
    (to / "MANIFEST.json").write_text('{"files": [], "made_on": "today"}')
    with pytest.raises(RequestError, match=r"MANIFEST\.json was not written by this program"):
        make(BOTH, to)
    (to / "MANIFEST.json").unlink()
    write(to, "cambridgeltl/xcopa/sw/test", XCOPA)
    with pytest.raises(RequestError, match="was not put there by this program; move it away"):
        make(BOTH, to)
    assert _files(to) == {FILE.format("sw")}


def test_a_mirror_has_one_writer(source: Path, tmp_path: Path) -> None:
    with lease(tmp_path / "to" / ".lock"), pytest.raises(RequestError, match="another process is writing"):
        make(BOTH, tmp_path / "to")


def test_a_full_disk_says_so(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(StoreError, match="no space left"):
        make(BOTH, tmp_path / "to")
    assert not _files(tmp_path / "to")


def test_text_comes_with_the_evaluation_data_that_it_is_kept_apart_from(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"id": ["1", "2"], "lang": ["sw", "sw"], "text": ["p sw", "Maji ni majimaji."]}
    write(source, "local/text-a/default/train", texts)
    expected = load_texts("mirror-text", num_texts=9, seed=0)
    assert expected == [{"sw": "Maji ni majimaji."}]
    make(Needs((), ("mirror-tiny@0",), ("mirror-text",)), tmp_path / "to")
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "to"))
    assert load_texts("mirror-text", num_texts=9, seed=0) == expected


def test_descriptions_of_pictures_come_with_their_test_split(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = "local/multi30k-en-de-fr-cs/default"
    write(source, f"{folder}/train", {"en": ["A cat runs.", "q"], "de": ["Eine Katze rennt.", "neu"]})
    write(source, f"{folder}/test", {"en": ["A dog."], "de": ["Ein Hund."]})
    expected = load_texts("multi30k", num_texts=9, seed=0)
    make(Needs((), (), ("multi30k",)), tmp_path / "to")
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "to"))
    assert load_texts("multi30k", num_texts=9, seed=0) == expected == [{"en": "A cat runs.", "de": "Eine Katze rennt."}]
    assert held_out_texts("multi30k") == [{"en": "A dog.", "de": "Ein Hund."}]


def test_an_encoder_of_a_mirror_keeps_its_name_and_digest(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = make_encoder(source / "someone" / "tiny")
    before = resolve("someone/tiny")
    done = make(Needs((), ("someone/tiny", str(make_encoder(tmp_path / "own")), "lab-tiny@0")), tmp_path / "to")
    assert set(done.made) == {f"someone/tiny/{path.name}" for path in encoder.iterdir()}
    (note,) = done.notes
    assert "is a local folder" in note
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "to"))
    after = resolve("someone/tiny")
    assert (after.slug, after.revision) == (before.slug, before.revision) and after.id != before.id


def test_the_laboratory_needs_no_mirror(tmp_path: Path) -> None:
    done = make(Needs((Need("lab-nli", "train", "en"),), ("lab-tiny@0",), ("lab",)), tmp_path / "to")
    assert not done.made and not (tmp_path / "to").exists()


DECLARED = """
from xtransfer.benchmarks.spec import Benchmark, Source
THINGS = Benchmark("things", "pair", ("de",), Source("someone/things", config="de", splits={"train": "train"}),
                   {"first": "premise", "second": "hypothesis", "label": "label"}, "accuracy", labels=("yes", "no"))
OTHERS = Benchmark("others", "pair", ("de",), Source("someone/others", config="de", splits={"train": "train"}),
                   {"first": "premise", "second": "hypothesis", "label": "label"}, "accuracy", labels=("yes", "no"))
"""
PROGRAM = """
import json, sys
from pathlib import Path
from xtransfer.benchmarks import get
from xtransfer.data.load import load_rows
from xtransfer.data.mirror import mirror
from xtransfer.study.encoders import resolve
from xtransfer.planning.needs import Needs, of_benchmarks
wanted = of_benchmarks(["things", "others"]) + Needs((), ("someone/tiny",))
if len(sys.argv) > 1:
    done = mirror(wanted, Path(sys.argv[1]))
    print(json.dumps({"made": done.made, "kept": done.kept}))
else:
    rows = {name: load_rows(get(name), "de", "train") for name in ("things", "others")}
    print(json.dumps({"rows": rows, "encoder": resolve("someone/tiny").source}))
"""


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    hub = Hub()
    hub.add("datasets", "someone/things", data_set([0, 1], "t"))
    hub.add("datasets", "someone/others", data_set([1, 0], "o"))
    hub.add_folder("models", "someone/tiny", make_encoder(tmp_path / "encoder"))
    return hub


@pytest.mark.slow
def test_a_mirror_of_the_hub_goes_on_after_a_kill_and_gives_the_hubs_rows(hub: Hub, tmp_path: Path) -> None:
    own, to = tmp_path / "own.py", tmp_path / "to"
    own.write_text(DECLARED)
    more = {"XTRANSFER_BENCHMARKS": str(own)}
    things, others = "someone/things/de/train-00000-of-00001.parquet", "someone/others/de/train-00000-of-00001.parquet"
    commit = hub.repositories["datasets", "someone/others"].commit
    with hub:
        hub.faults[f"others/resolve/{commit}/de/"] = 60.0
        command = [sys.executable, "-c", PROGRAM, str(to)]
        slow = environment(hub, tmp_path, **more, HF_HUB_DOWNLOAD_TIMEOUT="60")
        running = subprocess.Popen(command, cwd=ROOT, env=slow, stderr=subprocess.DEVNULL)
        for _ in range(600):
            if (to / things).exists():
                break
            time.sleep(0.1)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        assert _files(to) == {things}
        hub.faults.clear()
        hub.add("datasets", "someone/others", data_set([0, 0], "moved"))
        before = json.loads(run(hub, tmp_path, PROGRAM, **more).splitlines()[-1])
        hub.add("datasets", "someone/things", data_set([1, 1], "moved"))  # what a mirror has begun stays at its commit
        done = json.loads(run(hub, tmp_path, PROGRAM, str(to), **more).splitlines()[-1])
    assert done["kept"] == [things] and others in done["made"]
    manifest = json.loads((to / "MANIFEST.json").read_text())["files"]
    assert manifest[others]["revision"] == hub.repositories["datasets", "someone/others"].commit
    assert set(manifest) == _files(to)
    assert {f"someone/tiny/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json")} <= set(manifest)
    after = json.loads(run(hub, tmp_path / "offline", PROGRAM, **more, XTRANSFER_HUB_DIR=str(to), HF_HUB_OFFLINE="1"))
    assert after == {"rows": before["rows"], "encoder": "folder"}
