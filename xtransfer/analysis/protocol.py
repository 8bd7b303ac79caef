"""The differences in protocol between a published figure and ours."""

from __future__ import annotations

from collections.abc import Iterator

from xtransfer import benchmarks, kinds
from xtransfer.analysis.reproduced_scores import Ours, languages_of
from xtransfer.recipes.recipe import Recipe
from xtransfer.results.published import Figure, Paper, TheirRecipe
from xtransfer.study.intermediate import Intermediate

_PLAIN = ("zero-shot", "as it comes")  # settings without an intermediate task
_RECIPE = {"epochs": "epochs", "learning_rate": "learning rate", "batch_size": "batch", "max_length": "length",
           "warmup": "warm-up", "weight_decay": "weight decay"}  # fmt: skip


def forbids(figure: Figure, ours: Ours) -> str:
    """Returns why our number is not comparable with the figure; empty if it is."""
    if figure.block.incomparable:
        return figure.block.incomparable
    if ours.target.score_rows:
        return f"ours is over the first {ours.target.score_rows} rows of each language"
    if ours.target.split != figure.block.split:
        names = {"test": "test rows", "dev": "development rows"}
        return f"theirs is on {names[figure.block.split]}, ours on {names[ours.target.split]}"
    return ""


def named(paper: Paper, figure: Figure, ours: Ours) -> list[str]:
    """Returns the differences: first those found in the database, then those in the paper's entry."""
    return [*_detected(paper, figure, ours), *notes(paper, figure)]


def notes(paper: Paper, figure: Figure) -> list[str]:
    """Returns the notes in the paper's entry on a figure and its protocol, independent of ours."""
    return [*filter(None, [figure.block.note]), *told(paper, figure.benchmark)]


def told(paper: Paper, benchmark: str) -> list[str]:
    """Returns the notes in a paper's entry on a benchmark's protocol, then those on all benchmarks."""
    return [*paper.protocol.get(benchmark, ()), *paper.protocol.get("", ())]


def encoder_difference(paper: Paper, figure: Figure, encoder: str) -> Iterator[str]:
    name = encoder.partition("@")[0]
    if paper.encoders.get(figure.block.model) != name:
        yield f"encoder: theirs {figure.block.model}, ours {name}"


def intermediate_difference(figure: Figure, intermediate: str) -> Iterator[str]:
    plain = figure.block.setting in _PLAIN
    if not (plain and intermediate == "direct"):
        yield f"setting: theirs {figure.block.setting}, ours {_after(intermediate)}"


def _after(intermediate: str) -> str:
    return "zero-shot without an intermediate" if intermediate == "direct" else f"zero-shot after {intermediate}"


def _detected(paper: Paper, figure: Figure, ours: Ours) -> Iterator[str]:
    yield from encoder_difference(paper, figure, ours.encoder)
    yield from intermediate_difference(figure, ours.intermediate)
    if ours.target.translate:
        yield f"setting: theirs {figure.block.setting}, ours translate-{ours.target.translate} by {ours.target.engine}"
    yield from _trained_first(paper, figure, ours)
    yield from _recipe(paper, figure, ours)
    if ours.train_rows:
        yield f"ours was trained on the first {ours.train_rows} rows"
    if kinds.retrieves(benchmarks.get(ours.target.benchmark)):
        pooling = ours.target.pooling
        layer = "the last layer" if pooling.layer is None else f"layer {pooling.layer}"
        how = {"mean": "mean over tokens", "cls": "the first token's vector", "last": "the last token's vector"}
        prompts = "".join(f", {side} prompt {prompt!r}" for side, prompt in pooling.prompts.items() if prompt)
        yield f"retrieval: ours compares {layer}, {how[pooling.how]}{prompts}"
    num_ours = len(languages_of(paper, figure))
    if figure.num_languages and figure.num_languages != num_ours:
        yield f"languages: theirs {figure.num_languages}, ours {num_ours}"


def _trained_first(paper: Paper, figure: Figure, ours: Ours) -> Iterator[str]:
    theirs = paper.trained_first.get(figure.benchmark, ())
    held = ours.target.train_on
    before = tuple(part.benchmark for part in Intermediate.parse(ours.intermediate).all_parts)
    if held == theirs or (theirs and (*before, *held) == theirs):
        return
    default = "nothing" if kinds.retrieves(benchmarks.get(ours.target.benchmark)) else "the benchmark's own"
    yield f"trained on: theirs {' then '.join(theirs) or default}, ours {' then '.join(held) or default}"


def _recipe(paper: Paper, figure: Figure, ours: Ours) -> Iterator[str]:
    """Yields how their nearest recipe differs from ours, with its era if their scripts changed over time."""
    theirs = paper.recipes.get(figure.benchmark, ())
    recipe = ours.recipe
    if recipe is None:
        return
    if not theirs:
        yield "recipe: theirs is not known"
        return
    nearest = min(theirs, key=lambda one: len(_unlike(one, recipe)))
    era = f" ({nearest.era})" if nearest.era else ""
    if fields := _unlike(nearest, recipe):
        told = ", ".join(f"{_RECIPE[name]} {getattr(nearest, name):g}" for name in fields)
        held = ", ".join(f"{_RECIPE[name]} {_number(getattr(recipe, name))}" for name in fields)
        yield f"recipe: theirs {told}{era}, ours {held}"
    elif era:
        yield f"recipe: ours is theirs of one of two eras{era}; the figure may be of the other"


def _unlike(theirs: TheirRecipe, ours: Recipe) -> list[str]:
    return [
        name for name in _RECIPE if getattr(theirs, name) is not None and getattr(theirs, name) != getattr(ours, name)
    ]


def _number(value: float | None) -> str:
    return "not given" if value is None else f"{value:g}"
