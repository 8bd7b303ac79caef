"""Natural language inference on real data: does the language of the intermediate task matter?

Intermediate data are native to their language, and as many rows of each. XNLI's own English training data (MNLI) is
replaced by a part of LingNLI whose premises no intermediate part has, so that the study runs from a small mirror.
"""

from __future__ import annotations

from xtransfer.study import Study, Target
from xtransfer.training.recipe import Recipe

NATURAL_NLI = Study.model_validate(
    {
        "name": "natural-nli",
        "question": "Does native inference data in Chinese, Indonesian, Persian, Dutch or Japanese help XNLI and "
        "XCOPA more than English data of the same size?",
        "encoders": ["mirror-tiny@0"],
        "intermediates": [
            "direct",
            "lingnli@en",
            "ocnli@zh",
            "indonli@id",
            "farstail@fa",
            "sick-nl@nl",
            "jsick@ja",
        ],
        "targets": [
            Target(
                benchmark="xnli",
                train_on="lingnli-b",
                recipe=Recipe(
                    epochs=3, batch_size=32, learning_rate=2e-5, max_length=128, warmup=0.1,
                    source="XTREME 2020 scripts: batch 32, length 128, 2e-5; fewer epochs",
                ),
            ),
            Target(
                benchmark="xcopa",
                recipe=Recipe(
                    epochs=5, batch_size=32, learning_rate=2e-5, max_length=128, head="carry",
                    source="XTREME-R scripts: 5 epochs, batch 32, length 128, 2e-5",
                ),
            ),
        ],
        "seeds": [0, 1, 2],
        "intermediate_rows": 4000,
        "intermediate_recipe": Recipe(
            epochs=3, batch_size=32, learning_rate=2e-5, max_length=128, warmup=0.1,
            source="XTREME 2020 scripts: batch 32, length 128, 2e-5; fewer epochs",
        ),
        "small": {"seeds": [0, 1]},
    }
)  # fmt: skip
