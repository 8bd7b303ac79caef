from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.mirror import COLUMNS, PAIR, SOURCE, write
from xtransfer import lab
from xtransfer.base.errors import DataError, SourceError
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Source
from xtransfer.data.load import load_rows
from xtransfer.data.source import available, open_split, pin, pin_rows

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_pin_of_a_mirror_follows_the_bytes_and_not_the_place(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(mirror, "someone/things/de/train", COLUMNS)
    before = pin(SOURCE)
    assert before.startswith("mirror:")
    moved = tmp_path / "moved"
    shutil.copytree(mirror, moved)
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(moved))
    assert pin(SOURCE) == before
    write(moved, "someone/things/de/train", {**COLUMNS, "label": [0, 1, 1]})
    assert pin(SOURCE) != before


def test_pin_counts_only_the_files_that_are_read(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", COLUMNS)
    before = pin(SOURCE)
    write(mirror, "someone/things/translation-de/train", COLUMNS)
    write(mirror, "someone/things/de/unused", COLUMNS)
    assert pin(SOURCE) == before
    write(mirror, "someone/things/sw/test", COLUMNS)
    assert pin(SOURCE) != before


def test_pin_of_the_lab_and_of_a_commit_need_no_network() -> None:
    assert pin(Source("lab")) == lab.REVISION
    assert pin(replace(SOURCE, revision=COMMIT)) == COMMIT


def test_pin_without_mirror_and_hub_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    with pytest.raises(SourceError, match="set XTRANSFER_HUB_DIR to a mirror"):
        pin(Source("someone/unreachable"))


def test_pin_rows_covers_the_source_of_each_language(mirror: Path) -> None:
    xcopa = get("xcopa")
    columns = {
        "premise": ["p"],
        "question": ["cause"],
        "choice1": ["x"],
        "choice2": ["y"],
        "idx": [0],
        "label": [1],
    }
    write(mirror, "cambridgeltl/xcopa/sw/validation", columns)
    write(mirror, "aps/super_glue/copa/validation", columns)
    swahili, both = pin_rows(xcopa, "dev", ["sw"]), pin_rows(xcopa, "dev", ["sw", "en"])
    write(mirror, "aps/super_glue/copa/validation", {**columns, "label": [0]})
    assert pin_rows(xcopa, "dev", ["sw"]) == swahili
    assert pin_rows(xcopa, "dev", ["sw", "en"]) != both


def test_a_mirror_is_only_read(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", COLUMNS)
    before = sorted(mirror.rglob("*"))
    load_rows(PAIR, "de", "train")
    assert sorted(mirror.rglob("*")) == before


def test_a_changed_mirror_is_read_anew(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", COLUMNS)
    load_rows(PAIR, "de", "train")
    write(mirror, "someone/things/de/train", {**COLUMNS, "premise": ["new", "newer", "newest"]})
    assert load_rows(PAIR, "de", "train")[0]["first"] == "new"


def test_what_the_mirror_lacks_is_named(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", COLUMNS)
    with pytest.raises(SourceError, match=r"has no file de/test-\*\.parquet; add it"):
        load_rows(PAIR, "de", "test")
    with pytest.raises(SourceError, match="none of the splits dev"):
        pin(replace(SOURCE, splits={"dev": "dev"}))


def test_a_damaged_file_is_a_source_error(mirror: Path) -> None:
    file = write(mirror, "someone/things/de/train", COLUMNS)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(SourceError, match="configuration 'de', split 'train'"):
        open_split(SOURCE, "de", "train")


def test_a_small_file_of_very_many_rows_is_not_unpacked(tmp_path: Path) -> None:
    again = pa.DictionaryArray.from_arrays(pa.nulls(1_000_000, pa.int32()).fill_null(0), pa.array(["a"]))
    part = pa.table({"first": again})
    with pq.ParquetWriter(tmp_path / "test.parquet", part.schema) as writer:
        for _ in range(101):
            writer.write_table(part)
    with pytest.raises(DataError, match=r"test.parquet: has 101,000,000 rows, which fit in no memory"):
        open_split(Source(str(tmp_path), splits={"test": "test"}), None, "test")


def test_available_says_what_is_missing(mirror: Path) -> None:
    for code in ("de", "sw"):
        write(mirror, f"someone/things/{code}/train", COLUMNS)
    write(mirror, "someone/things/de/test", COLUMNS)
    assert "sw/test-*.parquet" in str(available(PAIR))
    write(mirror, "someone/things/sw/test", COLUMNS)
    assert available(PAIR) is None
    assert available(get("lab-nli")) is None
    assert "in no mirror and the hub does not answer" in str(available(get("farstail")))
