from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.kinds.words import WORDS, tokenizer
from xtransfer.base import disk_cache
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds import KINDS
from xtransfer.kinds.encoded import FEW, EncodedRows, encoded_rows
from xtransfer.kinds.flat import FlatRows, flattened
from xtransfer.kinds.spec import Encoded, Kind

SPECIAL: dict[str, dict[str, Any]] = {  # fields whose values must agree
    "choice": {"question": "cause", "label": 1},
    "span": {"context": "a b c d e f g h", "answers": ["c d"], "starts": [4]},
    "answers": {"context": "a b c d e f g h", "sentence_breaks": [0, 8, 8, 15], "candidates": ["x/0", "x/1"]},
    "mining": {"side": "source"},
    "entities": {"side": "mention", "start": 0, "end": 1},
}
PAIR = KINDS["pair"]


def value_of(wanted: Any, number: int) -> Any:
    """A value of a field's type that depends on the row."""
    text = " ".join(WORDS[(number + place) % 8] for place in range(1 + number % 5))
    values = {
        str: text,
        int: number % 3,
        float: number / 7,
        list[str]: text.split(),
        list[int]: [1] * len(text.split()),
    }
    return values[wanted]


def rows_of(kind: Kind, count: int, first: int = 0) -> list[Row]:
    return [
        {"id": str(number), **{name: value_of(wanted, number) for name, wanted in kind.fields.items()}}
        | SPECIAL.get(kind.name, {})
        for number in range(first, first + count)
    ]


def files(home: Path) -> list[Path]:
    return sorted((home / "cache" / "encoded").rglob("*.arrow"))


def never(*args: Any) -> list[Encoded]:
    raise AssertionError("encoded again")


@pytest.mark.parametrize("types", [False, True], ids=["ids", "segments"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_kept_rows_are_what_the_kind_encodes(kind: Kind, types: bool, home: Path) -> None:
    rows, words = rows_of(kind, FEW), tokenizer(types)
    plain = kind.encode(rows, words, 12)
    first = encoded_rows(kind, [rows], words, 12)
    again = encoded_rows(replace(kind, encode=never), [rows], tokenizer(types), 12)
    assert repr(list(first)) == repr(list(again)) == repr(plain)  # 1, 1.0 and True are equal and not the same
    assert again.num_tokens() == [len(one.sequences) * max(map(len, one.sequences)) for one in plain]
    assert len(files(home)) == 1


def test_parts_are_kept_one_by_one(home: Path) -> None:
    parts = [rows_of(PAIR, FEW), rows_of(PAIR, 3, first=900), [], rows_of(PAIR, FEW + 1, first=400)]
    words = tokenizer()
    encoded = encoded_rows(PAIR, parts, words, 16)
    plain = PAIR.encode([row for part in parts for row in part], words, 16)
    assert list(encoded) == plain
    assert [encoded[-1], *encoded[FEW - 1 : FEW + 4]] == [plain[-1], *plain[FEW - 1 : FEW + 4]]
    with pytest.raises(IndexError):
        encoded[len(plain)]
    assert len(files(home)) == 2
    other = encoded_rows(replace(PAIR, encode=never), parts[:1] + parts[3:], words, 16)
    assert list(other) == plain[:FEW] + plain[FEW + 3 :]
    assert list(encoded_rows(PAIR, [[]], words, 16)) == EncodedRows([]).num_tokens() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rows, kind, words, length: (rows[::-1], kind, words, length),
        lambda rows, kind, words, length: (
            [*rows[:-1], {**rows[-1], "label": 2 - rows[-1]["label"]}],
            kind,
            words,
            length,
        ),
        lambda rows, kind, words, length: (rows, replace(kind, version=99), words, length),
        lambda rows, kind, words, length: (rows, replace(kind, name="other"), words, length),
        lambda rows, kind, words, length: (rows, kind, tokenizer(types=True), length),
        lambda rows, kind, words, length: (rows, kind, _with_token(words), length),
        lambda rows, kind, words, length: (rows, kind, words, 5),
    ],
    ids=["order", "label", "version", "kind", "segments", "vocabulary", "length"],
)
def test_whatever_changes_the_tokens_is_another_file(change: Callable[..., tuple[Any, ...]], home: Path) -> None:
    rows = rows_of(PAIR, FEW)
    encoded_rows(PAIR, [rows], tokenizer(), 16)
    rows, kind, words, length = change(rows, PAIR, tokenizer(), 16)
    assert list(encoded_rows(kind, [rows], words, length)) == kind.encode(rows, words, length)
    assert len(files(home)) == 2


