"""The built-in studies, and finding a study by name or YAML file."""

from __future__ import annotations

import re
from pathlib import Path

from xtransfer.base.errors import RequestError, unknown
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.study.builtin.captions import CAPTIONS
from xtransfer.study.builtin.lab import LAB, LAB_FULL
from xtransfer.study.builtin.lab_dual import LAB_DUAL
from xtransfer.study.builtin.lab_mixture import LAB_MIXTURE
from xtransfer.study.builtin.natural import NATURAL_CHOICE, NATURAL_INFERENCE, NATURAL_NLI
from xtransfer.study.builtin.phang import PHANG
from xtransfer.study.builtin.ways import WAYS
from xtransfer.study.builtin.xtreme_r import BASELINE, BASELINE_BASE, INFERENCE, NATIVE, RETRIEVAL
from xtransfer.study.study import Study, read

_LAB = (LAB, LAB_FULL, LAB_MIXTURE, LAB_DUAL)
_ALL = (
    *_LAB,
    NATURAL_INFERENCE,
    NATURAL_CHOICE,
    NATURAL_NLI,
    CAPTIONS,
    INFERENCE,
    NATIVE,
    WAYS,
    BASELINE,
    BASELINE_BASE,
    RETRIEVAL,
    PHANG,
)
STUDIES: dict[str, Study] = {study.name: study for study in _ALL}


def find(text: str) -> Study:
    """Returns the built-in study of this name, or the study in this YAML file; raises RequestError if not found."""
    if text in STUDIES:
        return STUDIES[text]
    if text.endswith((".yaml", ".yml")) or "/" in text:
        return read(Path(text))
    if (name := re.split("[<@:]", text)[0]) in BENCHMARKS:
        raise RequestError(
            f"no study '{text}': '{name}' is a benchmark; `xtransfer evaluate CHECKPOINT --target {name}` scores a "
            "checkpoint on it, `xtransfer studies` lists studies"
        )
    raise unknown("study", text, STUDIES)
