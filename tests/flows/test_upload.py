"""`xtransfer export-model --to hub:OWNER/NAME`, on a stand-in for the hub that can be written to."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants
from safetensors.torch import load

from flows.commands.export_model import command
from tests.standin.process import ROOT, environment
from tests.standin.written import WritableHub
from tests.training.tiny import PAIR, RECIPE, make_encoder, pair_rows
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.models import upload
from xtransfer.training.finetune import finetune

NAME = "someone/colours"
TOKEN = "hf_madeupforthistest"


@pytest.fixture
def hub() -> Iterator[WritableHub]:
    with WritableHub() as server:
        yield server


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    recipe = RECIPE.model_copy(update={"epochs": 1})
    finetune(make_encoder(folder / "encoder"), [(PAIR, pair_rows(24))], recipe, 0, folder / "out", folder / "state")
    return folder / "out"


@dataclass
class Here:
    """The command in this process, with the stand-in for its hub."""

    hub: WritableHub
    checkpoint: Path
    capsys: pytest.CaptureFixture[str]

    def export(self, to: str = f"hub:{NAME}", **options: Any) -> str:
        command(str(self.checkpoint), to, **options)
        return self.capsys.readouterr().out

    @property
    def files(self) -> dict[str, bytes]:
        return self.hub.repositories["models", NAME].files


@pytest.fixture
def here(
    hub: WritableHub,
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Here:
    for name, value in {"HF_TOKEN": TOKEN, "NO_PROXY": "127.0.0.1", "XTRANSFER_HOME": str(tmp_path / "home")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return Here(hub, checkpoint, capsys)


def test_a_model_goes_to_a_new_private_repository_whole(hub: WritableHub, tmp_path: Path, checkpoint: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "export-model", str(checkpoint), "--to", f"hub:{NAME}", "--yes"],
        env=environment(hub, tmp_path, HF_TOKEN=TOKEN),
        cwd=ROOT, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = hub.repositories["models", NAME].files
    assert NAME in hub.private and len(hub.messages) == 1 and "Exported by xtransfer" in hub.messages[0]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(there)
    assert "classifier.out_proj.weight" in load(there["model.safetensors"])
    assert [*hub.large.values()] == [there["model.safetensors"]]
    assert json.loads(there["config.json"])["architectures"] == ["XLMRobertaForSequenceClassification"]
    assert f"{hub.url}/{NAME} (private, new):" in done.stdout and "  model.safetensors  0." in done.stdout
    assert f"Bearer {TOKEN}" in hub.tokens and TOKEN not in done.stdout + done.stderr
    assert f"{hub.url}/{NAME}: load it with transformers.AutoModelForSequenceClassification" in done.stdout


def test_files_that_are_there_are_replaced_by_force_alone_and_all_of_them(here: Here) -> None:
    old = {".gitattributes": b"*", "config.json": b"{}", "pytorch_model.bin": b"old", "README.md": b"# old"}
    here.hub.add("models", NAME, old)
    here.hub.private.add(NAME)
    with pytest.raises(
        RequestError, match=r"already has 3 files \(README.md, config.json, pytorch_model.bin\).*--force"
    ):
        here.export(yes=True)
    assert here.files == old
    said = here.export(yes=True, force=True)
    assert "config.json  0.001 MB  (replaced)" in said and "pytorch_model.bin  (removed)" in said
    assert here.files[".gitattributes"] == b"*" and here.files["config.json"] != b"{}"
    assert "model.safetensors" in here.files and not {"pytorch_model.bin", "README.md"} & set(here.files)
    made = json.loads(here.export(yes=True, force=True, as_json=True))
    assert made["url"].startswith(f"{here.hub.url}/{NAME}") and made["head"] == PAIR.name


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "which needs a terminal: use --yes"),
        ({"as_json": True}, "which needs a terminal: use --yes"),
        ({"yes": True, "to": "hub:colours"}, "hub:colours: write hub:OWNER/NAME"),
        ({"yes": True, "to": "hub:a/b/c"}, "write hub:OWNER/NAME"),
        ({"yes": True, "to": "hub:"}, "write hub:OWNER/NAME"),
        ({"public": True, "to": "model"}, "--public, --force and --yes are for --to hub:OWNER/NAME"),
    ],
)
def test_what_cannot_be_uploaded_is_refused_before_anything_is_made(
    options: dict[str, Any], said: str, here: Here
) -> None:
    with pytest.raises(RequestError, match=said):
        here.export(**options)
    assert not here.hub.requests


def test_it_needs_a_token_and_a_hub(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with monkeypatch.context() as own:
        own.delenv("HF_TOKEN")
        own.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
        with pytest.raises(RequestError, match="there is no token; run `hf auth login`"):
            here.export(yes=True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(RequestError, match="HF_HUB_OFFLINE is set"):
        here.export(yes=True)
    assert not here.hub.requests


def test_it_asks_and_a_public_repository_must_be_meant(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.hub.add("models", NAME, {".gitattributes": b""})
    with pytest.raises(RequestError, match="this repository is public; use --public"):
        here.export(yes=True)
    answers = [True, False]
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda question: answers.pop())
    said = here.export(public=True)
    assert "(public):" in said and "check the licences" in said and "nothing was uploaded" in said
    assert list(here.files) == [".gitattributes"]
    assert "nothing was uploaded" not in here.export(public=True) and "model.safetensors" in here.files


@pytest.mark.parametrize(
    ("where", "status", "said"),
    [
        ("/large/", 403, "the token may not write there"),
        ("/api/repos/create", 403, "the token may not write there"),
        ("/api/repos/create", 409, "it exists by now; run the same command again"),
        ("/commit/", 412, "somebody else has changed it"),
        ("/commit/", 500, "the hub returned a server error; try again later"),
    ],
)
def test_an_upload_that_fails_leaves_no_half_of_a_model(where: str, status: int, said: str, here: Here) -> None:
    here.hub.refuse[where] = status
    with pytest.raises(SourceError, match=said) as error:
        here.export(yes=True)
    assert "secret" not in str(error.value) and TOKEN not in str(error.value)
    left = here.hub.repositories.get(("models", NAME))
    assert left is None or list(left.files) == [".gitattributes"]
    here.hub.refuse.clear()
    here.export(yes=True)
    assert "model.safetensors" in here.files, "the same command goes on"


def test_only_safetensors_leave_the_machine(tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    for name in ("model.safetensors", "1_Pooling/config.json"):
        (tmp_path / name).write_bytes(b"12345")
    assert upload.check(tmp_path) == {"1_Pooling/config.json": 5, "model.safetensors": 5}
    (tmp_path / "pytorch_model.bin").touch()
    with pytest.raises(RequestError, match=r"pytorch_model.bin: not uploaded; only weights in safetensors"):
        upload.check(tmp_path)
