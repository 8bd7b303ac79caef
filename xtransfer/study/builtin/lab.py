"""The laboratory studies: real training of tiny models on a generated world, in minutes, without any download."""

from __future__ import annotations

from xtransfer.recipes.recipe import Recipe
from xtransfer.study.study import Study, Target

_CHOSEN = "chosen on dev with training seeds 0 and 1 (docs/explanation/laboratory.md)"

_INTERMEDIATE = Recipe(
    epochs=2,
    batch_size=16,
    learning_rate=5e-4,
    max_length=64,
    dropout=0.0,
    freeze_embeddings=True,
    source=_CHOSEN,
)
_TARGET = Recipe(
    epochs=10,
    batch_size=16,
    learning_rate=3e-4,
    max_length=64,
    dropout=0.0,
    freeze_embeddings=True,
    head="carry",
    source=_CHOSEN,
)

LAB = Study.model_validate(
    {
        "name": "lab",
        "question": "Does intermediate training on inference in English, German or Turkish help inference and causal "
        "choice in languages without labels?",
        "encoders": ["lab-tiny@0"],
        "intermediates": ["direct", "lab-nli@en", "lab-nli@de", "lab-nli@tr", "lab-nli@tr~lab-marian"],
        "targets": [
            Target(benchmark="lab-inference"),
            Target(benchmark="lab-copa", recipe=_TARGET.model_copy(update={"head": "fresh"})),
            Target(benchmark="lab-retrieval"),
        ],
        "seeds": [10, 11, 12],
        "intermediate_recipe": _INTERMEDIATE,
        "target_recipe": _TARGET,
        "small": {
            "encoders": ["lab-mini@0"],
            "intermediates": ["direct", "lab-nli@en"],
            "targets": ["lab-inference", "lab-retrieval"],
            "seeds": [10, 11],
            "intermediate_rows": 480,
        },
    }
)

LAB_FULL = LAB.with_settings(
    {
        "name": "lab-full",
        "encoders": ["lab-tiny@0", "lab-tiny@1", "lab-tiny@2"],
        "intermediates": [
            *(f"lab-nli@{code}" for code in ("en", "de", "ru", "tr")),
            "lab-nli@de~lab-marian",
            "lab-nli@tr~lab-marian",
            "direct",
        ],
        "seeds": [10, 11, 12, 13, 14],
        "small": {},
    }
)
