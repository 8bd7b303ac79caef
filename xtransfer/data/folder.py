"""A user's folder of files, one or more per split: `train.csv`, `de/test.jsonl`, `test-00000-of-00002.parquet`.

Text files are read strictly: an invalid line is an error that names it, and is never skipped. Each
type may be compressed (`train.csv.gz`).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from xtransfer.base.errors import DataError, EmptySplit

if TYPE_CHECKING:
    from _csv import Reader  # `csv` does not export it

TYPES = ".parquet, .csv, .tsv, .json or .jsonl"  # for messages
_QUOTE = 'quote values that contain a separator or a line break, and write a quote in a quoted value twice ("")'
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", ",": "commas"}
_Reader = Callable[[str, Path], pa.Table]
_OTHERS = (b"\xff\xfe", b"\xfe\xff")  # as UTF-16 and UTF-32 begin


def split_files(folder: Path, config: str | None, split: str) -> list[Path]:
    """Returns a split's files, sorted: `<split>.<type>` or `<split>-<anything>.<type>` in the configuration's folder.

    In a mirror, the folder of a data set without configurations is `default`. Raises DataError for two files of one
    name in different types, and for what is no file: reading a pipe or a device may never end.
    """
    mirrored = sorted((folder / (config or "default")).glob(f"{split}-*.parquet"))
    if mirrored:
        return _regular(mirrored)
    own = folder / config if config else folder
    found = [*own.glob(f"{split}.*"), *own.glob(f"{split}-*.*")]
    files = sorted(file for file in found if file.suffix == ".parquet" or is_text(file))
    files = [file for file in files if (name := _name(file)) == split or name.startswith(f"{split}-")]
    names = [_name(file) for file in files]
    if double := [file.name for file, name in zip(files, names, strict=True) if names.count(name) > 1]:
        raise DataError(f"{own}: has {' and '.join(double)}, whose rows would be read twice; keep one of them")
    return _regular(files)


def _regular(files: list[Path]) -> list[Path]:
    if other := [file for file in files if not file.is_file()]:
        raise DataError(f"{other[0]}: is not a file that can be read, but a pipe, device, folder or broken link")
    return files


def is_text(file: Path) -> bool:
    """Returns whether `read_text_file` reads files of this type."""
    return _type(file) in _READERS


def read_text_file(file: Path) -> pa.Table:
    """Returns the table in a text file: all values of CSV and TSV are texts; values of JSON keep their types.

    Raises DataError, with the line if known, for a file that is not UTF-8 or not valid; EmptySplit if
    it has no rows.
    """
    table = _READERS[_type(file)](_decoded(file), file)
    if not table.num_rows:
        raise EmptySplit(f"{file}: has no rows")
    return table


def _name(file: Path) -> str:
    return file.name.removesuffix(".gz").removesuffix(_type(file))


def _type(file: Path) -> str:
    return Path(file.stem).suffix if file.suffix == ".gz" else file.suffix


def _decoded(file: Path) -> str:
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file}: not a complete gzip file ({error}); compress it again") from error
    if content.startswith(_OTHERS) or b"\0" in content:
        raise DataError(f"{file}: in UTF-16 or UTF-32, or with NUL bytes; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{file}, line {line}: the byte 0x{content[error.start]:02x} is not UTF-8 (Latin-1?); save it as UTF-8"
        ) from error


def _csv(text: str, file: Path) -> pa.Table:
    """Comma-separated values with a header line, quoted by `"`; an empty field is an empty text."""
    return _of_lines(csv.reader(io.StringIO(text, newline=""), strict=True), file, _QUOTE)


def _tsv(text: str, file: Path) -> pa.Table:
    """Tab-separated values with a header line; a quote is a character like others, as in the files of MNLI and XNLI."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    return _of_lines(
        reader, file, "no value can contain a tab or a line break; those that do need a .csv or .jsonl file"
    )


def _of_lines(reader: Reader, file: Path, advice: str) -> pa.Table:
    csv.field_size_limit(sys.maxsize)
    began = 1  # the line on which a row begins
    names: list[str] = []
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not names:
                names = [name.strip() for name in row]
                _check_names(names, file)
            elif row and len(row) != len(names):
                raise DataError(
                    f"{file}, line {began}: {len(row)} values, but the header names {len(names)} columns; {advice}"
                )
            elif row:
                rows.append(row)
            began = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{file}, line {began}: {error}; a value that begins with a quote must end with one, and a quote in it is "
            'written twice ("")'
        ) from error
    return pa.table({name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(names)})


def _check_names(names: list[str], file: Path) -> None:
    if len(names) == 1 and (other := next((word for sign, word in _SEPARATORS.items() if sign in names[0]), "")):
        raise DataError(
            f"{file}, line 1: one column, '{names[0][:80]}'; values seem to be separated by {other}; save it with "
            "commas as .csv, or with tabs as .tsv"
        )
    if "" in names:
        raise DataError(f"{file}: column {names.index('') + 1} has no name in the first line")
    if double := {name for name in names if names.count(name) > 1}:
        raise DataError(f"{file}: the first line names {', '.join(sorted(double))} twice")


def _jsonl(text: str, file: Path) -> pa.Table:
    """One object per line."""
    return _of_objects(((f", line {number}", line) for number, line in enumerate(text.split("\n"), 1)), file)


def _json(text: str, file: Path) -> pa.Table:
    """A list of objects, or an object of one such list (`{"data": [...]}`)."""
    value = _parsed(text, file, "")
    if isinstance(value, dict) and len(value) == 1:
        (value,) = value.values()
    if not isinstance(value, list):
        raise DataError(f"{file}: not a list of objects; write one, or one object per line in a .jsonl file")
    return _table(((f", object {number}", one) for number, one in enumerate(value, 1)), file)


def _of_objects(lines: Iterator[tuple[str, str]], file: Path) -> pa.Table:
    return _table(((place, _parsed(line, file, place)) for place, line in lines if line.strip()), file)


def _parsed(text: str, file: Path, place: str) -> object:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        if len(values := dict(pairs)) < len(pairs):
            raise DataError(f"{file}{place}: an object names a field twice ({', '.join(name for name, _ in pairs)})")
        return values

    try:
        return json.loads(text, object_pairs_hook=once)
    except RecursionError as error:
        raise DataError(f"{file}{place}: nested too deeply") from error
    except json.JSONDecodeError as error:
        at = place or f", line {error.lineno}"
        raise DataError(f"{file}{at}, character {error.colno}: not valid JSON ({error.msg})") from error


def _table(values: Iterator[tuple[str, object]], file: Path) -> pa.Table:
    objects: list[Mapping[str, object]] = []
    for place, value in values:
        if not isinstance(value, dict):
            raise DataError(f"{file}{place}: not an object with named fields")
        objects.append(value)
    names = dict.fromkeys(name for one in objects for name in one)
    columns = {}
    for name in names:
        try:
            columns[name] = pa.array([one.get(name) for one in objects])
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(f"{file}, field '{name}': has values of several types ({error})") from error
        except (OverflowError, UnicodeEncodeError) as error:
            raise DataError(f"{file}, field '{name}': has a value that cannot be stored ({error})") from error
    return pa.table(columns)


_READERS: Mapping[str, _Reader] = {".csv": _csv, ".tsv": _tsv, ".json": _json, ".jsonl": _jsonl}
