"""The hub path against a stand-in: data sets, revisions, tokenizers, models, and answers that fail.

A process is told at its start where the hub is, so one process of its own makes all the attempts.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.standin.hub import Hub
from tests.standin.process import run
from tests.training.tiny import make_encoder

CARD = b"---\nconfigs:\n- config_name: de\n  data_files:\n  - split: train\n    path: de/train-*.parquet\n---\n"
PROGRAM = """
import json, sys, time
time.sleep = lambda seconds: None  # the hub's client waits longer after each failure
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.data.load import load_rows, pin

def attempt(path, revision=None, split="train"):
    source = Source(path, config="de", splits={"train": split}, revision=revision)
    columns = {"first": "premise", "second": "hypothesis", "label": "label"}
    things = Benchmark("things", "pair", ("de",), source, columns, "accuracy", labels=("yes", "no"))
    try:
        return {"pin": pin(source), "rows": load_rows(things, "de", "train")}
    except Exception as error:
        return {"type": type(error).__name__, "text": str(error)}

def model(path, commit):
    from xtransfer.models import checkpoints
    loaded = checkpoints.load((path, commit))
    return [type(loaded.encoder).__name__, len(loaded.tokenizer("the red house", "a tree")["input_ids"])]

print(json.dumps([attempt(*one) for one in json.loads(sys.argv[1])] + [model(*sys.argv[2:])]))
"""


def _parquet(labels: list[int] | None, words: str) -> bytes:
    given = [0, 0] if labels is None else labels
    columns = {"premise": [f"p{words}", f"q{words}"][: len(given)], "hypothesis": ["h", "i"][: len(given)]}
    table = pa.table({**columns, "label": pa.array(given, pa.int64())})
    buffer = io.BytesIO()
    pq.write_table(table if labels is not None else table.drop_columns(["label"]), buffer)
    return buffer.getvalue()


def data_set(labels: list[int] | None, words: str = "") -> dict[str, bytes]:
    """The files of a data set of at most two rows; None: without a column of labels."""
    return {"README.md": CARD, "de/train-00000-of-00001.parquet": _parquet(labels, words)}


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as server:
        yield server


ATTEMPTS: dict[str, tuple[str, ...]] = {
    "main": ("someone/things",),
    "branch": ("someone/branched", "refs/convert/parquet"),
    "converted": ("someone/converted", "refs/convert/parquet"),
    "no-set": ("someone/nowhere",),
    "no-revision": ("someone/things", "a-branch-that-is-not"),
    "no-split": ("someone/things", "main", "train[:1]x"),
    "gone": ("someone/gone",),
    "failing": ("someone/failing",),
    "truncated": ("someone/truncated",),
    "script": ("someone/script",),
}


@pytest.fixture(scope="module")
def outcomes(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each attempt gave; one process makes them all."""
    for name in ("things", "gone", "failing", "truncated"):
        hub.add("datasets", f"someone/{name}", data_set([0, 1]))
    hub.add("datasets", "someone/branched", data_set([1, 0]), branches=("main", "refs/convert/parquet"))
    converted = {f"{code}/train/0000.parquet": _parquet([1, 0], code) for code in ("de", "fr")}
    hub.add("datasets", "someone/converted", converted, branches=("main", "refs/convert/parquet"))
    hub.add("datasets", "someone/script", {"script.py": b"raise SystemExit('this must never run')\n"})
    for name, fault in (("gone", 404), ("failing", 500), ("truncated", "truncate")):
        hub.faults[f"{name}/resolve/{hub.repositories['datasets', f'someone/{name}'].commit}/de/"] = fault
    model = hub.add_folder("models", "someone/tiny", make_encoder(tmp_path_factory.mktemp("encoder")))
    asked = json.dumps(list(ATTEMPTS.values()))
    said = run(hub, tmp_path_factory.mktemp("process"), PROGRAM, asked, "someone/tiny", model)
    return dict(zip([*ATTEMPTS, "model"], json.loads(said.splitlines()[-1]), strict=True))


