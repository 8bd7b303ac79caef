"""A dual encoder in the laboratory world, after Chidambaram et al. 2018.

Translation ranking connects the languages, alone or in rotation with monolingual tasks. All intermediates have equally
many steps.
"""

from __future__ import annotations

from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.recipes import adapted
from xtransfer.study.builtin.lab import LAB
from xtransfer.study.study import Target

_BRIDGE = "lab-parallel@de,fr,ru,tr,sw"
_MONOLINGUAL = "lab-statements@en+lab-stories@en+lab-responses@en"

LAB_DUAL = LAB.with_settings(
    {
        "name": "lab-dual",
        "question": "Do monolingual tasks together with translation ranking give better sentence vectors for "
        "retrieval, and better inference in languages without labels?",
        "intermediates": [
            "direct",
            f"{_MONOLINGUAL}:rotation",
            f"{_BRIDGE}:rotation",
            f"{_BRIDGE}+{_MONOLINGUAL}:rotation",
        ],
        "targets": [
            Target(benchmark="lab-retrieval").model_dump(mode="json"),
            Target(benchmark="lab-parallel").model_dump(mode="json"),
            Target(benchmark="lab-statements", train_rows=144).model_dump(mode="json"),
            Target(benchmark="lab-inference").model_dump(mode="json"),
        ],
        "seeds": [10, 11, 12],
        "intermediate_recipe": adapted(
            LAB.intermediate_recipe,
            "800 steps for every intermediate; Chidambaram et al. 2018 have dot products and 5 hard negatives",
            epochs=None,
            steps=800,
            dual=DualRecipe(similarity="cosine", scale=20, hard_negatives=2),
        ).model_dump(mode="json"),
        "small": {
            "encoders": ["lab-mini@0"],
            "intermediates": ["direct", f"lab-parallel@de+{_MONOLINGUAL}:rotation"],
            "targets": ["lab-retrieval", "lab-parallel"],
            "seeds": [10, 11],
            "intermediate_recipe.steps": 160,
        },
    }
)
