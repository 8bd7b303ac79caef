"""Image captions: is machine-translated inference data worth as much as human-translated data?

The translator is trained here on similar sentences (Multi30k), and its quality on them is measured. Intermediates have
equally many rows: `snli-cf` in English and machine-translated, and XNLI's dev rows in English, human-translated and
machine-translated. XNLI's test rows, which have other premises, are scored zero-shot.
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
        "question": "Does inference data translated to German, French or Czech by a small model help as much as "
        "English data, and as human translations?",
        "note": "Intermediates have 1,200 rows each, about as many as pass the translation checks of XNLI's dev rows "
        "(xnli-people) in German; none of them is scored. The translator is trained on image captions, like snli-cf's "
        "premises; xnli-people is out of its domain.",
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
            "note": "The encoder has a few million parameters and was pretrained for minutes; targets are trained on "
            "4,000 rows.",
        },
    }
)
