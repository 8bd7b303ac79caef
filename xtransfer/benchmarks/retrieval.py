"""Cross-lingual sentence retrieval: scores the encoder without any training."""

from __future__ import annotations

from dataclasses import replace

from xtransfer.base.languages import codes
from xtransfer.benchmarks.spec import Benchmark, Row, Source

# XTREME's languages in Tatoeba, with their code in the source's configuration names
_CODES = {
    "af": "afr", "ar": "ara", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "es": "spa", "et": "est",
    "eu": "eus", "fa": "pes", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind",
    "it": "ita", "ja": "jpn", "jv": "jav", "ka": "kat", "kk": "kaz", "ko": "kor", "ml": "mal", "mr": "mar",
    "nl": "nld", "pt": "por", "ru": "rus", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha", "tl": "tgl",
    "tr": "tur", "ur": "urd", "vi": "vie", "zh": "cmn",
}  # fmt: skip
_MORE_CODES = {"az": "aze", "lt": "lit", "pl": "pol", "ro": "ron", "uk": "ukr"}  # XTREME-R's

TATOEBA = Benchmark(
    name="tatoeba",
    kind="bitext",
    languages=codes(" ".join(_CODES)),
    source=Source(
        "google/xtreme",
        revision="ec5f1f46e9af79639a90684a7a70a956c4998f04",
        config={code: f"tatoeba.{three}" for code, three in _CODES.items()},
        splits={"test": "validation"},
    ),
    columns={"source": "target_sentence", "target": "source_sentence"},  # queries are English, candidates foreign
    metric="accuracy",
    roles=("target",),
    licence="CC BY 2.0 FR",
    note="English queries and foreign candidates, as in XTREME; its files sort the English side",
)
TATOEBA_R = replace(
    TATOEBA,
    name="tatoeba-r",
    languages=codes(" ".join(sorted(_CODES | _MORE_CODES))),
    source=replace(
        TATOEBA.source, config={code: f"tatoeba.{three}" for code, three in sorted((_CODES | _MORE_CODES).items())}
    ),
    note="XTREME-R's 41 languages; az, lt, pl, ro and uk need a mirror. XTREME-R fine-tunes on SQuAD first",
    how_to_get="The hub's copy lacks az, lt, pl, ro and uk. Take data/tatoeba/v1/tatoeba.<aze|lit|pol|ron|ukr>-eng.* "
    "from facebookresearch/LASER on GitHub and write google/xtreme/tatoeba.<aze|…>/validation-*.parquet of a mirror: "
    "a row per line, columns source_sentence (the foreign line) and target_sentence (the English one).",
)


def _bucc_row(row: Row) -> Row:
    """Converts a sentence with its side, given by the language in its id, and the ids of its translations."""
    is_english = row["id"].startswith("en-")
    partners = [] if is_english else (row["gold"] or "").split()
    side, group = ("target", row["id"]) if is_english else ("source", next(iter(partners), row["id"]))
    return {"id": row["id"], "text": row["text"].strip(), "side": side, "partners": partners, "group": group}


BUCC = Benchmark(
    name="bucc",
    kind="mining",
    languages=codes("de fr ru zh"),
    source=Source(
        "local/bucc18-{language}-mining",
        config=("{language}", "en"),
        splits={"dev": "validation", "test": "test"},
    ),
    columns={"text": "text", "side": "side", "partners": "partners"},
    metric="bitext_f1",
    also=("bitext_precision", "bitext_recall"),
    roles=("target",),
    licence="of the BUCC 2018 shared task, terms not stated (text of Wikipedia and News Commentary)",
    id="id",
    group="group",
    whole_groups=True,
    adapt=_bucc_row,
    note="the threshold is set on dev, the shared task's sample; test is its training set, as in XTREME. google/xtreme "
    "on the hub has only the correct pairs, without the other sentences",
    how_to_get="From the site of the BUCC 2018 shared task take bucc2018-<language>-en.sample-gold.tar.bz2 (dev) and "
    "bucc2018-<language>-en.training-gold.tar.bz2 (test). In a mirror write local/bucc18-<language>-mining/<language>/ "
    "and …/en/, each with validation-*.parquet and test-*.parquet: a row per sentence, text columns id (de-000000001, "
    "en-000000001 …), text and gold (on the foreign side the id of the English sentence that .gold pairs it with, "
    "several with blanks between them; otherwise empty).",
)
