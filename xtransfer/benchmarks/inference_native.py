"""Natural language inference written in languages other than English: premise, hypothesis, three labels."""

from __future__ import annotations

from xtransfer.base.languages import codes
from xtransfer.benchmarks.inference import ALL_SPLITS, COLUMNS, LABELS
from xtransfer.benchmarks.spec import Benchmark, Source

OCNLI = Benchmark(
    name="ocnli",
    kind="pair",
    languages=codes("zh"),
    source=Source("clue/clue", config="ocnli", splits={"train": "train", "dev": "validation"}),
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    labels=LABELS,
    label_values={1: 0, 0: 1, 2: 2},  # in this source, neutral comes first
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
    columns=COLUMNS,
    labels=LABELS,
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
    source=Source("azarijafari/FarsTail", splits=ALL_SPLITS),
    columns=COLUMNS,
    labels=LABELS,
    label_values={"e": 0, "n": 1, "c": 2},
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="Apache 2.0",
    group="premise",
    note="checked with a mirror's parquet files; the hub has plain CSV files, whose layout was not checked",
)
SICK_NL = Benchmark(
    name="sick-nl",
    kind="pair",
    languages=codes("nl"),
    source=Source(
        "maximedb/sick_nl",
        revision="9648d68f54fe13d0372c3f89e365fec8e4c98856",
        splits=ALL_SPLITS,
    ),
    columns={"first": "sentence_A", "second": "sentence_B", "label": "entailment_label"},
    labels=LABELS,
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
    source=Source("hpprc/jsick", revision="refs/convert/parquet", config="base", splits=ALL_SPLITS),
    columns=COLUMNS,
    labels=LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="CC BY-SA 4.0",
    id="id",
    group="premise",
    note="English SICK, translated and relabelled by people; 62% of the labels are neutral",
)
KLUE_NLI = Benchmark(
    name="klue-nli",
    kind="pair",
    languages=codes("ko"),
    source=Source(
        "klue/klue",
        revision="349481ec73fff722f88e0453ca05c77a447d967c",
        config="nli",
        splits={"train": "train", "dev": "validation"},
    ),
    columns=COLUMNS,
    labels=LABELS,
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="CC BY-SA 4.0",
    id="guid",
    group="premise",
    note="the official test split is not published",
)
JNLI = Benchmark(
    name="jnli",
    kind="pair",
    languages=codes("ja"),
    source=Source(
        "shunk031/JGLUE",
        revision="refs/convert/parquet",
        config="JNLI",
        splits={"train": "train", "dev": "validation"},
    ),
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    labels=LABELS,
    label_values={0: 0, 2: 1, 1: 2},  # in this source, contradiction comes before neutral
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="CC BY-SA 4.0",
    id="sentence_pair_id",
    group="sentence1",
    note="image captions; the official test split is not published; 55% of the dev labels are neutral",
)
