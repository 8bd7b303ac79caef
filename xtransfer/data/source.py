"""Reads pinned sources: the hub, or a mirror in its layout. A data set's own code is never run.

A mirror keeps `<hub id>/<configuration>/<split>-00000-of-00001.parquet`, with `default` for a data set
without configurations. A data set that is in the mirror is read there only; others are read from the hub.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from xtransfer.base import settings
from xtransfer.base.digest import digest
from xtransfer.base.errors import DataError, EmptySplit, SourceError
from xtransfer.base.hub import answers, is_commit, said
from xtransfer.base.languages import LANGUAGES
from xtransfer.base.remembered_digests import file_digest
from xtransfer.benchmarks.spec import SPLITS, Benchmark, Source, SplitName
from xtransfer.data import hub
from xtransfer.data.class_names import class_names
from xtransfer.data.folder import TYPES, is_text, read_text_file, split_files

LAB = "lab"
LOCAL = "local/"  # folders of a mirror that no hub has
FOLDER = "/"  # a folder of the user's own, anywhere
Table = tuple[str | None, str]  # configuration and split, as a source names them


def pin(source: Source, tables: Collection[Table] | None = None) -> str:
    """Returns the pin of a source: a name that changes whenever its rows do.

    The laboratory world's revision, `mirror:` and a digest of the files' bytes, or the hub commit. `tables`: those
    that count in a mirror; None: all that the source names. Raises SourceError, with what to do, if the source is not
    in a mirror and the hub does not answer.
    """
    if source.path == LAB:
        from xtransfer import lab

        return lab.REVISION
    folder = mirrored(source.path)
    if folder is not None:
        return _mirror_pin(folder, _all_tables(source) if tables is None else tables)
    if source.path.startswith(FOLDER):
        raise SourceError(f"there is no folder {source.path}; correct the path in the declaration")
    if source.path.startswith(LOCAL):
        raise SourceError(f"'{source.path}' is on no hub; set XTRANSFER_HUB_DIR to a mirror that holds this folder")
    if source.revision and is_commit(source.revision):
        return source.revision
    return hub.commit_of(source.path, source.revision)


def pin_rows(benchmark: Benchmark, split: SplitName, languages: tuple[str, ...] | list[str]) -> str:
    """Returns the pin of a split in some languages, from all tables that they are read from."""
    found = [one for code in languages if benchmark.has(split, code) for one in places(benchmark, split, code)]
    try:
        return digest(pins_of(found))
    except SourceError as error:
        raise SourceError(f"{benchmark.name}: {error}{how_to_get(benchmark, found[0].source.path)}") from error


def pins_of(found: Iterable[Place]) -> list[str]:
    """Returns the pins of tables, one for each source."""
    sources: dict[str, tuple[Source, set[Table]]] = {}
    for place in found:
        sources.setdefault(str(place.source), (place.source, set()))[1].add((place.config, place.split))
    return sorted(pin(source, tables) for source, tables in sources.values())


_MOST_ROWS = 100_000_000  # of a Parquet file, in which repeated rows need next to no bytes


def mirrored(path: str) -> Path | None:
    """Returns a data set's folder in the mirror, or the user's own folder; None if neither exists."""
    if path.startswith(FOLDER):
        return Path(path) if Path(path).is_dir() else None
    mirror = settings.current().hub_dir
    folder = mirror / path if mirror is not None else None
    return folder if folder is not None and folder.is_dir() else None


def in_mirror(path: str, config: str | None, split: str) -> bool:
    """Returns whether a mirror, or a user's folder, has this split of a data set."""
    folder = mirrored(path)
    return folder is not None and bool(split_files(folder, config, split))


def open_split(
    source: Source, config: str | None, split: str, language: str = "", columns: Collection[str] = ()
) -> pa.Table:
    """Returns a split of a source, by the source's own names of configuration and split.

    Reads only `columns`, or all if it has none of them. Raises SourceError if the split is not in the mirror, cannot be
    read, or the hub does not provide it; EmptySplit if it has no rows.
    """
    source = replace(source, path=source.path_of(language))
    folder = mirrored(source.path)
    try:
        if folder is None:
            data = hub.read(source.path, config, split, pin(source))
            return data.select_columns(_wanted(data.column_names, columns)).with_format("arrow")[:]
        files = _files(folder, config, split)
        table = _joined([_read(file, columns) for file in files], f"{files[0].parent}, split '{split}'")
        if not table.num_rows:
            raise EmptySplit(f"{files[0]}: has no rows")
        return table
    except (SourceError, DataError):
        raise
    except Exception as error:  # the libraries below raise some twenty unrelated types
        what = f"configuration '{config or 'default'}', split '{split}'"
        raise SourceError(f"the folder {folder}, {what}: {said(error)}; put complete files there") from error


def _read(file: Path, columns: Collection[str]) -> pa.Table:
    """Reads a file directly; `load_dataset` would write a second copy of every split."""
    if is_text(file):
        table = read_text_file(file)
        return table.select(_wanted(table.column_names, columns))
    with parquet.ParquetFile(file) as opened:
        if opened.metadata.num_rows > _MOST_ROWS:
            rows = f"{opened.metadata.num_rows:,} rows, which fit in no memory"
            raise DataError(f"{file}: has {rows}; keep at most {_MOST_ROWS:,}")
        table = opened.read(_wanted(opened.schema_arrow.names, columns))
        table.validate(full=True)  # texts of a damaged file may be no UTF-8
        return table


def _wanted(names: list[str], columns: Collection[str]) -> list[str]:
    return [name for name in names if name in columns] or names


