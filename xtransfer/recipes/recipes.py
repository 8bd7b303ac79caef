"""Published recipes by source and kind of benchmark: `xtreme-r-2021/pair`. A benchmark's own takes precedence.

Sources differ, and one changed over time: XTREME's scripts changed when XTREME-R came out (August 2021, commit
0918248). If a script does something that a recipe here cannot express, the recipe's `source` says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from xtransfer.base.errors import unknown
from xtransfer.recipes.dual import DualRecipe
from xtransfer.recipes.recipe import SELECTING, Recipe


def adapted(recipe: Recipe, why: str, **changes: object) -> Recipe:
    """Returns a recipe with changes; its source adds why. A change to `select: last` drops selection settings."""
    unread = dict.fromkeys(SELECTING) if changes.get("select") == "last" else {}
    source = f"{recipe.source}; {why}" if recipe.source else why
    return Recipe.model_validate({**recipe.model_dump(), **unread, **changes, "source": source})


_JIANT = "nyu-mll/jiant, scripts of XTREME (Phang et al. 2020)"
_PHANG_PAIR = Recipe(
    epochs=2,
    learning_rate=1e-5,
    warmup=0.1,
    max_length=256,
    select="best",
    evaluate_every=1000,
    patience=30,
    dev_rows=500,
    source=f"{_JIANT}: 500 English dev rows, which ones is not said",
)
_PHANG_SPAN = adapted(_PHANG_PAIR, "questions in batches of 16, 384 tokens", batch_size=16, max_length=384)
_XTREME = "google-research/xtreme before August 2021"
_XTREME_PAIR = Recipe(
    epochs=5,
    select="best",
    evaluate_every=100,
    source=f"{_XTREME}: best English dev accuracy every 100 steps",
)
_XTREME_PAWS = adapted(_XTREME_PAIR, "PAWS-X every 200", evaluate_every=200)
_XTREME_TAGS = Recipe(
    epochs=10, select="best", evaluate_every=500, source=f"{_XTREME}: best English dev F1 every 500 steps"
)
_XTREME_PANX = adapted(_XTREME_TAGS, "PAN-X every 1,000", evaluate_every=1000)
_XTREME_SPAN = Recipe(
    epochs=2,
    batch_size=16,
    learning_rate=3e-5,
    warmup=0.046,
    weight_decay=1e-4,
    max_length=384,
    source=f"{_XTREME}: last checkpoint; 500 steps of warm-up are 4.6% of SQuAD's",
)
_XTREME_R = "google-research/xtreme 838c13b"
_BASE = f"{_XTREME_R}, base-size models"
_LARGE = f"{_XTREME_R}, XLM-R Large"
_XTREME_R_CHOICE = Recipe(epochs=5, source=f"{_BASE}: last checkpoint")
_XTREME_R_SPAN = Recipe(
    epochs=3,
    learning_rate=3e-5,
    warmup=0.06,
    weight_decay=1e-4,
    max_length=384,
    source=f"{_BASE}: last checkpoint; 500 steps of warm-up are 6% of SQuAD's",
)
_FIRST_TOKENS = DualRecipe(pooling="cls", similarity="cosine", scale=100, learn_scale=True)
_XTREME_R_TYDIQA = adapted(
    _XTREME_R_SPAN,
    "TyDiQA's English rows make some 350 steps, fewer than the warm-up to 3e-5: the rate rises to the end, to 2.1e-5",
    learning_rate=2.1e-5,
    warmup=0.99,
)
_LAREQA = Recipe(
    epochs=3,
    batch_size=16,
    max_length=256,
    dual=_FIRST_TOKENS.model_copy(update={"negatives_within": 4}),
    source=f"{_BASE}: 4 rows a pass, 4 passes a step; checkpoint 9000, here the last; questions there have 96 tokens",
)
_MEWSLI = Recipe(
    epochs=2,
    batch_size=256,
    max_length=64,
    dual=_FIRST_TOKENS.model_copy(update={"negatives_within": 64}),
    source=f"{_BASE}: 64 rows a pass, 4 passes a step; last checkpoint",
)

RECIPES: Mapping[str, Mapping[str, Recipe]] = {  # source → kind or benchmark → recipe
    "phang-2020": {
        "pair": _PHANG_PAIR,
        "paws-x": adapted(_PHANG_PAIR, "PAWS-X 5 epochs", epochs=5),
        "tags": adapted(_PHANG_PAIR, "tags 10 epochs", epochs=10),
        "span": _PHANG_SPAN,
        "tydiqa": adapted(_PHANG_SPAN, "TyDiQA has no dev rows: the last", select="last"),
    },
    "xtreme-2020": {
        "pair": _XTREME_PAIR,
        "paws-x": _XTREME_PAWS,
        "tags": _XTREME_TAGS,
        "panx": _XTREME_PANX,
        "span": _XTREME_SPAN,
    },
    "xtreme-r-2021": {
        "pair": _XTREME_PAIR.model_copy(update={"source": f"{_BASE}: best English dev accuracy every 100 steps"}),
        "choice": _XTREME_R_CHOICE,
        "tags": _XTREME_TAGS.model_copy(update={"source": f"{_BASE}: best English dev F1 every 500 steps"}),
        **dict.fromkeys(
            ("panx", "panx-xtreme-r"),
            _XTREME_PANX.model_copy(update={"source": f"{_BASE}: best English dev F1 every 1,000 steps"}),
        ),
        "span": _XTREME_R_SPAN,
        "tydiqa": _XTREME_R_TYDIQA,
        "squad-answers": _LAREQA,
        "mewsli-x-pairs": _MEWSLI,
    },
    "xtreme-r-2021-large": {
        "pair": _XTREME_PAIR.model_copy(
            update={"learning_rate": 3e-5, "source": f"{_LARGE}: best English dev accuracy every 100 steps"}
        ),
        "choice": Recipe(epochs=5, learning_rate=3e-5, source=f"{_LARGE}: last checkpoint"),
        "tags": _XTREME_TAGS.model_copy(update={"source": f"{_LARGE}: best English dev F1 every 500 steps"}),
        **dict.fromkeys(
            ("panx", "panx-xtreme-r"),
            _XTREME_PANX.model_copy(update={"source": f"{_LARGE}: best English dev F1 every 1,000 steps"}),
        ),
        "span": _XTREME_R_SPAN.model_copy(update={"source": _XTREME_R_SPAN.source.replace(_BASE, _LARGE)}),
        "tydiqa": _XTREME_R_TYDIQA.model_copy(update={"source": _XTREME_R_TYDIQA.source.replace(_BASE, _LARGE)}),
        "squad-answers": _LAREQA.model_copy(update={"source": _LAREQA.source.replace(_BASE, _LARGE)}),
        "mewsli-x-pairs": _MEWSLI.model_copy(
            update={
                "batch_size": 32,
                "learning_rate": 1e-5,
                "dual": _FIRST_TOKENS.model_copy(update={"negatives_within": 8}),
                "source": f"{_LARGE}: 8 rows a pass, 4 passes a step; last checkpoint",
            }
        ),
    },
    "xlm-r-2020": {
        "pair": Recipe(
            steps=150_000,
            batch_size=128,
            learning_rate=5e-6,
            select="best",
            evaluate_every=5000,
            patience=5,
            source="an author of XLM-R (Conneau et al. 2020) on XNLI: up to 30 rounds of 5,000 batches, stopped after "
            "5 rounds without a gain. Warm-up, decay of the rate and length are not said",
        ),
    },
}


def recipe(source: str, what: str) -> Recipe:
    """Returns a source's recipe for a kind or benchmark; raises RequestError if there is none."""
    if source not in RECIPES:
        raise unknown("source of recipes", source, RECIPES)
    if what not in RECIPES[source]:
        raise unknown(f"recipe of {source} for", what, RECIPES[source])
    return RECIPES[source][what]


def recipe_for(source: str, benchmark: str, kind: str) -> Recipe:
    """Returns a source's recipe for a benchmark: its own, else its kind's."""
    return recipe(source, benchmark if benchmark in RECIPES.get(source, {}) else kind)


def named(text: str) -> Recipe:
    """Returns the recipe called `source/kind` or `source/benchmark`; raises RequestError if there is none."""
    source, slash, what = text.partition("/")
    if not slash:
        known = (f"{one}/{kind}" for one, own in RECIPES.items() for kind in own)
        raise unknown("recipe", text, known)
    return recipe(source, what)
