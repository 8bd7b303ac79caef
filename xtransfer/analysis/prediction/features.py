"""What is known of an intermediate and a target before any training, as numbers.

  log2_rows     log2 of the rows seen in intermediate training
  similarity    cosine of the mean vectors of the intermediate's and the target's rows, in the test language
  overlap       share of the target's tokens, in the test language, that occur in the intermediate's rows
  log_evidence  LogME of the intermediate's labels
  h_score       H-score of the intermediate's labels

All but the first need one pass of the encoder over some rows (`xtransfer.scoring.description`). An intermediate of
several parts has the mean of theirs. Unknown numbers are NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from xtransfer.scoring.description import Description

Intermediates = Mapping[tuple[str, str], Sequence[Description]]  # (encoder, intermediate) → its parts
Targets = Mapping[tuple[str, str, str], Description]  # (encoder, target, language)
Feature = Callable[[Description, Description | None], float | None]

FEATURES: Mapping[str, Feature] = {
    "similarity": lambda part, target: part.similarity(target) if target is not None else None,
    "overlap": lambda part, target: part.overlap(target) if target is not None else None,
    "log_evidence": lambda part, _: part.log_evidence,
    "h_score": lambda part, _: part.h_score,
}
NUMBERS = ("log2_rows", *FEATURES)


def with_features(rows: pd.DataFrame, intermediates: Intermediates, targets: Targets) -> pd.DataFrame:
    """Returns rows with a column for each of `FEATURES`.

    Args:
        rows: with encoder (without seed), intermediate, target and language.
        intermediates: what describes their training rows.
        targets: what describes their dev rows.
    """
    names = ["encoder", "intermediate", "target", "language"]
    found = [
        [_mean(feature, intermediates.get((encoder, slug), ()), targets.get((encoder, target, code)))
         for feature in FEATURES.values()]
        for encoder, slug, target, code in rows[names].itertuples(index=False)
    ]  # fmt: skip
    return rows.assign(**pd.DataFrame(found, columns=[*FEATURES], index=rows.index, dtype=float))


def _mean(feature: Feature, parts: Sequence[Description], target: Description | None) -> float:
    known = [one for part in parts if (one := feature(part, target)) is not None]
    return float(np.mean(known)) if known else np.nan
