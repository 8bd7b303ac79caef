"""Natural language inference on real data: does the language of the intermediate task matter?

Intermediates are native data of equally many rows. XNLI's English training data (MNLI) is replaced by a part of LingNLI
whose premises occur in no intermediate, so that the study runs from a small mirror.
"""

from __future__ import annotations

from xtransfer.recipes.recipes import adapted, recipe
from xtransfer.study.builtin import tiny
from xtransfer.study.study import Study, Target

_XTREME = adapted(
    recipe("xtreme-2020", "pair"),
    "fewer epochs, with warm-up as jiant, and the last checkpoint",
    epochs=3,
    warmup=0.1,
    select="last",
)
_XNLI = Target(benchmark="xnli", train_on=("lingnli-b",), recipe=_XTREME)

NATURAL_NLI = Study.model_validate(
    {
        "name": "natural-nli",
        "question": "Does native inference data in Chinese, Indonesian, Persian, Dutch or Japanese help XNLI and "
        "XCOPA more than English data of the same size?",
        "encoders": ["xlm-roberta-base"],
        "intermediates": ["direct", "lingnli@en", "ocnli@zh", "indonli@id", "farstail@fa", "sick-nl@nl", "jsick@ja"],
        "targets": [
            _XNLI,
            Target(benchmark="xcopa", recipe=recipe("xtreme-r-2021", "choice")),
        ],
        "seeds": [0, 1, 2, 3, 4],
        "intermediate_rows": 4000,
        "intermediate_recipe": _XTREME,
        "small": {
            "encoders": [tiny.TINY],
            "targets": [tiny.target("xnli<lingnli-b", rows=4000), tiny.target("xcopa", epochs=10)],
            "seeds": [0, 1],
            "intermediate_recipe": tiny.recipe(),
        },
    }
)
