"""Pinned sources: the hub, or a mirror in its layout. Code that a data set brings along is never run.

A mirror keeps `<hub id>/<configuration>/<split>-00000-of-00001.parquet`, with `default` for a data set
without configurations. A data set that is in the mirror is read there only; others are read from the hub.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from xtransfer import settings
from xtransfer.benchmarks.spec import SPLITS, Benchmark, Source, SplitName
from xtransfer.digest import digest, file_digest
from xtransfer.errors import DataError, SourceError
from xtransfer.languages import LANGUAGES

if TYPE_CHECKING:
    from datasets import Dataset

LAB = "lab"
LOCAL = "local/"  # folders of a mirror that no hub has
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REACH_SECONDS = 5.0
_pins: dict[str, str] = {}  # of mirrors: path, size and time of each file → pin


def pin(source: Source) -> str:
    """What names the rows of a source for good: they are the same as long as this is.

    The laboratory world's revision; `mirror:` and a digest of the files' bytes; or the hub commit. Raises
    SourceError with what to do when the source is in no mirror and the hub does not answer.
    """
    if source.path == LAB:
        from xtransfer import lab

        return lab.REVISION
    folder = mirrored(source.path)
    if folder is not None:
        return _mirror_pin(source, folder)
    if source.path.startswith(LOCAL):
        raise SourceError(f"'{source.path}' is on no hub; set XTRANSFER_HUB_DIR to a mirror that holds this folder")
    if source.revision and _COMMIT.fullmatch(source.revision):
        return source.revision
    return _hub_commit(source.path, source.revision)


def pin_rows(benchmark: Benchmark, split: SplitName, languages: tuple[str, ...] | list[str]) -> str:
    """The pin of a split in some languages: of each source that they are read from."""
    sources = [(benchmark.source_of(split, code), code) for code in languages]
    if benchmark.union:
        return digest([pin_rows(part, split, languages) for part in benchmark.union])
    own = {(str(source), source.path_of(code)): source for source, code in sources}
    return digest(
        [pin(replace(source, path=path)) for (_, path), source in sorted(own.items(), key=lambda one: one[0])]
    )


def mirrored(path: str) -> Path | None:
    """The mirror's folder of a data set; None where no mirror is set or it lacks the data set."""
    mirror = settings.current().hub_dir
    folder = mirror / path if mirror is not None else None
    return folder if folder is not None and folder.is_dir() else None


def in_mirror(path: str, config: str | None, split: str) -> bool:
    """Whether a mirror holds this split of a data set."""
    folder = mirrored(path)
    return folder is not None and any((folder / (config or "default")).glob(f"{split}-*.parquet"))


def open_split(source: Source, config: str | None, split: str, language: str = "") -> Dataset:
    """One split of a source, by the source's own names of configuration and split.

    Raises SourceError when it is not in the mirror, cannot be read, or the hub does not give it; DataError
    when it has no rows.
    """
    import datasets
    from pyarrow import parquet

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    source = replace(source, path=source.path_of(language))
    folder = mirrored(source.path)
    try:
        if folder is None:
            return datasets.load_dataset(source.path, config, split=split, revision=pin(source))
        files = [str(file) for file in _files(folder, config, split)]
        if not any(parquet.read_metadata(file).num_rows for file in files):
            raise DataError(f"{files[0]}: has no rows")
        cache_dir = str(settings.current().home / "cache" / "datasets")  # the mirror itself may be read-only
        return datasets.load_dataset("parquet", data_files={split: files}, split=split, cache_dir=cache_dir)
    except (SourceError, DataError):
        raise
    except Exception as error:  # the libraries below raise some twenty unrelated types
        where = f"the mirror {folder}" if folder is not None else f"the hub, data set '{source.path}'"
        what = f"configuration '{config or 'default'}', split '{split}'"
        raise SourceError(f"{where}, {what}: {_said(error)}") from error


def available(benchmark: Benchmark) -> str | None:
    """Why the benchmark cannot be loaded here and now; None where it can.

    A mirror must hold a file of every split in every language; of the hub it is only asked whether it
    answers.
    """
    for part in benchmark.union:
        if reason := available(part):
            return reason
    for split in SPLITS:
        for code in () if benchmark.union else benchmark.languages_of(split):
            reason = _unavailable(benchmark.source_of(split, code), split, code)
            if reason is not None:
                return reason
    return None


def _unavailable(source: Source, split: SplitName, language: str) -> str | None:
    path = source.path_of(language)
    if path == LAB:
        return None
    folder = mirrored(path)
    if folder is None and path.startswith(LOCAL):
        return f"'{path}' is in no mirror"
    if folder is None:
        return None if _hub_answers() else f"'{path}' is in no mirror and the hub does not answer"
    try:
        for config in source.configs_of(language):
            for name in source.splits_of(split, language):
                _files(folder, config, name)
    except SourceError as error:
        return str(error)
    return None


def _files(folder: Path, config: str | None, split: str) -> list[Path]:
    files = sorted((folder / (config or "default")).glob(f"{split}-*.parquet"))
    if not files:
        raise SourceError(
            f"the mirror {folder} has no file {config or 'default'}/{split}-*.parquet; add it, or unset "
            "XTRANSFER_HUB_DIR to read from the hub"
        )
    return files


def _mirror_pin(source: Source, folder: Path) -> str:
    places = {
        (config or "default", name)
        for code in _languages(source)
        for config in source.configs_of(code)
        for split in source.splits
        for name in source.splits_of(split, code)
    }
    files = sorted(file for config, name in places for file in (folder / config).glob(f"{name}-*.parquet"))
    if not files:
        raise SourceError(f"the mirror {folder} has none of the splits {', '.join(sorted({name for _, name in places}))}")
    state = digest([(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files])
    if state not in _pins:
        named = [(file.relative_to(folder).as_posix(), file_digest(file)) for file in files]
        _pins[state] = f"mirror:{digest(named)}"
    return _pins[state]


def _languages(source: Source) -> list[str]:
    if source.languages is not None:
        return list(source.languages)
    return [code for code in LANGUAGES if not isinstance(source.config, Mapping) or code in source.config]


@cache
def _hub_commit(path: str, revision: str | None) -> str:
    """The commit that a branch of a data set (None: main) is at now."""
    from huggingface_hub import HfApi

    try:
        commit = HfApi().dataset_info(path, revision=revision, timeout=_REACH_SECONDS).sha
    except Exception as error:  # offline, unknown, gated, timed out: for the user all one
        raise SourceError(
            f"the hub did not say which commit '{path}' is at ({_said(error)}); "
            "set XTRANSFER_HUB_DIR to a mirror that holds it, or run where the hub can be reached"
        ) from error
    if commit is None:
        raise SourceError(f"the hub gave no commit for '{path}'; name one as its revision")
    return commit


@cache
def _hub_answers() -> bool:
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=_REACH_SECONDS)
    except Exception:  # whatever it is, it is no answer
        return False
    return True


def _said(error: Exception) -> str:
    """The cause in one line: libraries wrap it, and their texts can be pages."""
    cause = error
    while isinstance(cause.__cause__, Exception):
        cause = cause.__cause__
    text = " ".join(str(cause).split()).partition(" For more information")[0] or "no reason given"
    return f"{type(cause).__name__}: {text[:300]}"
