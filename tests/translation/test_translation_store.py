"""The cache of sentences: shared, bounded, and never wrong."""

from __future__ import annotations

import logging
import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from xtransfer.translation.translation_store import FILE, ChainedStore, SentenceCache, ShardStore

NONE: frozenset[str] = frozenset()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


def test_engine_direction_and_sentence_make_an_entry(file: Path) -> None:
    SentenceCache("a", file).add("en-de", {"red": "rot", "blue": "blau", "x": "xxxx"}, frozenset({"x"}))
    assert SentenceCache("a", file).find("en-de", ["red", "blue", "x", "green"]) == {"red": "rot", "blue": "blau"}
    assert SentenceCache("b", file).find("en-de", ["red"]) == {}
    assert SentenceCache("a", file).find("en-fr", ["red"]) == {}
    SentenceCache("a", file).add("en-de", {"red": "Rot"}, NONE)
    assert SentenceCache("a", file).find("en-de", ["red"]) == {"red": "Rot"}


def test_many_at_once(file: Path) -> None:
    many = {f"sentence {number}": f"satz {number}" for number in range(3000)}
    SentenceCache("a", file).add("en-de", many, NONE)
    assert SentenceCache("a", file).find("en-de", list(many)) == many
    assert SentenceCache("a", file).find("en-de", []) == {}


def test_it_lies_in_the_home(home: Path) -> None:
    SentenceCache("a").add("en-de", {"red": "rot"}, NONE)
    assert (home / FILE).is_file()


def test_a_changed_entry_is_not_believed(file: Path) -> None:
    SentenceCache("a", file).add("en-de", {"red": "rot", "blue": "blau"}, NONE)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE sentence SET output = 'blau' WHERE output = 'rot'")
    connection.close()
    assert SentenceCache("a", file).find("en-de", ["red", "blue"]) == {"blue": "blau"}


@pytest.mark.parametrize("start", [0, 4096])
def test_a_damaged_file_is_begun_anew(file: Path, start: int, caplog: pytest.LogCaptureFixture) -> None:
    many = {f"sentence {number}": f"satz {number}" for number in range(2000)}
    SentenceCache("a", file).add("en-de", many, NONE)
    damaged = bytearray(file.read_bytes())
    damaged[start:] = b"\xff" * (len(damaged) - start)
    file.write_bytes(damaged)
    with caplog.at_level(logging.WARNING):
        assert SentenceCache("a", file).find("en-de", list(many)) == {}
    assert "damaged" in caplog.text and "starting a new one" in caplog.text
    SentenceCache("a", file).add("en-de", {"red": "rot"}, NONE)
    assert SentenceCache("a", file).find("en-de", ["red"]) == {"red": "rot"}


def test_a_place_that_cannot_be_written_costs_time_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    cache = SentenceCache("a", tmp_path / "file" / "cache.db")
    cache.add("en-de", {"red": "rot"}, NONE)
    assert cache.find("en-de", ["red"]) == {} and "cannot use the translation cache" in caplog.text


def test_a_full_one_drops_the_oldest(file: Path) -> None:
    cache = SentenceCache("a", file, max_bytes=100_000)
    for shard in range(30):
        cache.add("en-de", {f"sentence {shard} {number}": "satz " * 10 for number in range(100)}, NONE)
    assert file.stat().st_size < 200_000
    assert len(cache.find("en-de", [f"sentence 29 {number}" for number in range(100)])) == 100
    assert cache.find("en-de", [f"sentence 0 {number}" for number in range(100)]) == {}


def _write(file: Path, name: str) -> None:
    for shard in range(10):
        SentenceCache(name, file).add("en-de", {f"{shard} {number}": name for number in range(50)}, NONE)


def test_several_processes_write_at_once(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(file, name)) for name in ("a", "b", "c")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    asked = [f"{shard} {number}" for shard in range(10) for number in range(50)]
    for name in ("a", "b", "c"):
        assert SentenceCache(name, file).find("en-de", asked) == dict.fromkeys(asked, name)


def test_several_places_are_asked_in_their_order(tmp_path: Path) -> None:
    first, second = SentenceCache("a", tmp_path / "1"), SentenceCache("a", tmp_path / "2")
    both = ChainedStore(first, second)
    first.add("en-de", {"red": "first"}, NONE)
    second.add("en-de", {"red": "second", "blue": "second"}, NONE)
    assert both.find("en-de", ["red", "blue", "green"]) == {"red": "first", "blue": "second"}
    both.add("en-de", {"green": "both"}, NONE)
    assert first.find("en-de", ["green"]) == second.find("en-de", ["green"]) == {"green": "both"}


def test_a_damaged_shard_is_left_out(tmp_path: Path) -> None:
    shards = ShardStore(tmp_path)
    for number in range(3):
        shards.add("en-de", {f"red {number}": f"rot {number}"}, frozenset())
    (tmp_path / "000002.json").write_text('{"direction": "en-de", "outp')
    (tmp_path / "unfinished").write_text('{"direction"')
    asked = [f"red {number}" for number in range(3)]
    again = ShardStore(tmp_path)
    assert again.find("en-de", asked) == {"red 0": "rot 0", "red 2": "rot 2"} and again.find("en-fr", asked) == {}
    again.add("en-de", {"red 1": "rot 1"}, frozenset())
    assert ShardStore(tmp_path).find("en-de", asked) == {one: one.replace("red", "rot") for one in asked}
