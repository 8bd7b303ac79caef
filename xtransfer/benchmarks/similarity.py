"""Semantic textual similarity: predict how similar two texts are; correlation with human scores."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.languages import codes
from xtransfer.benchmarks.spec import Benchmark, Row, Source

_LARGEST = 5  # largest value of STS Benchmark's scale, which starts at 0
_DIGITS = 6  # decimal digits of a score: the source stores them in single precision


def _stsb(row: Row) -> Row:
    score = round(row["similarity_score"], _DIGITS) / _LARGEST
    return {"first": row["sentence1"], "second": row["sentence2"], "score": score}


STSB = Benchmark(
    name="stsb",
    kind="sts",
    languages=codes("de en es fr it ja nl pl pt ru zh"),
    source=Source(
        "PhilipMay/stsb_multi_mt",
        config="{language}",
        splits={"train": "train", "dev": "dev", "test": "test"},
    ),
    columns={"first": "first", "second": "second", "score": "score"},
    metric="spearman",
    also=("pearson",),
    chance=0.0,
    licence="CC BY-SA 4.0 for the selection; its parts each under their own terms (STS Benchmark)",
    adapt=_stsb,
    note="STS Benchmark, machine-translated from English row by row; scores of 0 to 5 become 0 to 1. Japanese was in "
    "the authors' repository, but not on the hub",
)
STSB_VECTORS = replace(
    STSB,
    name="stsb-vectors",
    kind="nearness",
    source=replace(STSB.source, splits={"dev": "dev", "test": "test"}),
    metric="pearson",
    also=("spearman",),
    roles=("target",),
    note="STS Benchmark without training: minus the angle between two texts' vectors (Chidambaram et al. 2018). "
    + STSB.note,
)
