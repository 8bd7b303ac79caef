"""Natural language inference written in languages other than English: premise, hypothesis, two or three labels.

As targets, they are trained on English rows: MNLI's, and RTE's where there are two labels.
"""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.languages import codes
from xtransfer.benchmarks.inference import ALL_SPLITS, COLUMNS, LABELS, MNLI, RTE
from xtransfer.benchmarks.spec import Benchmark, Source

OCNLI = Benchmark(
    name="ocnli",
    kind="pair",
    languages=codes("zh"),
    source=Source("clue/clue", config="ocnli", splits={"train": "train", "test": "validation"}),
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    labels=LABELS,
    label_values={1: 0, 0: 1, 2: 2},  # in this source, neutral comes first
    no_label=(-1,),
    metric="accuracy",
    chance=100 / 3,
    english=MNLI,
    roles=("intermediate", "target"),
    licence="CC BY-NC 2.0",
    id="idx",
    group="sentence1",
    note="pairs without a majority label are dropped; the official test split has no labels, so its dev split is "
    "scored",
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
    english=MNLI,
    roles=("intermediate", "target"),
    licence="CC BY-SA",
    group="premise",
    note="test is the part written by lay annotators (test_lay), not the harder test_expert",
)
INDONLI_EXPERT = replace(
    INDONLI,
    name="indonli-expert",
    source=replace(INDONLI.source, splits={"test": "test_expert"}),
    roles=("target",),
    note="the harder test part of indonli, written by experts in linguistics",
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
    english=MNLI,
    roles=("intermediate", "target"),
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
    english=MNLI,
    roles=("intermediate", "target"),
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
    english=MNLI,
    roles=("intermediate", "target"),
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
        splits={"train": "train", "test": "validation"},
    ),
    columns=COLUMNS,
    labels=LABELS,
    metric="accuracy",
    chance=100 / 3,
    english=MNLI,
    roles=("intermediate", "target"),
    licence="CC BY-SA 4.0",
    id="guid",
    group="premise",
    note="the official test split is not published, so the dev split is scored",
)
JNLI = Benchmark(
    name="jnli",
    kind="pair",
    languages=codes("ja"),
    source=Source(
        "shunk031/JGLUE",
        revision="refs/convert/parquet",
        config="JNLI",
        splits={"train": "train", "test": "validation"},
    ),
    columns={"first": "sentence1", "second": "sentence2", "label": "label"},
    labels=LABELS,
    label_values={0: 0, 2: 1, 1: 2},  # in this source, contradiction comes before neutral
    metric="accuracy",
    chance=100 / 3,
    english=MNLI,
    roles=("intermediate", "target"),
    licence="CC BY-SA 4.0",
    id="sentence_pair_id",
    group="sentence1",
    note="image captions; the official test split is not published, so the dev split is scored; 55% of its labels are "
    "neutral",
)
_NATIVE = replace(MNLI, english=MNLI, roles=("intermediate", "target"))  # for declarations that share most with it
CDSC_E = replace(
    _NATIVE,
    name="cdsc-e",
    languages=codes("pl"),
    source=Source("allegro/klej-cdsc-e", splits=ALL_SPLITS),
    columns={"first": "sentence_A", "second": "sentence_B", "label": "entailment_judgment"},
    label_values={"ENTAILMENT": 0, "NEUTRAL": 1, "CONTRADICTION": 2},
    licence="CC BY-NC-SA 4.0",
    id="pair_ID",
    group="sentence_A",
    note="image captions (Wróblewska and Krasnowska-Kieraś 2017)",
    caveat="74% of the test labels are neutral, so a model that always says neutral gets 74%",
)
INFERES = replace(
    _NATIVE,
    name="inferes",
    languages=codes("es"),
    source=Source("venelink/inferes", splits={"train": "train", "test": "test"}),
    columns={"first": "Premise", "second": "Hypothesis", "label": "Label"},
    label_values={"ent": 0, "neutral": 1, "cnt": 2},
    licence="CC BY 4.0",
    id="ID",
    group="Premise",
    note="written in Spanish (Kovatchev and Taulé 2022); 7 pairs are in training and test",
)
TERRA = replace(
    _NATIVE,
    name="terra",
    languages=codes("ru"),
    source=Source("RussianNLP/russian_super_glue", config="terra", splits={"train": "train", "test": "validation"}),
    labels=RTE.labels,
    chance=50.0,
    english=RTE,
    licence="MIT",
    id="idx",
    note="two labels; the official test split has no labels, so its dev split is scored",
)
TECA = replace(
    _NATIVE,
    name="teca",
    languages=codes("ca"),
    source=Source("projecte-aina/teca", splits=ALL_SPLITS),
    licence="CC BY-NC-ND 4.0 (not checked on the hub)",
    id="id",
    note="written in Catalan; columns and splits were read in public code, not on the hub",
)
SI_NLI = replace(
    _NATIVE,
    name="si-nli",
    languages=codes("sl"),
    source=Source(
        "cjvt/si_nli",
        revision="refs/convert/parquet",
        config="public",
        splits={"train": "train", "test": "validation"},
    ),
    label_values={"entailment": 0, "neutral": 1, "contradiction": 2},
    licence="CC BY-NC-SA 4.0",
    note="written in Slovene (Klemen et al. 2022); the official test split has no labels, so its dev split is scored; "
    "columns and splits were read in public code, not on the hub",
)
ASSIN2 = replace(
    _NATIVE,
    name="assin2",
    languages=codes("pt"),
    source=Source("nilc-nlp/assin2", splits=ALL_SPLITS),
    columns={"first": "premise", "second": "hypothesis", "label": "entailment_judgment"},
    labels=RTE.labels,
    label_values={1: 0, 0: 1},  # in this source, NONE comes before ENTAILMENT
    chance=50.0,
    english=RTE,
    licence="not stated",
    id="sentence_pair_id",
    note="Portuguese as in SICK (Real et al. 2020); two labels; columns and splits were read in public code, not "
    "on the hub",
)
