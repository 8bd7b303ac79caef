"""Users' own benchmarks: the module-level values of the Python files in XTRANSFER_BENCHMARKS.

Each process runs a file once. Only local files that the user listed are run; none is ever downloaded.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from xtransfer.base.declared import reasons
from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import TABLE, Language, unknown_language, why_not_declared
from xtransfer.base.settings import absolute
from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.benchmarks.values import values_of

_BENCHMARK = TypeAdapter(Benchmark)
_LONGEST = 500  # characters of a message
_BESIDE = ("./", "../")  # start of a path relative to the file
_texts: dict[str, str] = {}  # module → source text
_values_of: dict[str, dict[str, str]] = {}  # module → name → digest of its value after the file ran
_running: set[Path] = set()
_declared: dict[tuple[Path, ...], dict[str, Benchmark]] = {}  # files → their benchmarks, once all have run
_languages: dict[tuple[Path, ...], dict[str, Language]] = {}  # likewise
T = TypeVar("T")


def declared(files: tuple[Path, ...], built_in: Mapping[str, Benchmark]) -> dict[str, Benchmark]:
    """Returns the files' benchmarks by name, without built-in ones that a file imports.

    Raises RequestError, with file and line if known, for a file that fails or declares nothing, an invalid benchmark,
    or a name that is taken.
    """
    if files in _declared:
        return _declared[files]
    known = set(map(id, built_in.values()))
    found: dict[str, Benchmark] = {}
    allowed = TABLE | languages(files)
    for file in files:
        if file in _running:  # it is loading the index itself
            continue
        own = [one for one in _values(file, Benchmark) if id(one) not in known]
        if not own and not _values(file, Language):
            raise _fault(file, "declares no benchmark; add a module-level Benchmark(…)")
        known.update(map(id, own))
        for benchmark in (_typed(file, one) for one in own):
            if benchmark.name in built_in or benchmark.name in found:
                raise _fault(file, f"the name '{benchmark.name}' is taken; choose another")
            if faults := _faults(benchmark, allowed):
                raise _fault(file, f"benchmark '{benchmark.name}': {'; '.join(faults)}")
            found[benchmark.name] = _placed(benchmark, file.parent)
    if not _running:
        _declared[files] = found
    return found


def languages(files: tuple[Path, ...]) -> dict[str, Language]:
    """Returns the languages that the files declare, by code; without those of the project's table.

    Raises RequestError, naming the file, for a language that cannot be declared, and for one that two files declare
    differently.
    """
    if files in _languages:
        return _languages[files]
    found: dict[str, tuple[Language, Path]] = {}
    for file in files:
        if file in _running:
            continue
        for one in _values(file, Language):
            if reason := why_not_declared(one):
                raise _fault(file, reason)
            first, other = found.setdefault(one.code, (one, file))
            if first != one:
                raise _fault(file, f"language '{one.code}' is declared as {one}, and in {other} as {first}; "
                             "declare it in one of them, or equally in both")  # fmt: skip
    new = {code: one for code, (one, _) in found.items() if code not in TABLE}
    if not _running:
        _languages[files] = new
    return new


def source_of(module: str) -> str | None:
    """Returns the source text of a user's file as it was run, by module name; None for other modules."""
    return _texts.get(module)


def read_values(module: str) -> Mapping[str, str]:
    """Returns name → digest of the values in a user's file right after it ran; `adapt` may change them later."""
    return _values_of.get(module, {})


def _values(file: Path, of: type[T]) -> list[T]:
    """Returns the values of a type in a file, each once, except in variables with an underscore (parts of others)."""
    named = vars(_module(file)).items()
    values = [value for name, value in named if isinstance(value, of) and not name.startswith("_")]
    return list({id(value): value for value in values}.values())


