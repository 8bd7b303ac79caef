"""Descriptions of pictures: is inference data that a machine translated worth what data written by people is?

The translator is trained on the spot on the same sort of sentences (Multi30k), and its quality there is measured. As
many rows of each intermediate: `snli-cf` in English and translated, and XNLI's dev rows in English, as people
translated them, and as the machine does. XNLI's test rows, of other premises, are scored zero-shot.
"""

from __future__ import annotations

from xtransfer.recipes.recipes import adapted, recipe
from xtransfer.study.builtin import tiny
from xtransfer.study.study import Study, Target

_RECIPE = adapted(
    recipe("xtreme-2020", "pair"),
    "fewer epochs, with warm-up as jiant, and the last checkpoint",
    epochs=3,
    warmup=0.1,
    select="last",
)
_ENGINE = "multi30k-marian"
_INTERMEDIATES = [
    "direct",
    "snli-cf@en",
    *(f"snli-cf@{language}~{_ENGINE}" for language in ("de", "fr", "cs")),
    "xnli-people@en",
    *(part for language in ("de", "fr") for part in (f"xnli-people@{language}", f"xnli-people@{language}~{_ENGINE}")),
]

CAPTIONS = Study.model_validate(
    {
        "name": "captions",
        "question": "Does inference data that a small translator made in German, French or Czech help as much as "
        "English data, and as data that people translated?",
        "note": "Intermediates have 1,200 rows each, about as many as the checks leave of XNLI's dev rows "
        "(xnli-people) in German; these are none of what is scored. The translator has learnt from descriptions of "
        "pictures, such as snli-cf's; xnli-people is other text to it.",
        "encoders": ["xlm-roberta-base"],
        "intermediates": _INTERMEDIATES,
        "targets": [Target(benchmark="xnli", train_on=("lingnli-b",), recipe=_RECIPE)],
        "languages": ["en", "de", "fr", "es", "ru", "sw"],
        "seeds": [0, 1, 2, 3, 4],
        "intermediate_rows": 1200,
        "intermediate_recipe": _RECIPE,
        "small": {
            "encoders": [tiny.TINY],
            "targets": [tiny.target("xnli<lingnli-b", rows=4000)],
            "seeds": [0, 1, 2],
            "intermediate_recipe": tiny.recipe(),
            "note": "The encoder is of a few million parameters and has seen minutes of text; targets are trained on "
            "4,000 rows.",
        },
    }
)
