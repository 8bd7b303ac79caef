"""Published recipes as the built-in studies train with them: as they are, or with what differs and why."""

from __future__ import annotations

from xtransfer.recipes.recipes import adapted, recipe, recipe_for
from xtransfer.study.study import Target
from xtransfer.study.target_phases import trained_as


def xtreme_r(slug: str, *, large: bool) -> Target:
    """A target with the recipe of XTREME-R's scripts, for XLM-R Large or for base-size models."""
    return _published(slug, "xtreme-r-2021-large" if large else "xtreme-r-2021")


def jiant(slug: str) -> Target:
    """A target with the recipe of jiant's scripts."""
    return _published(slug, "phang-2020")


def _published(slug: str, source: str) -> Target:
    """A target that compares vectors has the recipe of what it is trained on; others their own, or their kind's."""
    target = Target.parse(slug)
    trained = trained_as(target)
    return target.model_copy(update={"recipe": recipe_for(source, trained.name, trained.kind)})


# XTREME-R's scripts for XNLI, with the rate that XTREME had for every model before August 2021: the two encoders then
# differ in nothing else.
PAIR = adapted(recipe("xtreme-2020", "pair"), "here every 1,000 steps", evaluate_every=1000)
CHOICE = recipe("xtreme-r-2021", "choice")
INTERMEDIATE = adapted(recipe("xtreme-2020", "pair"), "here the last checkpoint", select="last")
JIANT_INTERMEDIATE = adapted(
    recipe("phang-2020", "pair"),
    "these are its targets': what Phang et al. trained intermediates with was not found; the last checkpoint",
    max_length=384,
    select="last",
)
