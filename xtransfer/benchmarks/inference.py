"""Natural language inference in English or many languages: premise, hypothesis, label; accuracy."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.languages import codes
from xtransfer.benchmarks.spec import Benchmark, Source, SplitName

LABELS = ("entailment", "neutral", "contradiction")
COLUMNS = {"first": "premise", "second": "hypothesis", "label": "label"}
ALL_SPLITS: dict[SplitName, str] = {"train": "train", "dev": "validation", "test": "test"}

MNLI = Benchmark(
    name="mnli",
    kind="pair",
    languages=codes("en"),
    source=Source(
        "nyu-mll/multi_nli",
        revision="da70db2af9d09693783c3320c4249840212ee221",
        splits={"train": "train", "dev": "validation_matched"},
    ),
    columns=COLUMNS,
    labels=LABELS,
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
    columns=COLUMNS,
    labels=LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("target",),
    licence="CC BY-NC 4.0",
    group=3,  # a premise and its three hypotheses are consecutive, at the same rows in every language
    note="English training rows are MNLI's; languages are parallel row by row",
)
LINGNLI = Benchmark(
    name="lingnli",
    kind="pair",
    languages=codes("en"),
    source=Source("metaeval/lingnli", splits={"train": "train", "dev": "validation"}),
    columns=COLUMNS,
    labels=LABELS,
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
XNLI_PEOPLE = replace(
    XNLI,
    name="xnli-people",
    source=replace(XNLI.source, splits={"train": "validation"}),
    sources={},
    roles=("intermediate",),
    note="XNLI's dev rows as training data: 2,490 English rows and their human translations, for comparison with "
    "machine translation of the English rows. They are XNLI's dev split, so do not select checkpoints for xnli on it",
)
SNLI_CF = replace(
    MNLI,
    name="snli-cf",
    source=Source("sagnikrayc/snli-cf-kaushik", splits={"train": "train"}),
    roles=("intermediate",),
    licence="Apache 2.0; the revised pairs are from SNLI, CC BY-SA 4.0",
    note="image descriptions (Kaushik et al. 2020): pairs of SNLI, each also revised by people to get another label; "
    "only the training split is declared",
)
SICK = Benchmark(
    name="sick",
    kind="pair",
    languages=codes("en"),
    source=Source("RobZamp/sick", splits={"train": "train"}),
    columns={"first": "sentence_A", "second": "sentence_B", "label": "label"},
    labels=LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="CC BY-NC-SA 3.0",
    id="id",
    group="sentence_A",
    note="the English side of sick-nl and jsick; 56% of the labels are neutral; only the training split is declared",
)
SNLI = replace(
    MNLI,
    name="snli",
    source=Source(
        "stanfordnlp/snli",
        revision="cdb5c3d5eed6ead6e5a341c8e56e669bb666725b",
        config="plain_text",
        splits=ALL_SPLITS,
    ),
    no_label=(-1,),
    roles=("intermediate", "target"),
    licence="CC BY-SA 4.0",
    note="pairs without a majority label are dropped",
)
ANLI = replace(
    MNLI,
    name="anli",
    source=Source(
        "facebook/anli",
        revision="8e4813d81f46d313dac7892e1c28076917cfcdf9",
        config="plain_text",
        splits={
            "train": ("train_r1", "train_r2", "train_r3"),
            "dev": ("dev_r1", "dev_r2", "dev_r3"),
            "test": ("test_r1", "test_r2", "test_r3"),
        },
    ),
    roles=("intermediate", "target"),
    licence="CC BY-NC 4.0",
    id="uid",
    note="rounds 1, 2 and 3 together",
)
ANLI_PLUS = replace(
    MNLI,
    name="anli-plus",
    union=(ANLI, MNLI, SNLI),
    licence="those of anli, mnli and snli; not for commercial use",
    note="ANLI, MNLI and SNLI together: ANLI+ of Phang et al. 2020; the dev splits are joined, too",
)
RTE = Benchmark(
    name="rte",
    kind="pair",
    languages=codes("en"),
    source=Source(
        "nyu-mll/glue",
        revision="bcdcba79d07bc864c1c254ccfcedcce55bcc9a8c",
        config="rte",
        splits={"train": "train", "dev": "validation"},
    ),
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    labels=("entailment", "not_entailment"),
    metric="accuracy",
    chance=50.0,
    roles=("intermediate",),
    licence="not stated (PASCAL RTE 1-3 and 5, as in GLUE)",
    id="idx",
    note="two labels; the test split has no labels and is not declared",
)
_DUAL = "each text is encoded separately, as Chidambaram et al. 2018 do for SNLI"
SNLI_DUAL = replace(SNLI, name="snli-dual", kind="dual-pair", note=f"the rows of snli; {_DUAL}")
MNLI_DUAL = replace(MNLI, name="mnli-dual", kind="dual-pair", note=f"the rows of mnli; {_DUAL}")
XNLI_DUAL = replace(XNLI, name="xnli-dual", kind="dual-pair", note=f"the rows of xnli; {_DUAL}")
