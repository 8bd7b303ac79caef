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
        "question": "Does a translator help XNLI and PAWS-X more on their training rows or on their test rows, and how "
        "far is it from people's translations?",
        "note": "Ways are XTREME's (Hu et al. 2020): translate-train fine-tunes for each language on the English rows "
        "translated to it, translate-test scores the model that was fine-tuned in English on test rows translated to "
        "English. With parallel these rows are the English originals: what a translator without faults would reach. "
        "The engine is NLLB-200 (600M parameters, beam search); XTREME's was Google's.",
        "encoders": ["xlm-roberta-base"],
        "intermediates": ["direct"],
        "targets": [
            Target.parse(name + way).model_copy(update={"recipe": PAIR}) for name in ("xnli", "paws-x") for way in _WAYS
        ],
        "seeds": [0, 1, 2],
        "small": {
            "note": "From a mirror: XNLI alone, in English, German and Chinese, trained on 600 rows of LingNLI and "
            "scored on 600, with a translator that is trained on the spot and translates poorly. It shows that "
            "everything runs: inference is not learnt from so little.",
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
