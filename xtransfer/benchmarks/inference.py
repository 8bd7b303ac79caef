"""Natural language inference: premise and hypothesis, three labels, accuracy."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.benchmarks.spec import Benchmark, Source, SplitName
from xtransfer.languages import codes

_LABELS = ("entailment", "neutral", "contradiction")
_COLUMNS = {"first": "premise", "second": "hypothesis", "label": "label"}
_ALL_SPLITS: dict[SplitName, str] = {"train": "train", "dev": "validation", "test": "test"}

MNLI = Benchmark(
    name="mnli",
    kind="pair",
    languages=codes("en"),
    source=Source(
        "nyu-mll/multi_nli",
        revision="da70db2af9d09693783c3320c4249840212ee221",
        splits={"train": "train", "dev": "validation_matched"},
    ),
    columns=_COLUMNS,
    labels=_LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="OANC, CC BY-SA 3.0, CC BY 3.0 and public domain, by genre",
    group="premise",
)
XNLI = Benchmark(
    name="xnli",
    kind="pair",
    languages=codes("ar bg de el en es fr hi ru sw th tr ur vi zh"),
    source=Source(
        "facebook/xnli",
        revision="b8dd5d7af51114dbda02c0e3f6133f332186418e",
        config="{language}",
        splits={"dev": "validation", "test": "test"},
    ),
    sources={"train": replace(MNLI.source, splits={"train": "train"}, languages=("en",))},
    columns=_COLUMNS,
    labels=_LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("target",),
    licence="CC BY-NC 4.0",
    group=3,  # a premise and its three hypotheses stand together, at the same rows in every language
    note="English training rows are MNLI's; languages are parallel row by row",
)
LINGNLI = Benchmark(
    name="lingnli",
    kind="pair",
    languages=codes("en"),
    source=Source("metaeval/lingnli", splits={"train": "train", "dev": "validation"}),
    columns=_COLUMNS,
    labels=_LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="not stated; a derived data set says BSD-2-Clause; premises from MultiNLI",
    group="premise",  # about nine pairs share a premise
    share=(0, 2, "premise"),
    note="half of LingNLI; no premise of it is in lingnli-b",
)
LINGNLI_B = replace(
    LINGNLI,
    name="lingnli-b",
    share=(1, 2, "premise"),
    note="the other half of LingNLI, for English target training where lingnli is the intermediate",
)
OCNLI = Benchmark(
    name="ocnli",
    kind="pair",
    languages=codes("zh"),
    source=Source("clue/clue", config="ocnli", splits={"train": "train", "dev": "validation"}),
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    labels=_LABELS,
    label_values={1: 0, 0: 1, 2: 2},  # this source has neutral first
    no_label=(-1,),
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="CC BY-NC 2.0",
    id="idx",
    group="sentence1",
    note="pairs without a majority label are dropped; the test split has no labels and is not declared",
)
INDONLI = Benchmark(
    name="indonli",
    kind="pair",
    languages=codes("id"),
    source=Source(
        "afaji/indonli",
        revision="refs/convert/parquet",
        config="indonli",
        splits={"train": "train", "dev": "validation", "test": "test_lay"},
    ),
    columns=_COLUMNS,
    labels=_LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="CC BY-SA",
    group="premise",
    note="test is the part written by lay annotators (test_lay), not the harder test_expert",
)
FARSTAIL = Benchmark(
    name="farstail",
    kind="pair",
    languages=codes("fa"),
    source=Source("azarijafari/FarsTail", splits=_ALL_SPLITS),
    columns=_COLUMNS,
    labels=_LABELS,
    label_values={"e": 0, "n": 1, "c": 2},
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="Apache 2.0",
    group="premise",
    note="checked on a mirror's parquet; the hub holds bare CSV files, whose layout was not seen",
)
SICK_NL = Benchmark(
    name="sick-nl",
    kind="pair",
    languages=codes("nl"),
    source=Source(
        "maximedb/sick_nl",
        revision="9648d68f54fe13d0372c3f89e365fec8e4c98856",
        splits=_ALL_SPLITS,
    ),
    columns={"first": "sentence_A", "second": "sentence_B", "label": "entailment_label"},
    labels=_LABELS,
    label_values={"ENTAILMENT": 0, "NEUTRAL": 1, "CONTRADICTION": 2},
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="MIT; derived from SICK, CC BY-NC-SA 3.0",
    id="pair_ID",
    group="sentence_A",
    note="English SICK translated by machine and corrected by hand; 57% of the labels are neutral",
)
JSICK = Benchmark(
    name="jsick",
    kind="pair",
    languages=codes("ja"),
    source=Source("hpprc/jsick", revision="refs/convert/parquet", config="base", splits=_ALL_SPLITS),
    columns=_COLUMNS,
    labels=_LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="CC BY-SA 4.0",
    id="id",
    group="premise",
    note="English SICK translated by hand and labelled anew; 62% of the labels are neutral",
)
