"""Stage `convert`: a translation model as CTranslate2 runs it, for every translation that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xtransfer.base.stage import StageKind, Work, nothing


def run(settings: Mapping[str, Any], inputs: Mapping[str, Path], work: Work) -> dict[str, Any]:
    from xtransfer.translation.convert import convert

    model = inputs.get("engine") or (settings["engine"]["id"], settings["engine"]["revision"])
    return convert(model, settings["number_format"], settings["ctranslate2"], work.out)


KIND = StageKind(name="convert", version=2, run=run, reads=nothing, seconds=3)
