"""XNLI's rows in further languages, and machine translations of English inference data.

English training and dev rows of the targets are MNLI's or XNLI's. Where a note says so, columns and splits were read in
public code and not on the hub.
"""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.languages import codes
from xtransfer.benchmarks.inference import COLUMNS, LABELS, MNLI, XNLI
from xtransfer.benchmarks.spec import Benchmark, Source, SplitName

_PARQUET = "refs/convert/parquet"
_SENTENCES = {"first": "sentence1", "second": "sentence2"}
_SCORED: dict[SplitName, str] = {"dev": "validation", "test": "test"}
_UNSEEN = "columns and splits were read in public code, not on the hub"

XNLI_MT = replace(
    XNLI,
    name="xnli-mt",
    source=replace(XNLI.source, splits={"train": "train"}),
    sources={},
    roles=("intermediate",),
    group="premise",
    note="MNLI's 392,702 training rows in English and, translated by machine in 2018, in XNLI's 14 other languages",
)
XNLI_EU = replace(
    XNLI,
    name="xnli-eu",
    languages=codes("eu"),
    source=Source("HiTZ/xnli-eu", revision=_PARQUET, config="eu", splits={"test": "test"}),
    sources={},
    english=MNLI,
    licence="CC BY-NC 4.0",
    note="XNLI's test rows in Basque, translated by machine and corrected by people (Heredia et al. 2024); row by row "
    "parallel to xnli",
)
XNLI_EU_MT = replace(
    XNLI_EU,
    name="xnli-eu-mt",
    source=Source(
        "HiTZ/xnli-eu",
        revision=_PARQUET,
        config="eu_mt",
        splits={"train": "train", "dev": "validation", "test": "test"},
    ),
    roles=("intermediate", "target"),
    note=f"MNLI's training rows and XNLI's other rows in Basque, translated by machine and not corrected; {_UNSEEN}",
)
XNLI_EU_NATIVE = replace(
    XNLI_EU,
    name="xnli-eu-native",
    source=Source("HiTZ/xnli-eu", revision=_PARQUET, config="eu_native", splits={"test": "test"}),
    group="premise",
    note="621 pairs written in Basque, in XNLI's design; not parallel to xnli. One pair is there with two labels",
)
_AFRICAN = {
    "am": "amh", "en": "eng", "ee": "ewe", "fr": "fra", "ha": "hau", "ig": "ibo", "rw": "kin", "ln": "lin",
    "lg": "lug", "om": "orm", "sn": "sna", "st": "sot", "sw": "swa", "tw": "twi", "wo": "wol", "xh": "xho",
    "yo": "yor", "zu": "zul",
}  # fmt: skip
AFRIXNLI = replace(
    XNLI,
    name="afrixnli",
    languages=codes(" ".join(_AFRICAN)),
    source=Source("masakhane/afrixnli", revision=_PARQUET, config=_AFRICAN, splits=_SCORED),
    sources={},
    english=MNLI,
    licence="Apache 2.0; derived from XNLI, CC BY-NC 4.0",
    group=None,
    note="600 of XNLI's test rows in 16 African languages, translated by people, and XNLI's own in English, French and "
    "Swahili (Adelani et al. 2024); parallel row by row. Intermediates on XNLI's dev rows (xnli-people) have seen its "
    "dev rows",
)
_AMERICAN = {
    "ay": "aym", "bzd": "bzd", "cni": "cni", "gn": "gn", "hch": "hch", "nah": "nah", "oto": "oto", "qu": "quy",
    "shp": "shp", "tar": "tar",
}  # fmt: skip
AMERICAS_NLI = replace(
    XNLI,
    name="americas-nli",
    languages=codes(" ".join(_AMERICAN)),
    source=Source("nala-cub/americas_nli", revision=_PARQUET, config=_AMERICAN, splits=_SCORED),
    sources={},
    english=MNLI,
    licence="CC BY-SA 4.0",
    group="premise",
    note="XNLI's Spanish rows in ten indigenous languages of the Americas, translated by people (Ebrahimi et al. "
    f"2022); {_UNSEEN}",
)
INDICXNLI = replace(
    XNLI,
    name="indicxnli",
    languages=codes("as bn gu hi kn ml mr or pa ta te"),
    source=Source(
        "Divyanshu/indicxnli",
        revision=_PARQUET,
        config="{language}",
        splits={"train": "train", "dev": "validation", "test": "test"},
    ),
    sources={},
    english=MNLI,
    roles=("intermediate", "target"),
    licence="CC0 or CC BY 4.0 (copies differ; not checked on the hub)",
    note=f"XNLI in eleven Indian languages, translated by machine (Aggarwal et al. 2022); {_UNSEEN}",
)
MYXNLI = replace(
    XNLI,
    name="myxnli",
    languages=codes("my"),
    source=Source("akhtet/myXNLI", splits={"train": "train", "dev": "validation", "test": "test"}),
    sources={},
    columns={"first": "sentence1_my", "second": "sentence2_my", "label": "label"},
    label_values={"entailment": 0, "neutral": 1, "contradiction": 2},
    english=MNLI,
    roles=("intermediate", "target"),
    licence="CC BY-NC 4.0",
    note="XNLI in Burmese: dev and test translated by people, MNLI's training rows by machine (Htet and Dras 2025); "
    f"{_UNSEEN}",
)
XNLI_CA = replace(
    XNLI,
    name="xnli-ca",
    languages=codes("ca"),
    source=Source("projecte-aina/xnli-ca", splits=_SCORED),
    sources={},
    english=MNLI,
    note=f"XNLI in Catalan, translated by professionals; {_UNSEEN}",
)
XNLI_GL = replace(
    XNLI,
    name="xnli-gl",
    languages=codes("gl"),
    source=Source("proxectonos/xnli_gl", splits={"test": "test"}),
    sources={},
    columns={**_SENTENCES, "label": "gold_label"},
    label_values={"entailment": 0, "neutral": 1, "contradiction": 2},
    english=MNLI,
    licence="not stated in what was read",
    group=None,
    note=f"XNLI in Galician; {_UNSEEN}",
)


