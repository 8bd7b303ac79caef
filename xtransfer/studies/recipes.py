"""Published recipes that the built-in studies train with, each with its source."""

from __future__ import annotations

from xtransfer.study import Target
from xtransfer.training.recipe import Recipe

_XTREME_R = "google-research/xtreme 838c13b (XTREME-R, August 2021)"
_JIANT = "nyu-mll/jiant daa5a25, scripts of XTREME (Phang et al. 2020)"


def xtreme_r(slug: str, *, large: bool) -> Target:
    """A target with the recipe of XTREME-R's scripts, for XLM-R Large or for base-size models."""
    target = Target.parse(slug)
    return target.model_copy(update={"recipe": _xtreme_r(target.benchmark, 3e-5 if large else 2e-5)})


def _xtreme_r(benchmark: str, rate: float) -> Recipe | None:
    if benchmark in ("xnli", "xcopa"):
        values = {"epochs": 5, "learning_rate": rate, "source": f"{_XTREME_R}: last checkpoint"}
        looks = {"select": "best", "evaluate_every": 100, "source": f"{_XTREME_R}: best English dev every 100 steps"}
        return Recipe.model_validate({**values, **(looks if benchmark == "xnli" else {})})
    if benchmark.startswith(("udpos", "panx")):
        every = 500 if benchmark.startswith("udpos") else 1000
        return Recipe(
            epochs=10, select="best", evaluate_every=every, source=f"{_XTREME_R}: best English dev every {every} steps"
        )
    if benchmark.startswith(("xquad", "mlqa", "tydiqa")):
        return TYDIQA if benchmark.startswith("tydiqa") else SQUAD
    return None


SQUAD = Recipe(
    epochs=3,
    learning_rate=3e-5,
    warmup=0.06,
    weight_decay=1e-4,
    max_length=384,
    source=f"{_XTREME_R}: last checkpoint; 500 steps of warm-up are 6% of SQuAD's",
)
TYDIQA = SQUAD.model_copy(
    update={
        "learning_rate": 2.1e-5,
        "warmup": 0.99,
        "source": f"{_XTREME_R}: last checkpoint; its 500 steps of warm-up to 3e-5 are more than the some 350 steps of "
        "TyDiQA's English rows, so that the rate rises to the end, to 2.1e-5",
    }
)

# XTREME-R's scripts for XNLI, with the rate that XTREME had for every model before August 2021: the two encoders then
# differ in nothing else.
PAIR = Recipe(
    epochs=5,
    select="best",
    evaluate_every=1000,
    source="google-research/xtreme before August 2021 (2e-5 for every model); English dev every 1,000 steps, not 100",
)
CHOICE = Recipe(epochs=5, source=f"{_XTREME_R}, base-size models: last checkpoint")
INTERMEDIATE = PAIR.model_copy(
    update={
        "select": "last",
        "evaluate_every": None,
        "source": "google-research/xtreme before August 2021 for MNLI; the last checkpoint",
    }
)


def jiant(slug: str, *, epochs: int | None, batch_size: int = 32, max_length: int = 256, last: bool = False) -> Target:
    """A target with the recipe of jiant's scripts; without epochs, as the encoder comes."""
    looks = {} if last else {"select": "best", "evaluate_every": 1000}
    return Target.parse(slug).model_copy(
        update={"recipe": _jiant(epochs, batch_size, max_length, **looks) if epochs else None}
    )


def _jiant(epochs: int, batch_size: int, max_length: int, **looks: object) -> Recipe:
    selection = "English dev every 1,000 steps, here all rows and to the end" if looks else "the last checkpoint"
    return Recipe.model_validate(
        {"epochs": epochs, "batch_size": batch_size, "learning_rate": 1e-5, "warmup": 0.1, "max_length": max_length,
         **looks, "source": f"{_JIANT}: {selection}"}
    )  # fmt: skip


JIANT_INTERMEDIATE = Recipe(
    epochs=2,
    learning_rate=1e-5,
    warmup=0.1,
    max_length=384,
    source=f"{_JIANT} for targets; what Phang et al. trained intermediates with was not found",
)
