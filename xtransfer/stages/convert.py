"""Stage `convert`: converts a translation model once to the format of the library that runs it."""

from __future__ import annotations

from collections.abc import Mapping

from xtransfer.base.stage import StageKind, Work, nothing
from xtransfer.study.stage_settings import ConvertSettings


def run(settings: ConvertSettings, work: Work) -> Mapping[str, object]:
    from xtransfer.translation.model_loading import convert

    return {**convert(work.model(settings.engine), settings.number_format, settings.library_version, work.out)}


KIND = StageKind(ConvertSettings, run, reads=nothing, seconds=3)
