"""XTREME's three ways to reach a language without labels: zero-shot, translate-train and translate-test."""

from __future__ import annotations

from xtransfer.study.builtin import tiny
from xtransfer.study.builtin.recipes import PAIR
from xtransfer.study.study import Study, Target

_ENGINE = "nllb-200-distilled-600m"
_WAYS = ("", f":translate-train~{_ENGINE}", f":translate-test~{_ENGINE}", ":translate-test~parallel")
_SMALL = "xnli<lingnli-b:first600"

WAYS = Study.model_validate(
    {
        "name": "xtreme-translate",
        "question": "Does machine translation help XNLI and PAWS-X more on training rows or on test rows, and how far "
        "is it from human translation?",
        "note": "As in XTREME (Hu et al. 2020), translate-train fine-tunes for each language on the English rows "
        "translated to it; translate-test scores the model fine-tuned in English on test rows translated to English. "
        "With `parallel` these rows are the English originals: what a perfect translator would reach. The engine is "
        "NLLB-200 (600M parameters, beam search); XTREME used Google's.",
        "encoders": ["xlm-roberta-base"],
        "intermediates": ["direct"],
        "targets": [
            Target.parse(name + way).model_copy(update={"recipe": PAIR}) for name in ("xnli", "paws-x") for way in _WAYS
        ],
        "seeds": [0, 1, 2],
        "small": {
            "note": "From a mirror: only XNLI, in English, German and Chinese, trained on 600 rows of LingNLI and "
            "scored on 600, with a poor translator that is trained here. For checking that everything runs; too few "
            "rows to learn inference.",
            "encoders": [tiny.MINI],
            "targets": [
                tiny.target(_SMALL + way, rows=600, epochs=2)
                for way in ("", ":translate-train~mirror-marian", ":translate-test~parallel")
            ],
            "languages": ["en", "de", "zh"],
            "seeds": [0, 1],
        },
    }
)
