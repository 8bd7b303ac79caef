"""Corpus `multi30k`: image descriptions in English, German, French and Czech (Elliott et al. 2016).

Only its training split is used for training, without sentences from evaluation splits of benchmarks. Its test split
(2016, 1,000 descriptions) measures translation quality.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from xtransfer.base import settings
from xtransfer.base.errors import SourceError
from xtransfer.data.canonical import short_digest
from xtransfer.data.row_names import normal

NAME = "multi30k"
_FOLDER = "local/multi30k-en-de-fr-cs/default"


def files(split: Literal["train", "test"]) -> list[Path]:
    """Returns the files of a split in the mirror; raises SourceError if there are none."""
    mirror = settings.current().hub_dir
    found = sorted(mirror.glob(f"{_FOLDER}/{split}-*.parquet")) if mirror is not None else []
    if not found:
        where = f"in {mirror}" if mirror is not None else "because XTRANSFER_HUB_DIR is not set"
        raise SourceError(f"corpus '{NAME}': no {_FOLDER}/{split}-*.parquet {where}")
    return found


def training_texts(
    num_texts: int, seed: int, languages: Sequence[str] | None, forbidden: Container[str]
) -> tuple[list[dict[str, str]], dict[str, int]]:
    """Returns at most `num_texts` descriptions in these languages, ordered by the seed, and counts.

    A description is left out if any of its texts, normalised with `canonical.normal`, is in `forbidden`.
    """
    read = _texts(files("train"), languages)
    order = sorted(range(len(read)), key=lambda row: short_digest(f"{seed}/{row}"))
    kept = [read[row] for row in order if not any(normal(text) in forbidden for text in read[row].values())]
    chosen = kept[:num_texts]
    return chosen, {"read": len(read), "dropped_evaluation": len(read) - len(kept), "kept": len(chosen)}


def test_texts() -> list[dict[str, str]]:
    """Returns the descriptions of the test split in all languages, for evaluation only."""
    return _texts(files("test"), None)


def _texts(places: Sequence[Path], languages: Sequence[str] | None) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = [row for place in places for row in pq.read_table(place).to_pylist()]
    return [{code: text for code, text in row.items() if languages is None or code in languages} for row in rows]
