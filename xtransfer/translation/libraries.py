"""The libraries that run translation models, and the runtimes that each offers.

A library is an entry in `LIBRARIES` and the module that it names, which is imported when a model is converted or
opened, not when a study is planned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from xtransfer.base.errors import RequestError, unknown

if TYPE_CHECKING:
    from xtransfer.translation.engine import ModelEngine
    from xtransfer.translation.model_tokenizer import ModelTokenizer

_CONVERSION_FILE = "conversion.json"  # {"number_format": runtime, library's name: its version}


class Module(Protocol):
    """What a library's module defines."""

    def open_engine(self, folder: Path, name: str, device: str, beams: int) -> ModelEngine:
        """Returns an engine for a model, converted if the library needs that; errors call it `name`."""
        ...

    def convert(self, folder: Path, tokenizer: ModelTokenizer, runtime: str, out: Path) -> int:
        """Writes the weights of a transformers folder to `out` in the library's format; returns their size in bytes.

        Not called if the library needs no conversion. The caller copies the tokenizer's files to `out`.
        """
        ...


@dataclass(frozen=True)
class Library:
    """A library; `runtimes` are the words after an engine's name that select it (`opus-mt.int8`)."""

    name: str
    runtimes: tuple[str, ...]
    module: str
    converts: bool = True  # whether models are converted, in a separate stage
    package: str = ""  # whose version identifies conversions; by default the name

    @property
    def version(self) -> str:
        """Returns the installed version; raises RequestError if it is not installed."""
        try:
            return installed_version(self.package or self.name)
        except PackageNotFoundError as error:
            raise RequestError(
                f"the library {self.name} is not installed: pip install {self.package or self.name}, or name the "
                "engine with .transformers behind it"
            ) from error

    def load(self) -> Module:
        return cast(Module, import_module(self.module))

    def check_version(self, wanted: str) -> None:
        """Raises RequestError if the installed version is not the one that the study was planned with."""
        if self.version != wanted:
            raise RequestError(
                f"this translation was planned with {self.name} {wanted}, and this machine has {self.version}: "
                "install the version of constraints.txt on all machines"
            )


# A library is added by an entry here and the module that it names
TRANSFORMERS = Library("transformers", ("transformers",), "xtransfer.translation.transformers_engine", converts=False)
LIBRARIES: dict[str, Library] = {
    library.name: library
    for library in (
        Library(
            "ctranslate2",
            ("int8", "int8_float32", "int8_float16", "float16", "float32"),
            "xtransfer.translation.ctranslate2_engine",
        ),
        TRANSFORMERS,
    )
}


def runtimes() -> tuple[str, ...]:
    """Returns all runtimes, library by library."""
    return tuple(runtime for library in LIBRARIES.values() for runtime in library.runtimes)


def library_of(runtime: str) -> Library:
    """Returns the library of a runtime; raises RequestError for an unknown one."""
    for library in LIBRARIES.values():
        if runtime in library.runtimes:
            return library
    raise unknown("runtime", runtime, runtimes())


def save_conversion(folder: Path, runtime: str) -> None:
    """Records beside a converted model its runtime and the version that converted it."""
    library = library_of(runtime)
    made = {"number_format": runtime, library.name: library.version}
    (folder / _CONVERSION_FILE).write_text(json.dumps(made) + "\n", encoding="utf-8")


def runtime_of(folder: Path) -> str:
    """Returns the runtime that reads a model's folder: the one it was converted for, or transformers.

    Raises RequestError if it was converted by a version of the library that is not installed.
    """
    if not is_converted(folder):
        return TRANSFORMERS.runtimes[0]
    made: Mapping[str, str] = json.loads((folder / _CONVERSION_FILE).read_text(encoding="utf-8"))
    library = library_of(made["number_format"])
    library.check_version(made[library.name])
    return made["number_format"]


def is_converted(folder: Path) -> bool:
    """Returns whether stage `convert` wrote a folder."""
    return (folder / _CONVERSION_FILE).is_file()