def test_rows_come_from_the_commit_that_main_is_at(hub: Hub, outcomes: dict[str, Any]) -> None:
    commit = hub.repositories["datasets", "someone/things"].commit
    assert outcomes["main"]["pin"] == commit
    assert [row["label"] for row in outcomes["main"]["rows"]] == [0, 1]
    assert outcomes["main"]["rows"][0]["first"] == "p"
    fetched = [path for method, path in hub.requests if method == "GET" and "things/resolve" in path]
    assert fetched
    assert all(commit in path for path in fetched)


def test_a_branch_is_pinned_to_its_commit(hub: Hub, outcomes: dict[str, Any]) -> None:
    assert outcomes["branch"]["pin"] == hub.repositories["datasets", "someone/branched"].commit
    assert [row["label"] for row in outcomes["branch"]["rows"]] == [1, 0]


def test_the_hubs_own_conversion_is_read_by_folder(outcomes: dict[str, Any]) -> None:
    """It has a folder per configuration and split, and no card that names them."""
    assert [row["first"] for row in outcomes["converted"]["rows"]] == ["pde", "qde"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no-set", "the commit of 'someone/nowhere'"),
        ("no-revision", "404"),
        ("no-split", "split 'train[:1]x'"),
        ("gone", "404"),
        ("failing", "500"),
        ("truncated", "closed connection"),
    ],
)
def test_answers_that_fail_are_source_errors(outcomes: dict[str, Any], name: str, says: str) -> None:
    assert outcomes[name]["type"] == "SourceError", outcomes[name]
    assert says in outcomes[name]["text"]


def test_a_data_set_that_is_a_program_is_refused(outcomes: dict[str, Any]) -> None:
    assert outcomes["script"]["type"] == "SourceError"
    assert "must never run" not in outcomes["script"]["text"]


def test_a_model_and_its_tokenizer_come_through(hub: Hub, outcomes: dict[str, Any]) -> None:
    kind, length = outcomes["model"]
    assert kind == "XLMRobertaModel"
    assert length >= 9  # five words, four special tokens
    assert any("tiny/resolve" in path and "model.safetensors" in path for _, path in hub.requests)


UNREACHABLE = """
import time
def no_waiting(seconds): raise AssertionError("it waits to ask again")
time.sleep = no_waiting
from xtransfer.base.errors import SourceError
from xtransfer.base.hub_files import fetch
from xtransfer.benchmarks.spec import Source
from xtransfer.data.source import open_split
for call in (lambda: fetch(("someone/tiny", "a" * 40)),
             lambda: open_split(Source("someone/things", revision="a" * 40), "de", "train")):
    try:
        call()
    except SourceError as error:
        print(error)
"""


def test_a_hub_that_cannot_be_reached_is_asked_once(tmp_path: Path) -> None:
    with Hub() as server:
        pass  # its address answers no longer
    lines = run(server, tmp_path, UNREACHABLE).splitlines()
    assert len(lines) == 2
    assert "model 'someone/tiny'" in lines[0] and "the hub does not answer" in lines[0] and "package:" in lines[0]
    assert "'someone/things'" in lines[1] and "set XTRANSFER_HUB_DIR to a mirror" in lines[1]


AWAY_AND_BACK = """
import time
from huggingface_hub import constants
from xtransfer.base import hub
there, constants.ENDPOINT = constants.ENDPOINT, "http://127.0.0.1:9"
now = [100.0]
time.monotonic = lambda: now[0]
said = [hub.answers()]
hub._ANSWERED[there] = hub._ANSWERED.pop(constants.ENDPOINT)
constants.ENDPOINT = there
for seconds in (1, 60, 1):
    now[0] += seconds
    said.append(hub.answers())
print(said)
"""


def test_a_hub_that_was_away_is_asked_again_after_a_while(hub: Hub, tmp_path: Path) -> None:
    assert run(hub, tmp_path, AWAY_AND_BACK).split() == ["[False,", "False,", "True,", "True]"]