def _with_token(words: Any) -> Any:
    words.add_tokens(["a b"])
    return words


def test_what_a_call_leaves_in_the_tokenizer_is_no_change(home: Path) -> None:
    rows, words = rows_of(PAIR, FEW), tokenizer()
    encoded_rows(PAIR, [rows], words, 16)
    words(["a b c"], truncation=True, max_length=3, padding="max_length")
    state = (words.backend_tokenizer.truncation, words.backend_tokenizer.padding)
    assert None not in state
    encoded_rows(replace(PAIR, encode=never), [rows], words, 16)
    assert (words.backend_tokenizer.truncation, words.backend_tokenizer.padding) == state


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    return data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]


@pytest.mark.parametrize("damage", [_cut, _flipped, lambda data: b""], ids=["cut", "flipped", "empty"])
def test_a_damaged_file_is_made_again(
    damage: Callable[[bytes], bytes], home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = rows_of(PAIR, FEW)
    plain = list(encoded_rows(PAIR, [rows], tokenizer(), 16))
    (file,) = files(home)
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    with caplog.at_level(logging.WARNING):
        assert list(encoded_rows(PAIR, [rows], tokenizer(), 16)) == plain
    assert "is damaged; encoding its rows again" in caplog.text
    assert file.read_bytes() == whole


def test_writers_at_the_same_time_make_one_file(home: Path) -> None:
    rows = rows_of(PAIR, 4 * FEW)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: list(encoded_rows(PAIR, [rows], tokenizer(), 16)), range(4)))
    assert all(result == results[0] for result in results)
    assert [file.name for file in (home / "cache" / "encoded").rglob("*.*")] == [files(home)[0].name]


def test_a_cache_that_cannot_be_written_costs_only_time(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    home.write_text("a file where the folder should be")
    rows = rows_of(PAIR, FEW)
    with caplog.at_level(logging.WARNING):
        assert list(encoded_rows(PAIR, [rows], tokenizer(), 16)) == PAIR.encode(rows, tokenizer(), 16)
    assert "encoded rows cannot be cached in" in caplog.text


def test_files_are_mapped_and_not_read_into_memory(home: Path) -> None:
    encoded_rows(PAIR, [rows_of(PAIR, 4096)], tokenizer(), 16)
    key, before = files(home)[0].stem.partition("-")[0], pa.total_allocated_bytes()
    batch = disk_cache.read(key)
    assert batch is not None
    assert pa.total_allocated_bytes() - before < 1000 < batch.nbytes


def test_unused_files_are_told_by_their_last_use(home: Path) -> None:
    for length in (8, 9):
        encoded_rows(PAIR, [rows_of(PAIR, FEW)], tokenizer(), length)
    old = time.time() - 40 * 86_400
    for file in files(home):
        os.utime(file, (old, old))
    assert disk_cache.unused(41) == []
    encoded_rows(PAIR, [rows_of(PAIR, FEW)], tokenizer(), 8)
    (stale,) = disk_cache.unused(39)
    assert disk_cache.remove(stale) > 0
    assert disk_cache.remove(stale) == 0
    assert len(files(home)) == 1


@pytest.mark.parametrize(("target", "extra"), [([0, 1], None), (0, {"a": 1}), (0, ((1, 2), [3]))])
def test_what_would_not_come_back_as_it_was_is_refused(target: Any, extra: Any) -> None:
    with pytest.raises(TypeError, match="a target or extra contains"):
        flattened([Encoded(((0, 2),), None, target, extra)])


def test_nested_values_come_back_as_they_were() -> None:
    values: list[Any] = [None, True, 1, 1.5, "ü\u2028", (), ((), (1, ((2.0, None), False)))]
    encoded = [Encoded(((0, 2), (5,)), ((0, 0), (1,)), value, value) for value in values]
    assert repr(list(FlatRows(flattened(encoded)))) == repr(encoded)
