"""A mixture in the laboratory world, as Phang et al. 2020 train several tasks at once, with language modelling beside.

All intermediates have equally many steps, so a mixture gives each of its parts fewer than the part alone has.
"""

from __future__ import annotations

from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.recipes import adapted
from xtransfer.study.builtin.lab import LAB

_TEXT = "lab-text@en,de,fr,ru,tr,sw*0.2"
_BOTH = "lab-nli@en+lab-responses@en"

LAB_MIXTURE = LAB.with_settings(
    {
        "name": "lab-mixture",
        "question": "Does training on two English tasks at once help more than on each alone, and does masked language "
        "modelling of all languages beside them keep what retrieval reads?",
        "intermediates": ["direct", "lab-nli@en", "lab-responses@en", _BOTH, f"lab-nli@en+{_TEXT}", f"{_BOTH}+{_TEXT}"],
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
