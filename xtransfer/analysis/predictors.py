"""Possible predictors of a gain, per intermediate and test language, from what the project knows of both.

  distance        steps up the family tree from the intermediate's language to the test language: 0 the same
                  language, 1 the same branch of Indo-European, 2 the same family, 3 none in common. Other families
                  have no branches here, so their members are 2 apart. The nearest language of a mixture counts. It is
                  a rank used as a number, not a measured distance.
  same_script     1 if the intermediate has a language written in the test language's script
  log2_rows_seen  log2 of the rows seen in intermediate training (optimizer steps × batch size): the coefficient is
                  the change per doubling
  translated      1 if rows of the intermediate were translated from English by an engine

Families, branches and scripts are those of `xtransfer.base.languages`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from xtransfer.analysis.grid import DIRECT, Grid
from xtransfer.analysis.points import Result
from xtransfer.base.languages import LANGUAGES, NO_FAMILY, Language
from xtransfer.results.roles import INTERMEDIATE, roles
from xtransfer.store.manifest import Manifest
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_facts import TrainFacts
from xtransfer.study.stage_settings import TrainSettings

TERMS = ("distance", "same_script", "log2_rows_seen", "translated")
CLUSTERS = {"distance": "family", "same_script": "script"}  # term → what languages share that are alike in it
COLUMNS = ("encoder", "seed", "intermediate", "language", "gain", *CLUSTERS.values(), *TERMS)


def observations(grid: Grid, target: str, baseline: str = DIRECT) -> pd.DataFrame:
    """Returns one row per encoder, seed, intermediate and language of a target: the gain (points), the family
    and script of the language (its own code if it has none, or it is not known), and `TERMS`.

    A term is NaN if unknown: languages outside `xtransfer.base.languages`, steps that were not recorded.
    """
    base = {
        (point.encoder, point.seed): result
        for point, result in grid.usable.items()
        if (point.target, point.intermediate) == (target, baseline)
    }
    lines = [
        line
        for point, result in grid.usable.items()
        if point.target == target and point.intermediate != baseline and (point.encoder, point.seed) in base
        for line in _lines(result, base[point.encoder, point.seed])
    ]
    return pd.DataFrame(lines, columns=[*COLUMNS])


def _lines(result: Result, base: Result) -> Iterator[dict[str, object]]:
    intermediate = Intermediate.parse(result.point.intermediate)
    own = [LANGUAGES.get(part.language) for part in intermediate.all_parts]
    constant = {
        "encoder": result.point.encoder,
        "seed": result.point.seed,
        "intermediate": result.point.intermediate,
        "log2_rows_seen": np.log2(rows_seen(result)),
        "translated": float(any(part.engine for part in intermediate.all_parts)),
    }
    for code in (code for code in result.values if code in base.values):
        to = LANGUAGES.get(code)
        known = [one for one in own if one is not None] if to is not None and None not in own else []
        yield constant | {
            "language": code,
            "gain": result.values[code] - base.values[code],
            "family": to.family if to is not None and to.family not in NO_FAMILY else code,
            "script": to.script if to is not None else code,
            "distance": min((steps_apart(one, to) for one in known if to), default=np.nan),
            "same_script": max((float(one.script == to.script) for one in known if to), default=np.nan),
        }


def steps_apart(one: Language, other: Language) -> float:
    """Returns the steps up the family tree: 0 same language, 1 same branch, 2 same family, 3 none in common."""
    if one.code == other.code:
        return 0.0
    if one.family != other.family or one.family in NO_FAMILY:
        return 3.0
    return 1.0 if one.branch == other.branch and one.branch != one.family else 2.0


def rows_seen(result: Result) -> float:
    """Returns optimizer steps × batch size of all phases of intermediate training; NaN if that is not known."""
    if result.found is None:
        return float("nan")
    manifests = {one.key: one.manifest for one in result.found.artifacts}
    num_phases = len(Intermediate.parse(result.point.intermediate).phases)
    found = roles([*manifests.values()], result.point.score_stage, num_phases)
    rows = [_rows_of(manifests[key]) for key, role in found.items() if role.name == INTERMEDIATE]
    return sum(rows) if len(rows) == num_phases else float("nan")


def _rows_of(training: Manifest) -> float:
    settings, steps = TrainSettings.of(training), TrainFacts.of(training.facts).steps
    return float(steps * settings.recipe.batch_size) if settings is not None and steps else float("nan")
