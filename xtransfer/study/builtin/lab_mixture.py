"""Mixtures in the laboratory world, as in Phang et al. 2020, with and without language modelling.

All intermediates have equally many steps, so each part of a mixture has fewer steps than the part alone.
"""

from __future__ import annotations

from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.recipes import adapted
from xtransfer.study.builtin.lab import LAB, TARGETS

_TEXT = "lab-text@en,de,fr,ru,tr,sw*0.2"
_BOTH = "lab-nli@en+lab-responses@en"

LAB_MIXTURE = LAB.with_settings(
    {
        "name": "lab-mixture",
        "question": "Does training on two English tasks at once help more than on each alone, and does masked language "
        "modelling in all languages preserve the vectors that retrieval needs?",
        "intermediates": ["direct", "lab-nli@en", "lab-responses@en", _BOTH, f"lab-nli@en+{_TEXT}", f"{_BOTH}+{_TEXT}"],
        "targets": TARGETS,
        "seeds": [10, 11, 12],
        "intermediate_recipe": adapted(
            LAB.intermediate_recipe,
            "600 steps for every intermediate",
            epochs=None,
            steps=600,
            dual=DualRecipe(similarity="cosine", scale=20),
        ).model_dump(mode="json"),
        "small": {
            "encoders": ["lab-mini@0"],
            "intermediates": ["direct", _BOTH, f"{_BOTH}+{_TEXT}"],
            "targets": ["lab-inference", "lab-retrieval"],
            "seeds": [10, 11],
            "intermediate_recipe.steps": 40,
        },
    }
)
