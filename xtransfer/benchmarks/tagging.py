"""Sequence tagging: parts of speech (Universal Dependencies), named entities (WikiANN), supertags (CCGbank)."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.languages import LANGUAGES, XTREME, codes
from xtransfer.benchmarks.spec import Benchmark, Row, Source

_UPOS = (  # in the order of the ids of google/xtreme
    *("ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM"),
    *("PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X"),
)
_UPOS_OF_UD = (  # in the order of the ids of universal_dependencies
    *("NOUN", "PUNCT", "ADP", "NUM", "SYM", "SCONJ", "ADJ", "PART", "DET"),
    *("CCONJ", "PROPN", "PRON", "X", "_", "ADV", "INTJ", "VERB", "AUX"),
)
_NO_WORD = "_"  # the surface form of a token whose words are annotated one by one after it
_ALSO = ("tag_precision", "tag_recall", "tag_accuracy")

_UDPOS_LANGUAGES = codes(
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur vi yo zh"
)
_UDPOS_TRAIN = tuple(code for code in _UDPOS_LANGUAGES if code not in ("th", "tl", "yo"))
_UDPOS_SOURCE = Source(
    "google/xtreme",
    revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
    config={code: f"udpos.{LANGUAGES[code].name}" for code in _UDPOS_LANGUAGES},
    splits={"test": "test"},
)
UDPOS = Benchmark(
    name="udpos",
    kind="tags",
    languages=_UDPOS_LANGUAGES,
    source=_UDPOS_SOURCE,
    sources={
        "train": replace(_UDPOS_SOURCE, splits={"train": "train"}, languages=_UDPOS_TRAIN),
        "dev": replace(
            _UDPOS_SOURCE,
            splits={"dev": "validation"},
            languages=tuple(code for code in _UDPOS_TRAIN if code != "kk"),
        ),
    },
    columns={"tokens": "tokens", "tags": "pos_tags"},
    labels=_UPOS,
    metric="tag_f1",
    also=_ALSO,
    licence="Universal Dependencies 2.5: a licence per treebank, mostly CC BY-SA, some non-commercial",
    note="the treebanks of a language are joined, as in XTREME; F1 is seqeval's over bare tags, not accuracy",
)
_UD27 = Source("local/udpos-ud27", config="{language}", splits={"test": "test"}, languages=codes("lt pl ro uk wo"))
UDPOS_XTREME_R = replace(
    UDPOS,
    name="udpos-xtreme-r",
    languages=(*_UDPOS_LANGUAGES, *(_UD27.languages or ())),
    sources={**UDPOS.sources, **dict.fromkeys(_UD27.languages or (), _UD27)},
    note="udpos and the five languages that XTREME-R added from Universal Dependencies 2.7",
    how_to_get=(
        "lt, pl, ro, uk and wo are on no hub in XTREME-R's form. Make its files with scripts/download_data.sh of "
        "google-research/xtreme and write each test-<language>.tsv to "
        "local/udpos-ud27/<language>/test-00000-of-00001.parquet with the columns tokens (list of strings) and "
        "pos_tags (list of numbers: positions in " + " ".join(_UPOS) + ")"
    ),
)


def _pud(row: Row) -> Row:
    """Converts tags to names; drops PUD's surface tokens whose words are annotated separately."""
    if "upos" not in row:
        return {"tokens": row["tokens"], "tags": [dict(enumerate(_UPOS)).get(tag, tag) for tag in row["pos_tags"]]}
    names = dict(enumerate(_UPOS_OF_UD))
    words = [(token, names.get(tag, tag)) for token, tag in zip(row["tokens"], row["upos"], strict=True)]
    words = [(token, tag) for token, tag in words if tag != _NO_WORD]
    return {"tokens": [token for token, _ in words], "tags": [tag for _, tag in words]}


UDPOS_PUD = replace(
    UDPOS,
    name="udpos-pud",
    languages=codes("ar de en es fi fr hi id it ko pl pt ru th tr zh"),
    source=Source(
        "universal-dependencies/universal_dependencies",
        revision="refs/convert/parquet",
        config="{language}_pud",
        splits={"test": "test"},
    ),
    sources={
        "train": replace(_UDPOS_SOURCE, splits={"train": "train"}, languages=("en",)),
        "dev": replace(_UDPOS_SOURCE, splits={"dev": "validation"}, languages=("en",)),
    },
    columns={"tokens": "tokens", "tags": "tags"},
    label_values={name: number for number, name in enumerate(_UPOS)},
    adapt=_pud,
    roles=("target",),
    licence="CC BY-SA 3.0 (PUD); English training and dev rows are those of udpos",
    note="1,000 parallel sentences (PUD treebanks); trained on the English of udpos",
)
PANX = Benchmark(
    name="panx",
    kind="tags",
    languages=XTREME,
    source=Source(
        "unimelb-nlp/wikiann",
        config="{language}",
        splits={"train": "train", "dev": "validation", "test": "test"},
    ),
    columns={"tokens": "tokens", "tags": "ner_tags"},
    labels=("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"),
    metric="tag_f1",
    also=_ALSO,
    licence="not stated by its authors; text of Wikipedia, CC BY-SA",
    note="splits of Rahimi et al. 2019, which XTREME calls PAN-X; copies of XTREME's own files lack test labels",
)
PANX_XTREME_R = replace(
    PANX,
    name="panx-xtreme-r",
    languages=(*XTREME, *codes("az gu lt pa pl qu ro uk")),
    note="panx in the languages of XTREME-R",
)
CCG = Benchmark(
    name="ccg",
    kind="tags",
    languages=codes("en"),
    source=Source("local/ccgbank", splits={"train": "train", "dev": "validation"}),
    columns={"tokens": "tokens", "tags": "tags"},
    labels_from="labels.txt",
    metric="tag_accuracy",
    roles=("intermediate",),
    licence="LDC User Agreement (LDC2005T13)",
    note="CCG supertagging; labels are the categories listed in labels.txt, about 1,300 in CCGbank",
    how_to_get=(
        "CCGbank is LDC2005T13 of the Linguistic Data Consortium. Write sections 02-21 to "
        "local/ccgbank/default/train-00000-of-00001.parquet and section 00 to validation-00000-of-00001.parquet "
        "next to it, with the columns tokens and tags (lists of strings: words, lexical categories), and every "
        "category that occurs to local/ccgbank/labels.txt, one per line"
    ),
)
