"""The laboratory studies: real training of tiny models on a generated world, in minutes, without any download."""

from __future__ import annotations

from xtransfer.recipes.recipe import Recipe
from xtransfer.study.study import Study, Target

_CHOSEN = "chosen on dev (docs/explanation/laboratory.md)"

_INTERMEDIATE = Recipe(
    epochs=3,
    batch_size=16,
    learning_rate=3e-4,
    warmup=0.1,
    max_length=64,
    dropout=0.0,
    freeze_embeddings=True,
    source=_CHOSEN,
)
_TARGET = Recipe(
    epochs=20,
    batch_size=16,
    learning_rate=3e-4,
    warmup=0.1,
    max_length=64,
    dropout=0.0,
    freeze_embeddings=True,
    head="carry",
    source=_CHOSEN,
)

TARGETS = (
    Target(benchmark="lab-inference"),
    Target(benchmark="lab-copa", recipe=_TARGET.model_copy(update={"head": "fresh"})),
    Target(benchmark="lab-retrieval"),
)

LAB = Study.model_validate(
    {
        "name": "lab",
        "question": "Does intermediate training on inference in English or Turkish help inference in languages without "
        "labels, and what does it cost retrieval?",
        "encoders": ["lab-tiny@0"],
        "intermediates": ["direct", "lab-nli@en", "lab-nli@tr", "lab-nli@tr~lab-marian"],
        "targets": ["lab-inference", "lab-retrieval"],
        "seeds": [10, 11, 12, 13, 14],
        "intermediate_recipe": _INTERMEDIATE,
        "target_recipe": _TARGET,
        "small": {"intermediates": ["direct", "lab-nli@en"], "seeds": [10, 11, 12]},
    }
)

LAB_FULL = LAB.with_settings(
    {
        "name": "lab-full",
        "question": "Does intermediate training on inference in English, German, Russian or Turkish help inference and "
        "causal choice in languages without labels?",
        "encoders": ["lab-tiny@0", "lab-tiny@1", "lab-tiny@2"],
        "intermediates": [
            *(f"lab-nli@{code}" for code in ("en", "de", "ru", "tr")),
            "lab-nli@de~lab-marian",
            "lab-nli@tr~lab-marian",
            "direct",
        ],
        "targets": TARGETS,
        "small": {},
    }
)
