"""The published recipes of the built-in studies, unchanged or adapted with a reason."""

from __future__ import annotations

from xtransfer import benchmarks
from xtransfer.recipes.recipes import adapted, recipe, recipe_for
from xtransfer.study.study import Target


def xtreme_r(slug: str, *, large: bool) -> Target:
    """Returns a target with the recipe of XTREME-R's scripts, for XLM-R Large or for base-size models."""
    return _published(slug, "xtreme-r-2021-large" if large else "xtreme-r-2021")


def jiant(slug: str) -> Target:
    """Returns a target with the recipe of jiant's scripts."""
    return _published(slug, "phang-2020")


def _published(slug: str, source: str) -> Target:
    """Sets the published recipe of what the target is trained on last, by benchmark or by kind."""
    target = Target.parse(slug)
    trained = benchmarks.get(target.train_on[-1] if target.train_on else target.benchmark)
    return target.model_copy(update={"recipe": recipe_for(source, trained.name, trained.kind)})


# XTREME-R's scripts for XNLI, with the learning rate that XTREME used for every model before August 2021, so that the
# two encoders differ in nothing else.
PAIR = adapted(recipe("xtreme-2020", "pair"), "here every 1,000 steps", evaluate_every=1000)
CHOICE = recipe("xtreme-r-2021", "choice")
INTERMEDIATE = adapted(recipe("xtreme-2020", "pair"), "here the last checkpoint", select="last")
JIANT_INTERMEDIATE = adapted(
    recipe("phang-2020", "pair"),
    "these are its targets': what Phang et al. trained intermediates with was not found; the last checkpoint",
    max_length=384,
    select="last",
)