def _in_language(row: dict[str, object], language: str) -> bool:
    return row["language"] == language


RTE3 = replace(
    XNLI,
    name="rte3",
    languages=codes("de en fr it"),
    source=Source("maximoss/rte3-multi", splits=_SCORED, keep=_in_language),
    sources={},
    columns=COLUMNS,
    english=MNLI,
    licence="CC BY 4.0; French BSD 2-Clause, and the repository of the others is GPL 3.0",
    id="id",
    group=None,
    note="RTE-3 with three labels and its translations by people (Skandalis et al. 2024), 800 rows each in dev and "
    "test; 9% of the labels are contradiction",
)
HEBNLI = replace(
    XNLI,
    name="hebnli",
    languages=codes("he"),
    source=Source("HebArabNlpProject/HebNLI", splits={"train": "train", "dev": "validation", "test": "test"}),
    sources={},
    columns={"first": "translation1", "second": "translation2", "label": "original_label"},
    label_values={"entailment": 0, "neutral": 1, "contradiction": 2},
    no_label=("-",),
    english=MNLI,
    roles=("intermediate", "target"),
    licence="CC BY 3.0",
    group="translation1",
    note=f"MNLI in Hebrew, translated by machine; {_UNSEEN}",
)
NLI_TR = replace(
    XNLI,
    name="nli-tr",
    languages=codes("tr"),
    source=Source("boun-tabi/nli_tr", revision=_PARQUET, config="multinli_tr", splits={"train": "train"}),
    sources={},
    no_label=(-1,),
    roles=("intermediate",),
    licence="those of MNLI",
    group="premise",
    note=f"MNLI in Turkish, translated by machine (Budur et al. 2020); {_UNSEEN}",
)
KORNLI = replace(
    XNLI,
    name="kornli",
    languages=codes("ko"),
    source=Source("kakaobrain/kor_nli", revision=_PARQUET, config="multi_nli", splits={"train": "train"}),
    sources={},
    no_label=(-1,),
    roles=("intermediate",),
    licence="CC BY-SA 4.0",
    group="premise",
    note="MNLI in Korean, translated by machine (Ham et al. 2020)",
)
XNLI_KO = replace(
    XNLI,
    name="xnli-ko",
    languages=codes("ko"),
    source=Source("kakaobrain/kor_nli", revision=_PARQUET, config="xnli", splits=_SCORED),
    sources={},
    english=MNLI,
    licence="CC BY-SA 4.0; derived from XNLI, CC BY-NC 4.0",
    note="XNLI in Korean, translated by machine and corrected by people (Ham et al. 2020)",
)
_PARTS = ("mnli", "fever", "anli", "wanli", "ling")
NLI_26 = replace(
    XNLI,
    name="nli-26",
    languages=codes("ar bn de es fa fr he hi id it ja ko mr nl pl ps pt ru sv sw ta tr uk ur vi zh"),
    source=Source(
        "MoritzLaurer/multilingual-NLI-26lang-2mil7",
        splits={"train": tuple(f"{{language}}_{part}" for part in _PARTS)},
    ),
    sources={},
    roles=("intermediate",),
    licence="none on its card; its sources' own, of which ANLI's is CC BY-NC 4.0",
    group="premise",
    note="105,000 rows of MNLI, FEVER-NLI, ANLI, WANLI and LingNLI in each language, translated by machine (Laurer et "
    "al. 2022). Each language is another sample of the English rows: compare it with those, such as nli-26-de@en. "
    f"{_UNSEEN[0].upper()}{_UNSEEN[1:]}",
)
# The English rows that each language of NLI_26 was translated from
NLI_26_ORIGINALS = tuple(
    replace(
        NLI_26,
        name=f"nli-26-{code}",
        languages=codes("en"),
        source=replace(NLI_26.source, splits={"train": tuple(f"{code}_{part}" for part in _PARTS)}),
        columns={"first": "premise_original", "second": "hypothesis_original", "label": "label"},
        group="premise_original",
        note=f"the English rows whose translations are nli-26@{code}; {_UNSEEN}",
    )
    for code in NLI_26.languages
)
WANLI = Benchmark(
    name="wanli",
    kind="pair",
    languages=codes("en"),
    source=Source("alisawuffles/WANLI", splits={"train": "train"}),
    columns={"first": "premise", "second": "hypothesis", "label": "gold"},
    labels=LABELS,
    label_values={"entailment": 0, "neutral": 1, "contradiction": 2},
    metric="accuracy",
    chance=100 / 3,
    roles=("intermediate",),
    licence="CC BY 4.0",
    id="id",
    group="premise",
    note=f"102,885 pairs by a language model, revised by people (Liu et al. 2022); {_UNSEEN}",
)
