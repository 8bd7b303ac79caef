"""Text files of users: read as they are written, or refused with the line; never a row less."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from xtransfer.base.errors import DataError, SourceError
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.data.folder import read_text_file, split_files
from xtransfer.data.load import load_rows
from xtransfer.data.source import open_split

HEADER = "lang,first,second,label\n"


def _file(folder: Path, name: str, content: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", f'{HEADER}en,"Go he said,x,neutral\nen,Row 0.,x,neutral\nen,"Stop he said,y,neutral\n', "line 2"),
        ("a.csv", f'{HEADER}en,a,b,c\nen,"Go" he said,x,neutral\n', "line 3.*written twice"),
        ("a.csv", f'{HEADER}en,"never closed,x,neutral\n', "line 2.*must end"),
        ("a.csv", f"{HEADER}en,a,b,c\nen,one, two,x,neutral\n", "line 3: 5 values, but the header names 4"),
        ("a.csv", "lang,first,first\nen,a,b\n", "names first twice"),
        ("a.csv", "lang,,second\nen,a,b\n", "column 2 has no name"),
        ("a.csv", HEADER, "has no rows"),
        ("a.csv", f"{HEADER}de,Stra\xdfe,b,c\n".encode("latin-1"), "line 2: the byte 0xdf is not UTF-8.*Latin-1"),
        ("a.tsv", "a\tb\n1\t2\n".encode("utf-16"), "in UTF-16 or UTF-32"),
        ("a.tsv", "a\tb\n1\t2\t3\n", r"line 2: 3 values.* columns; no value can contain a tab .* need a \.csv"),
        ("a.tsv", "a,b\n1,2\n", "line 1: one column, 'a,b'; values seem to be separated by commas"),
        (
            "a.csv",
            "a;b\n1;2\n3;4, 5\n",
            "line 1: one column, 'a;b'; .* separated by semicolons; save it with commas",
        ),
        ("a.csv", "a\tb\n1\t2\n", "separated by tabs; save .* or with tabs as .tsv"),
        ("a.jsonl", '{"a": 1}\n{"a": }\n', "line 2, character 7: not valid JSON"),
        ("a.jsonl", '{"a": 1}\n[1]\n', "line 2: not an object"),
        ("a.jsonl", '{"a": 1}\n{"a": "x"}\n', "field 'a': has values of several types"),
        ("a.json", '[{"a": 1},\n {"a" 2}]', "line 2, character 7: not valid JSON"),
        ("a.jsonl", '{"a": 1, "a": 2}\n', "line 1: an object names a field twice"),
        ("a.jsonl", '{"a": 99999999999999999999}\n', "field 'a': has a value that cannot be stored"),
        ("a.jsonl", '{"a": "\\ud800"}\n', "field 'a': has a value that cannot be stored"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.csv", "a,b\n1,x\0\n", "with NUL bytes"),
        ("a.json", '"text"', "not a list of objects"),
        ("a.csv.gz", b"no gzip", "not a complete gzip file"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00" + b"\xff" * 40, "not a complete gzip file"),
        ("a.csv.gz", gzip.compress(b"a,b\n1,2\n", mtime=0)[:-6], "not a complete gzip file"),
    ],
)
def test_what_is_not_as_the_format_says_is_refused(tmp_path: Path, name: str, content: str | bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_text_file(_file(tmp_path, name, content))


ROWS = [
    {"first": 'He said "go".', "second": "two\r\nlines, and a comma", "label": "0"},
    {"first": "2024-01-31", "second": "true", "label": ""},
    {"first": "007", "second": " spaces ", "label": "-1"},
]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [".csv", ".json", ".jsonl"])
def test_texts_stay_texts(tmp_path: Path, kind: str, packed: bool) -> None:
    quoted = [[f'"{value.replace(chr(34), chr(34) * 2)}"' for value in row.values()] for row in ROWS]
    content = {
        ".csv": "\ufefffirst, second ,label\r\n" + "".join(",".join(row) + "\r\n" for row in quoted) + "\r\n",
        ".json": json.dumps({"data": ROWS}),
        ".jsonl": "".join(json.dumps(row) + "\n" for row in ROWS) + "\n",
    }[kind].encode()
    name = f"train{kind}{'.gz' if packed else ''}"
    file = _file(tmp_path, name, gzip.compress(content) if packed else content)
    assert read_text_file(file).to_pylist() == ROWS
    assert split_files(tmp_path, None, "train") == [file]


@pytest.mark.parametrize("other", ["train.csv.gz", "train.jsonl", "train.parquet"])
def test_a_split_is_not_read_from_two_copies(tmp_path: Path, other: str) -> None:
    for name in ("train.csv", "train-2.csv", other):
        _file(tmp_path, name, "first\na\n")
    with pytest.raises(DataError, match=r"has train\..* and train\..*, whose rows would be read twice"):
        split_files(tmp_path, None, "train")
    (tmp_path / other).unlink()
    _file(tmp_path, "train.bak.csv", "first\na\n")  # no part of the split
    assert len(split_files(tmp_path, None, "train")) == 2


def test_quotes_of_tab_separated_values_are_characters(tmp_path: Path) -> None:
    file = _file(tmp_path, "dev.tsv", 'first\tsecond\n"Go" he said\t"x\n')
    assert read_text_file(file).to_pylist() == [{"first": '"Go" he said', "second": '"x'}]


def test_no_line_break_is_lost_in_a_large_file(tmp_path: Path) -> None:
    long = "x" * (1 << 20)
    for shift in range(4):
        text = f"{long[: -15 - shift]}\r\nZwei"
        file = _file(tmp_path, "a.csv", f'first,second\r\n"{text}",b\r\n')
        assert read_text_file(file).to_pylist()[0]["first"] == text


@pytest.mark.parametrize("name", ["test.csv", "test-1.parquet", "default/test-0.parquet"])
def test_what_is_no_file_is_named_and_not_waited_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match=f"{name}: is not a file that can be read, but a pipe"):
        split_files(tmp_path, None, "test")
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(DataError, match=f"{name}: is not a file that can be read"):
        split_files(tmp_path, None, "test")


def test_texts_of_a_table_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    wrong = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe"))
    pq.write_table(pa.table({"a": wrong}), tmp_path / "test.parquet")
    with pytest.raises(SourceError, match=r"configuration 'default', split 'test': ArrowInvalid: .*UTF8"):
        open_split(Source(str(tmp_path), splits={"test": "test"}), None, "test")


def test_a_long_value_is_shown_in_part(tmp_path: Path) -> None:
    _file(tmp_path, "test.jsonl", json.dumps({"a": {"x": "y" * 20_000}, "b": "z", "label": 0}))
    columns = {"first": "a", "second": "b", "label": "label"}
    source = Source(str(tmp_path), splits={"test": "test"})
    things = Benchmark("things", "pair", ("en",), source, columns, "accuracy", labels=("x", "y"))
    with pytest.raises(DataError, match=r"column 'a': is .*, expected a text") as refused:
        load_rows(things, "en", "test")
    assert len(str(refused.value)) < 500