def _joined(tables: list[pa.Table], where: str) -> pa.Table:
    """Returns the concatenation of tables with the same columns; whole numbers may be stored in different widths.

    Raises DataError, starting with `where`, if columns, types or names of label ids differ.
    """
    names = tables[0].column_names
    other = next((table.column_names for table in tables if set(table.column_names) != set(names)), None)
    if other is not None:
        raise DataError(f"{where}: its files differ in columns ({', '.join(names)}; {', '.join(other)})")
    if any(class_names(table) != class_names(tables[0]) for table in tables):
        raise DataError(f"{where}: its files name label ids differently (ClassLabel); write them with the same names")
    try:
        return pa.concat_tables([table.select(names) for table in tables], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"{where}: its files differ in the types of a column ({error})") from error


@dataclass(frozen=True)
class Place:
    """One table of a source, by the source's own names."""

    source: Source  # its path is complete, without a placeholder for the language
    config: str | None
    split: str

    @property
    def folder(self) -> Path | None:
        """Its folder in a mirror or on this machine; None if it is generated, or only on the hub."""
        return mirrored(self.source.path) if self.source.path != LAB else None

    @property
    def origin(self) -> str:
        """`laboratory`, `folder`, `mirror` or `hub`."""
        if self.source.path == LAB or self.source.path.startswith(FOLDER):
            return "laboratory" if self.source.path == LAB else "folder"
        return "mirror" if self.folder is not None or self.source.path.startswith(LOCAL) else "hub"

    def files(self) -> list[Path]:
        """Returns its files in a mirror or on this machine; raises SourceError, with what to do, if there are none."""
        if self.folder is None:
            pin(self.source)  # raises if the folder does not exist
            return []
        return _files(self.folder, self.config, self.split)


def places(benchmark: Benchmark, split: SplitName, language: str) -> list[Place]:
    """Returns all tables that the rows of a split in one language are read from."""
    benchmark = benchmark.read_as(split, language)
    if benchmark.union:
        return [one for part in benchmark.union if part.has(split, language) for one in places(part, split, language)]
    read = (language, *benchmark.others_read(split, language))
    sources = [(benchmark.source_of(split, code), split, code) for code in read]
    if benchmark.pool is not None and split != "train":
        sources.append((benchmark.pool, "test", ""))
    return [
        Place(replace(source, path=source.path_of(code)), config, name)
        for source, ours, code in sources
        for config in source.configs_of(code)
        for name in source.splits_of(ours, code)
    ]


def how_to_get(benchmark: Benchmark, path: str) -> str:
    """Returns how to get data that no hub may distribute, as the end of an error message; else an empty text."""
    return f"; {benchmark.how_to_get}" if benchmark.how_to_get and path.startswith(LOCAL) else ""


def available(benchmark: Benchmark) -> str | None:
    """Returns why the benchmark cannot be loaded now; None if it can.

    A mirror must have a file of every split in every language; for the hub, checks only that it answers.
    """
    for part in benchmark.union:
        if reason := available(part):
            return reason
    for split in SPLITS:
        for code in () if benchmark.union else benchmark.languages_of(split):
            if reason := split_available(benchmark, split, code):
                return reason
    return _unavailable(benchmark.pool, "test", "") if benchmark.pool is not None else None


def split_available(benchmark: Benchmark, split: SplitName, language: str) -> str | None:
    """Returns why a split in a language cannot be loaded now, as `available`."""
    if benchmark.union:
        parts = [part for part in benchmark.union if part.has(split, language)]
        return next((reason for part in parts if (reason := split_available(part, split, language))), None)
    return _unavailable(benchmark.source_of(split, language), split, language)


def _unavailable(source: Source, split: SplitName, language: str) -> str | None:
    path = source.path_of(language)
    if path == LAB:
        return None
    folder = mirrored(path)
    if folder is None and path.startswith((LOCAL, FOLDER)):
        return f"'{path}' is in no mirror" if path.startswith(LOCAL) else f"there is no folder {path}"
    if folder is None:
        return None if answers() else f"'{path}' is in no mirror and the hub does not answer"
    try:
        for config in source.configs_of(language):
            for name in source.splits_of(split, language):
                _files(folder, config, name)
    except SourceError as error:
        return str(error)
    return None


def _files(folder: Path, config: str | None, split: str) -> list[Path]:
    files = split_files(folder, config, split)
    if not files and settings.current().hub_dir not in folder.parents:
        raise SourceError(f"{folder} has no file {config + '/' if config else ''}{split}.… of type {TYPES}; add it")
    if not files:
        raise SourceError(
            f"the mirror {folder} has no file {config or 'default'}/{split}-*.parquet; add it, or unset "
            "XTRANSFER_HUB_DIR to read from the hub"
        )
    return files


def _mirror_pin(folder: Path, tables: Collection[Table]) -> str:
    files = sorted({file for config, name in tables for file in split_files(folder, config, name)})
    if not files:
        raise SourceError(
            f"the mirror {folder} has none of the splits {', '.join(sorted({name for _, name in tables}))}"
        )
    return f"mirror:{digest([(file.relative_to(folder).as_posix(), file_digest(file)) for file in files])}"


def _all_tables(source: Source) -> set[Table]:
    return {
        (config, name)
        for code in _languages(source)
        for config in source.configs_of(code)
        for split in source.splits
        for name in source.splits_of(split, code)
    }


def _languages(source: Source) -> list[str]:
    if source.languages is not None:
        return list(source.languages)
    return [code for code in LANGUAGES if not isinstance(source.config, Mapping) or code in source.config]
