"""Sentence retrieval across languages: nothing is trained, the encoder alone is scored."""

from __future__ import annotations

from xtransfer.benchmarks.spec import Benchmark, Source
from xtransfer.languages import codes

# XTREME's languages that Tatoeba has, with the code in the names of the source's configurations
_CODES = {
    "af": "afr", "ar": "ara", "bg": "bul", "bn": "ben", "de": "deu", "el": "ell", "es": "spa", "et": "est",
    "eu": "eus", "fa": "pes", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind",
    "it": "ita", "ja": "jpn", "jv": "jav", "ka": "kat", "kk": "kaz", "ko": "kor", "ml": "mal", "mr": "mar",
    "nl": "nld", "pt": "por", "ru": "rus", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha", "tl": "tgl",
    "tr": "tur", "ur": "urd", "vi": "vie", "zh": "cmn",
}  # fmt: skip

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
    columns={"source": "target_sentence", "target": "source_sentence"},  # English looks for the foreign one
    metric="accuracy",
    chance=None,  # one in the number of sentences
    roles=("target",),
    licence="CC BY 2.0 FR",
    note="English queries and foreign candidates, as in XTREME; its files sort the English side",
)
