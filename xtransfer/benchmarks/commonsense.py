"""Causal commonsense: which of two alternatives is the cause or the effect, accuracy."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.languages import codes

COPA = Benchmark(
    name="copa",
    kind="choice",
    languages=codes("en"),
    source=Source(
        "aps/super_glue",
        revision="3de24cf8022e94f4ee4b9d55a6f539891524d646",
        config="copa",
        splits={"train": "train", "dev": "validation"},
    ),
    columns={
        "context": "premise",
        "question": "question",
        "choices": ("choice1", "choice2"),
        "label": "label",
    },
    metric="accuracy",
    chance=50.0,
    roles=("intermediate",),
    licence="BSD 2-Clause",
    id="idx",
    note="the test split has no labels and is not declared",
)
XCOPA = replace(
    COPA,
    name="xcopa",
    languages=codes("et ht id it qu sw ta th tr vi zh"),
    source=Source(
        "cambridgeltl/xcopa",
        revision="042f78955ba48e6404616762fa6e05e839c3907a",
        config="{language}",
        splits={"dev": "validation", "test": "test"},
    ),
    sources={"en": replace(COPA.source, languages=("en",))},
    roles=("target",),
    licence="CC BY 4.0",
    note="English training and dev rows are COPA's; XTREME-R trains on Social IQa before COPA",
)