@cache
def _module(file: Path) -> ModuleType:
    module = ModuleType(f"xtransfer_own_{digest(str(file))[:12]}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    _running.add(file)
    try:
        text = file.read_text(encoding="utf-8")
        _texts[module.__name__] = text
        exec(compile(text, str(file), "exec", dont_inherit=True), vars(module))  # noqa: S102 - the user's own program
        _values_of[module.__name__] = values_of(module)
    except (Exception, SystemExit) as error:
        raise _fault(file, f"{type(error).__name__}: {error}", _line(error, file)) from error
    finally:
        _running.discard(file)
    return module


def _line(error: BaseException, file: Path) -> int | None:
    """Returns the line of the file where an exception started."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return lines[-1] if lines else None


def _fault(file: Path, what: str, line: int | None = None) -> RequestError:
    return RequestError(f"XTRANSFER_BENCHMARKS: {file}{f', line {line}' if line else ''}: {what}")


def _typed(file: Path, benchmark: Benchmark) -> Benchmark:
    """Returns the benchmark with tuples where a user wrote lists; raises RequestError for a value of another type."""
    try:
        return _BENCHMARK.validate_python(benchmark)
    except ValidationError as error:
        raise _fault(file, f"benchmark {benchmark.name!r:.100}: {reasons(error)[:_LONGEST]}") from error


def _faults(benchmark: Benchmark, languages: Collection[str]) -> list[str]:
    """Returns the faults that can be found without importing kinds, which need torch."""
    from xtransfer.metrics.metrics import METRICS

    faults = [fault for source in _sources(benchmark) if (fault := _source_fault(benchmark, source))]
    of_sources = (code for source in _sources(benchmark) for code in source.languages or ())
    asked = dict.fromkeys([*benchmark.languages, *of_sources])
    faults += [str(unknown_language(code)) for code in asked if code not in languages]
    named = [name for name in (benchmark.metric, *benchmark.also) if name or "target" in benchmark.roles]
    faults += [f"no metric '{name}'" for name in named if name not in METRICS]
    if not benchmark.languages:
        faults.append("no languages")
    faults += [
        f"field '{field}' has an empty list of columns" for field, column in benchmark.columns.items() if not column
    ]
    if not benchmark.union and not any(source.splits for source in (benchmark.source, *benchmark.sources.values())):
        faults.append("its source has no splits")
    return faults


def _sources(benchmark: Benchmark) -> list[Source]:
    pool = [benchmark.pool] if benchmark.pool is not None else []
    return [benchmark.source, *benchmark.sources.values(), *pool]


def _source_fault(benchmark: Benchmark, source: Source) -> str | None:
    """Returns what is wrong with a source's names in one of its languages; None if nothing is."""
    try:
        for code in source.languages or benchmark.languages:
            source.path_of(code)
            if not all([source.configs_of(code), *(source.splits_of(split, code) for split in source.splits)]):
                return f"source '{source.path}': an empty list of configs or splits; name one, or leave config out"
    except (LookupError, ValueError, AttributeError) as error:
        return (
            f"source '{source.path}': {error} in its path, config or splits; '{{language}}' is the only name in "
            "braces, and a config by language needs each language"
        )
    return None


def _from(beside: Path, path: str) -> Path:
    return absolute(path, "source") if path.startswith("~") else beside / path


def _placed(benchmark: Benchmark, beside: Path) -> Benchmark:
    """Returns the benchmark with folder paths made absolute; relative ones start at the file's folder."""

    def placed(source: Source) -> Source:
        if source.path.startswith(("~", *_BESIDE)):
            return replace(source, path=str(_from(beside, source.path).resolve()))
        return source

    return replace(
        benchmark,
        source=placed(benchmark.source),
        sources={name: placed(source) for name, source in benchmark.sources.items()},
        pool=placed(benchmark.pool) if benchmark.pool is not None else None,
        union=tuple(_placed(part, beside) for part in benchmark.union),
        english=_placed(benchmark.english, beside) if benchmark.english is not None else None,
    )
