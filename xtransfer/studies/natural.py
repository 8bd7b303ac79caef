"""Natural language inference on real data: does the language of the intermediate task matter?

Intermediate data are native to their language, and as many rows of each. XNLI's own English training data (MNLI) is
replaced by a part of LingNLI whose premises no intermediate part has, so that the study runs from a small mirror.
"""

from __future__ import annotations

from xtransfer.study import Study, Target
from xtransfer.training.recipe import Recipe

_XTREME = Recipe(
    epochs=3,
    batch_size=32,
    learning_rate=2e-5,
    max_length=128,
    warmup=0.1,
    source="XTREME 2020 scripts (batch 32, length 128, 2e-5), with warm-up as jiant and fewer epochs",
)
_XTREME_R_CHOICE = Recipe(
    epochs=5,
    batch_size=32,
    learning_rate=2e-5,
    max_length=128,
    source="XTREME-R scripts for XCOPA (5 epochs, batch 32, length 128, 2e-5)",
)
# An encoder of a million parameters that has seen minutes of text needs larger steps than a pretrained one, and its
# embeddings, aligned by their start from parallel text, are left alone. The values are the laboratory's, not tuned.
_TINY = Recipe(
    epochs=3,
    batch_size=32,
    learning_rate=5e-4,
    max_length=96,
    dropout=0.0,
    freeze_embeddings=True,
    source="as the laboratory studies, not tuned on these data",
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
            Target(benchmark="xcopa", recipe=_XTREME_R_CHOICE),
        ],
        "seeds": [0, 1, 2, 3, 4],
        "intermediate_rows": 4000,
        "intermediate_recipe": _XTREME,
        "small": {
            "encoders": ["mirror-tiny@0"],
            "targets": [
                _XNLI.model_copy(update={"train_rows": 6000, "recipe": _TINY}).model_dump(mode="json"),
                Target(benchmark="xcopa", recipe=_TINY.model_copy(update={"epochs": 10})).model_dump(mode="json"),
            ],
            "seeds": [0, 1],
            "intermediate_recipe": _TINY.model_dump(mode="json"),
        },
    }
)
