"""A hub that is slow, breaks off, lies about lengths, refuses, or moves: what is said, tried again and left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standin.hub import Fault, Hub
from tests.standin.process import run
from tests.standin.test_hub import data_set
from tests.training.tiny import make_encoder

PROGRAM = """
import json, sys, time
slept = []
time.sleep = slept.append  # the hub's client waits longer after each failure
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.data.load import load_rows

def rows(name, config="de", split="train"):
    source = Source(f"someone/{name}", config=config, splits={"train": split})
    columns = {"first": "premise", "second": "hypothesis", "label": "label"}
    things = Benchmark("things", "pair", ("de",), source, columns, "accuracy", labels=("yes", "no"))
    return load_rows(things, "de", "train")

def model(name):
    from xtransfer.study.encoders import resolve
    from xtransfer.models import checkpoints
    ref = resolve(f"someone/{name}")
    return [len(checkpoints.load((ref.id, ref.revision)).tokenizer)]

said = {}
for name in json.loads(sys.argv[1]):
    slept.clear()
    try:
        got = {"n": len(model(name) if "model" in name else rows(*name.split("/")))}
    except Exception as error:
        got = {"type": type(error).__name__, "text": str(error)}
    said[name] = {**got, "pauses": len(slept)}
print(json.dumps(said))
"""
WEIGHTS = "model.safetensors"
# name → (where it fails: at the question for the commit, or at a file; what happens there; error, what it says)
FAILING: dict[str, tuple[str, Fault | list[Fault], str, str]] = {
    "busy": ("api", 429, "SourceError", "429 Too Many Requests.*limits requests; wait"),
    "broken": ("api", 500, "SourceError", "commit of 'someone/broken'.*server error; try again later"),
    "slow": ("api", 3.0, "SourceError", "the hub is slow; try again, or raise HF_HUB_ETAG_TIMEOUT"),
    "gated": ("api", "gated", "SourceError", "it is gated: accept its terms .* log in with `hf auth login`"),
    "unauthorized": ("api", 401, "SourceError", "access was denied; log in"),
    "file-404": ("de/", 404, "SourceError", "things/de/train: .*'someone/file-404', configuration 'de', split 'train'"),
    "file-401": ("de/", 401, "SourceError", "access was denied; log in with `hf auth login` or HF_TOKEN"),
    "file-gated": ("de/", "gated", "SourceError", "it is gated: accept its terms"),
    "file-429": ("de/", 429, "SourceError", "limits requests"),
    "file-500": ("de/", 500, "SourceError", "server error"),
    "file-cut": ("de/", "truncate", "SourceError", "the download was interrupted; try again"),
    "file-short": ("de/", "short", "SourceError", "should be of size .*the download was interrupted; try again"),
    "model-busy": ("api", 429, "SourceError", "could not ask the hub for a model .*limits requests"),
    "model-gated": ("api", "gated", "RequestError", "encoder 'someone/model-gated' is gated: accept its terms"),
    "model-file-gated": (WEIGHTS, "gated", "RequestError", "model 'someone/model-file-gated' at .*it is gated"),
    "model-file-500": (WEIGHTS, 500, "SourceError", "server error; try again later, or name a local folder"),
    "model-file-cut": (WEIGHTS, "truncate", "SourceError", "the download was interrupted"),
    "model-short-tokenizer": ("tokenizer.json", "short", "SourceError", "the download was interrupted"),
}
RECOVERING: dict[str, tuple[str, Fault | list[Fault]]] = {
    "once-busy": ("api", [429]),
    "twice-broken": ("api", [500, 503]),
    "once-slow": ("api", [1.5]),
    "once-file-503": ("de/", [503]),
    "once-file-slow": ("de/", [None, 1.5]),
    "once-file-cut": ("de/", [None, "truncate"]),
    "once-file-short": ("de/", [None, "short"]),
    "once-model-busy": ("api", [503]),
    "once-model-cut": (WEIGHTS, [None, "truncate"]),
    "once-model-short": (WEIGHTS, [None, "short"]),
}
WRONG = {  # name → what it says
    "plain/fr": "things/de/train: .*configuration 'fr', .*Available: .*'de'.*; correct the declaration",
    "plain/de/dev": "split 'dev': .*Unknown split.*; correct the declaration",
    "empty": "things/de/train: .*has no rows",
    "script": "it needs a loading script, and code of data sets is never run; set a revision with parquet files",
    "unlabelled": "things/de/train: no column label .labels are hidden",
    "strange": "things/de/train, row 1, column 'label': label 7 is not valid, expected one of 0, 1",
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    encoder = make_encoder(tmp_path_factory.mktemp("encoder"))
    with Hub() as server:
        faults = {**{name: (one[0], one[1]) for name, one in FAILING.items()}, **RECOVERING}
        for number, name in enumerate(faults):  # contents differ, since equal files are one file in the hub's cache
            if "model" in name:
                server.add_folder("models", f"someone/{name}", encoder)
            else:
                server.add("datasets", f"someone/{name}", data_set([0, 1], words=f"{number}"))
        for name, (where, fault) in faults.items():
            kind = "models" if "model" in name else "datasets"
            place = f"api/{kind}/someone/{name}" if where == "api" else f"someone/{name}/resolve/"
            commit = server.repositories[kind, f"someone/{name}"].commit
            server.faults[place if where == "api" else f"{place}{commit}/{where}"] = fault
        server.add("datasets", "someone/plain", data_set([0, 1]))
        server.add("datasets", "someone/empty", data_set([]))
        server.add("datasets", "someone/script", {"script.py": b"raise SystemExit('this must never run')\n"})
        server.add("datasets", "someone/unlabelled", data_set(None))
        server.add("datasets", "someone/strange", data_set([0, 7]))
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("process")


@pytest.fixture(scope="module")
def outcomes(hub: Hub, folder: Path) -> dict[str, Any]:
    """What each attempt gave; one process makes them all."""
    names = [*FAILING, *RECOVERING, *WRONG]
    seconds = {"HF_HUB_ETAG_TIMEOUT": "1", "HF_HUB_DOWNLOAD_TIMEOUT": "1"}
    said: dict[str, Any] = json.loads(run(hub, folder, PROGRAM, json.dumps(names), **seconds).splitlines()[-1])
    return said


@pytest.mark.parametrize("name", FAILING)
def test_what_fails_says_what_to_do(outcomes: dict[str, Any], name: str) -> None:
    _, _, kind, says = FAILING[name]
    assert outcomes[name].get("type") == kind, outcomes[name]
    assert re.search(says, outcomes[name]["text"])
    assert "\n" not in outcomes[name]["text"] and len(outcomes[name]["text"]) < 1000


@pytest.mark.parametrize("name", RECOVERING)
def test_what_passes_is_tried_again(outcomes: dict[str, Any], name: str) -> None:
    assert outcomes[name].get("n"), outcomes[name]


def test_what_will_not_pass_is_not_tried_again(outcomes: dict[str, Any]) -> None:
    assert outcomes["busy"]["pauses"] == outcomes["broken"]["pauses"] == 2
    for name in ("gated", "unauthorized", "file-404", "file-gated", "model-gated", "model-file-gated", "script"):
        assert outcomes[name]["pauses"] == 0, name


@pytest.mark.parametrize("name", WRONG)
def test_what_is_declared_wrongly_is_named(outcomes: dict[str, Any], name: str) -> None:
    assert outcomes[name]["type"] in ("SourceError", "HiddenLabels", "EmptySplit", "DataError"), outcomes[name]
    assert re.search(WRONG[name], outcomes[name]["text"])


def test_nothing_half_written_is_left_and_the_next_try_gets_everything(
    hub: Hub, folder: Path, outcomes: dict[str, Any]
) -> None:
    failed = [name for name in FAILING if not name.startswith("model")]
    tables = [file for file in (folder / "cache" / "datasets").rglob("*.arrow") if "someone___file-" in str(file)]
    assert not tables
    hub.faults.clear()
    names = [*failed, "model-file-cut", "model-short-tokenizer"]
    again = json.loads(run(hub, folder, PROGRAM, json.dumps(names)).splitlines()[-1])
    assert {name: one.get("n") for name, one in again.items() if "model" not in name} == dict.fromkeys(failed, 2)
    assert all("n" in again[name] for name in names), again


MOVING = """
import sys
from xtransfer.base.errors import SourceError
from xtransfer.data.revisions import Pins
from xtransfer.data.pinned import check, rows

if len(sys.argv) == 1:
    print(Pins().data("moving", "train", ["de"]))
else:
    try:
        print(check([rows("moving", "train", ["de"], sys.argv[1])]))
    except SourceError as error:
        print(error)
"""
DECLARED = """
from xtransfer.benchmarks.spec import Benchmark, Source
MOVING = Benchmark("moving", "pair", ("de",), Source("someone/moving", config="de", splits={"train": "train"}),
                   {"first": "premise", "second": "hypothesis", "label": "label"}, "accuracy", labels=("yes", "no"))
"""


def test_a_stage_refuses_rows_that_moved_since_the_plan(hub: Hub, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(DECLARED)
    more = {"XTRANSFER_BENCHMARKS": str(own)}
    hub.add("datasets", "someone/moving", data_set([0, 1]))
    pinned = run(hub, tmp_path, MOVING, **more).strip()
    assert run(hub, tmp_path, MOVING, pinned, **more).strip() == "None"
    hub.add("datasets", "someone/moving", data_set([1, 0]))
    assert "moving/train: its rows or its declaration changed since" in run(hub, tmp_path, MOVING, pinned, **more)
