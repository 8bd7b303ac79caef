"""Folders of encoders whose files are damaged or made up end in a sentence, whatever the libraries raise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.tiny import make_encoder
from xtransfer.base.errors import RequestError
from xtransfer.models.pretrained import load_encoder


def _changed(file: Path, field: str, value: Any) -> bytes:
    return json.dumps({**json.loads(file.read_bytes()), field: value}).encode()


@pytest.mark.parametrize("content", [b"[1", b"{}", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", '{"model":'])
def test_a_tokenizer_that_is_none_is_named(tmp_path: Path, content: bytes | str) -> None:
    folder = make_encoder(tmp_path / "encoder")
    (folder / "tokenizer.json").write_bytes(content if isinstance(content, bytes) else content.encode() * 50_000)
    with pytest.raises(RequestError, match=r"encoder: its tokenizer cannot be read \("):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", "x"),
        ("added_tokens", None),
        ("truncation", {}),
        ("model", {"type": "Nope"}),
        ("pre_tokenizer", {"type": "Split", "pattern": {"Regex": "(((("}, "behavior": "Isolated", "invert": False}),
    ],
)
def test_a_tokenizer_with_a_wrong_part_is_named(tmp_path: Path, field: str, value: Any) -> None:
    folder = make_encoder(tmp_path / "encoder")
    file = folder / "tokenizer.json"
    file.write_bytes(_changed(file, field, value))
    with pytest.raises(RequestError, match=r"encoder: its tokenizer cannot be read \("):
        load_encoder(folder)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hidden_size", "x"),
        ("hidden_act", "x"),
        ("vocab_size", 10**30),
        ("model_type", []),
        ("hidden_dropout_prob", []),
    ],
)
def test_a_configuration_with_a_wrong_value_is_named(tmp_path: Path, field: str, value: Any) -> None:
    folder = make_encoder(tmp_path / "encoder")
    file = folder / "config.json"
    file.write_bytes(_changed(file, field, value))
    with pytest.raises(RequestError, match=r"encoder(/config\.json: |: its weights cannot be read \()"):
        load_encoder(folder)


def test_a_configuration_that_is_none_is_named(tmp_path: Path) -> None:
    folder = make_encoder(tmp_path / "encoder")
    for content in (b"null", b"[" * 100_000):
        (folder / "config.json").write_bytes(content)
        with pytest.raises(RequestError, match=r"encoder/config\.json: "):
            load_encoder(folder)
