"""Paraphrase identification: do two texts mean the same; accuracy."""

from __future__ import annotations

from xtransfer.base.languages import codes
from xtransfer.benchmarks.spec import Benchmark, Source

_LABELS = ("different", "paraphrase")  # 0 and 1 in both sources; with equal names, a head can be carried over

QQP = Benchmark(
    name="qqp",
    kind="pair",
    languages=codes("en"),
    source=Source(
        "nyu-mll/glue",
        revision="bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
        config="qqp",
        splits={"train": "train", "dev": "validation"},
    ),
    columns={"first": "question1", "second": "question2", "label": "label"},
    labels=_LABELS,
    metric="accuracy",
    chance=50.0,
    roles=("intermediate",),
    licence="Quora's terms of service; not for commercial use",
    id="idx",
    note="63% of the labels are 'different'; the test split has no labels and is not declared",
)
PAWS_X = Benchmark(
    name="paws-x",
    kind="pair",
    languages=codes("de en es fr ja ko zh"),
    source=Source(
        "google-research-datasets/paws-x",
        revision="4cd8187c404bda33cb1f62b49b001115862acf37",
        config="{language}",
        splits={"train": "train", "dev": "validation", "test": "test"},
    ),
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    labels=_LABELS,
    metric="accuracy",
    chance=50.0,
    licence="may be used for any purpose; acknowledgement of Google LLC is asked for",
    id="id",
    note="dev and test are XTREME's dev_2k and test_2k, with the word 'NS' for sentences without a translation; "
    "training rows in languages other than English are machine-translated",
)
