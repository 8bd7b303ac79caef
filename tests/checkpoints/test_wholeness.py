"""When a folder is a checkpoint: whole ones in every layout, and all that can be wrong with others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fsspec.implementations.local import LocalFileSystem

from tests.checkpoints.folders import SHARDS, by_trainer, files, in_shards, put, weights
from tests.training.tiny import make_encoder
from xtransfer.base.model_files import model_digest
from xtransfer.models.files.files import Files
from xtransfer.models.files.wholeness import Verdict, inspect

Content = dict[str, bytes]


def judge(folder: Path, unsteady: str = "") -> Verdict:
    found = Files(LocalFileSystem(), str(folder))
    return inspect(found, found.entries(), unsteady)


@pytest.mark.parametrize("made", [files, in_shards, by_trainer])
def test_whole_ones(made: Callable[[], Content], tmp_path: Path) -> None:
    found = judge(put(tmp_path / "checkpoint-1", made()))
    assert (found.state, found.reason) == ("whole", "") and len(found.digest) == 32


def test_what_transformers_saves_is_whole_and_has_the_digest_of_an_encoder(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "saved")
    assert judge(folder) == Verdict("whole", digest=model_digest(folder))


def test_what_a_trainer_leaves_beside_makes_no_other_checkpoint(tmp_path: Path) -> None:
    one, other = put(tmp_path / "one", files(3)), put(tmp_path / "other", by_trainer(3))
    assert judge(one).digest == judge(other).digest != judge(put(tmp_path / "third", files(4))).digest


@pytest.mark.parametrize("changed", ["config.json", "tokenizer.json", "model.safetensors"])
def test_weights_configuration_and_tokenizer_make_another_checkpoint(changed: str, tmp_path: Path) -> None:
    other = {"config.json": b'{"model_type": "bert"}', "tokenizer.json": b"[]", "model.safetensors": weights(9)}
    one = judge(put(tmp_path / "one", files()))
    assert judge(put(tmp_path / "two", {**files(), changed: other[changed]})).digest != one.digest


def without(content: Content, *names: str) -> Content:
    return {name: data for name, data in content.items() if name not in names}


def index_of(shards: dict[str, str]) -> Content:
    return {"model.safetensors.index.json": json.dumps({"weight_map": shards}).encode()}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "config.json is missing"),
        (without(files(), "config.json"), "config.json is missing"),
        (without(files(), "model.safetensors"), "model.safetensors is missing"),
        (without(by_trainer(), "model.safetensors"), "model.safetensors is missing"),
        (without(files(), "tokenizer.json"), "no tokenizer"),
        (without(in_shards(), SHARDS[1]), f"1 of 2 shards are missing, first {SHARDS[1]}"),
        (without(in_shards(), "model.safetensors.index.json"), "there are shards such as"),
        ({**in_shards(), **index_of({"a": SHARDS[0], "b": SHARDS[1], "c": "model-3.safetensors"})}, "model-3"),
        ({**files(), "head.json": b"{}"}, "head.json is there, but heads need both"),
    ],
)
def test_what_is_missing_may_still_come(content: Content, said: str, tmp_path: Path) -> None:
    for unsteady in ("", "written 1 s ago"):
        found = judge(put(tmp_path / "checkpoint-1", content), unsteady)
        assert found.state == "unfinished" and said in found.reason and not found.digest


def truncated(content: Content, name: str, left: int) -> Content:
    return {**content, name: content[name][:left]}


def with_header(values: object) -> bytes:
    header = json.dumps(values).encode()
    return len(header).to_bytes(8, "little") + header + bytes(64)


TENSOR = {"dtype": "F32", "shape": [4, 4]}
WIDE, HALF, FAR = {"dtype": "F32", "shape": [2**20, 2**20]}, {"dtype": "BF16", "shape": [4, 4]}, float("inf")
NESTED = (50_000).to_bytes(8, "little") + b"[" * 50_000
PICKLE = {"pytorch_model.bin": b"\x80\x04"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (truncated(files(), "model.safetensors", 0), "too short for a safetensors header"),
        (truncated(files(), "model.safetensors", 20), "its header alone has"),
        (truncated(files(), "model.safetensors", -1), "of 2"),
        (truncated(in_shards(), SHARDS[1], -10), SHARDS[1]),
        ({**files(), "model.safetensors": weights() + b"more"}, "but its header says"),
        ({**files(), "model.safetensors": b"\x80\x04 this is a pickle by another name"}, "not a safetensors file"),
        ({**files(), "model.safetensors": with_header({"a": {**TENSOR, "data_offsets": [4, 64]}})}, "leave a gap"),
        ({**files(), "model.safetensors": with_header({"a": TENSOR})}, "lacks valid data_offsets"),
        ({**files(), "model.safetensors": with_header({"a": {**TENSOR, "data_offsets": ["0", 64]}})}, "lacks valid"),
        ({**files(), "model.safetensors": with_header({"a": {**TENSOR, "data_offsets": [0, FAR]}})}, "lacks valid"),
        ({**files(), "model.safetensors": with_header({"a": {**WIDE, "data_offsets": [0, 64]}})}, "those of its shape"),
        ({**files(), "model.safetensors": with_header({"a": {**HALF, "data_offsets": [0, 64]}})}, "shape in BF16"),
        ({**files(), "model.safetensors": NESTED}, "its header is not valid JSON"),
        ({**files(), "config.json": b"[" * 50_000}, "config.json: not valid JSON"),
        ({**files(), "config.json": b"{}" + b" " * (64 << 20)}, "config.json: 67,108,866 bytes, too large"),
        ({**files(), "model.safetensors": with_header([])}, "is not a JSON object"),
        ({**files(), "model.safetensors": with_header({}).replace(b"{}", b"{,")}, "its header is not valid JSON"),
        ({**files(), "config.json": b'{"model_type"'}, "config.json: not valid JSON"),
        ({**files(), "config.json": b"[]"}, "config.json: not a JSON object"),
        ({**in_shards(), "model.safetensors.index.json": b"{}"}, "no weight_map"),
        ({**in_shards(), **index_of({"a": SHARDS[0], "z": SHARDS[1]})}, "1 tensors listed in"),
        ({**without(files(), "model.safetensors"), **PICKLE}, "unsafe: its weights are a pickle (pytorch_model.bin)"),
        ({**files(), "head.json": b"{}", "head.safetensors": b""}, "head.safetensors"),
    ],
)
def test_what_is_wrong_is_refused_once_nobody_writes(content: Content, said: str, tmp_path: Path) -> None:
    folder = put(tmp_path / "checkpoint-1", content)
    found = judge(folder)
    assert found.state == "refused" and said in found.reason and not found.digest
    still = judge(folder, "written 1 s ago")
    assert still.state == "unfinished" and said in still.reason and still.reason.endswith("written 1 s ago")


def test_files_that_change_while_they_are_read_are_unfinished(tmp_path: Path) -> None:
    folder = put(tmp_path / "checkpoint-1", files())

    class Growing(Files):
        def sha256(self, name: str) -> str:
            (folder / "vocab.txt").write_text("more")
            return super().sha256(name)

    found = Growing(LocalFileSystem(), str(folder))
    assert inspect(found, found.entries()) == Verdict("unfinished", "its files changed while they were being read")
