"""Stage `convert`: a translation model in the form that its library runs, for all its translations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xtransfer.base.stage import StageKind, Work, nothing


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer.translation.libraries import library_of
    from xtransfer.translation.model_loading import convert

    model = inputs.get("engine") or (settings["engine"]["id"], settings["engine"]["revision"])
    runtime = settings["number_format"]
    return {**convert(model, runtime, settings[library_of(runtime).name], work.out)}


KIND = StageKind(name="convert", version=2, run=run, reads=nothing, seconds=3)
