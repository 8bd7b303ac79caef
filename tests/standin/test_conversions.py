"""Models of a hub whose main branch has only pickles, with and without a conversion in a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standin.hub import Hub
from tests.standin.process import run
from tests.training.tiny import make_encoder

TITLE = "Adding `safetensors` variant of this model"
PROGRAM = """
import json, logging, sys, time
time.sleep = lambda seconds: None
logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
said = []
class Keep(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("xtransfer").addHandler(Keep())
from xtransfer.models import checkpoints
from xtransfer.study.encoders import resolve
try:
    ref = resolve(sys.argv[1])
    hidden = None if len(sys.argv) > 2 else checkpoints.load((ref.id, ref.revision)).encoder.config.hidden_size
    print(json.dumps({"revision": ref.revision, "hidden": hidden, "said": said}))
except Exception as error:
    print(json.dumps({"error": type(error).__name__, "text": str(error), "said": said}))
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = make_encoder(tmp_path_factory.mktemp("encoder"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def pickled(good: dict[str, bytes]) -> dict[str, bytes]:
    return {**{name: body for name, body in good.items() if name != "model.safetensors"}, "pytorch_model.bin": b"x"}


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        yield server


def test_the_hubs_own_conversion_is_taken(
    hub: Hub, good: dict[str, bytes], pickled: dict[str, bytes], tmp_path: Path
) -> None:
    main = hub.add("models", "someone/pickled", pickled)
    hub.pull("someone/pickled", 2, TITLE, "a-stranger", good)
    hub.pull("someone/pickled", 3, "Fix a typo", "SFconvertbot", good)
    commit = hub.pull("someone/pickled", 5, TITLE, "SFconvertbot", good)
    found = json.loads(run(hub, tmp_path, PROGRAM, "someone/pickled"))
    assert found["revision"] == commit != main and found["hidden"] == 32
    (said,) = found["said"]
    assert said == "someone/pickled: main has only pickles; using the hub's conversion to safetensors, refs/pr/5"
    assert not any("pytorch_model.bin" in path for _, path in hub.requests)


def test_a_strangers_conversion_is_named_and_not_taken(
    hub: Hub, good: dict[str, bytes], pickled: dict[str, bytes], tmp_path: Path
) -> None:
    hub.add("models", "someone/pickled", pickled)
    commit = hub.pull("someone/pickled", 2, TITLE, "a-stranger", good)
    found = json.loads(run(hub, tmp_path, PROGRAM, "someone/pickled"))
    assert found["error"] == "RequestError" and "its only weights are pickles" in found["text"]
    assert found["said"][0].endswith("by a-stranger, has safetensors: to trust it, name someone/pickled@refs/pr/2")
    named = json.loads(run(hub, tmp_path, PROGRAM, "someone/pickled@refs/pr/2"))
    assert named["revision"] == commit and named["hidden"] == 32


def test_a_named_revision_and_safetensors_stay(
    hub: Hub, good: dict[str, bytes], pickled: dict[str, bytes], tmp_path: Path
) -> None:
    main = hub.add("models", "someone/pickled", pickled, branches=("main", "v1"))
    hub.pull("someone/pickled", 5, TITLE, "SFconvertbot", good)
    assert json.loads(run(hub, tmp_path, PROGRAM, "someone/pickled@v1", "resolve"))["revision"] == main
    both = hub.add("models", "someone/both", {**good, **pickled})
    hub.pull("someone/both", 5, TITLE, "SFconvertbot", good)
    assert json.loads(run(hub, tmp_path, PROGRAM, "someone/both", "resolve"))["revision"] == both


@pytest.mark.parametrize(("fault", "error"), [(403, None), (500, "SourceError")])
def test_where_pull_requests_cannot_be_listed(
    hub: Hub, pickled: dict[str, bytes], tmp_path: Path, fault: int, error: str | None
) -> None:
    main = hub.add("models", "someone/pickled", pickled)
    hub.faults["/discussions"] = fault
    found = json.loads(run(hub, tmp_path, PROGRAM, "someone/pickled", "resolve"))
    assert (found.get("error"), found.get("revision")) == (error, None if error else main)
