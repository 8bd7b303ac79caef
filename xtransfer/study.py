"""A study: a declared grid of encoder × intermediate × target × seed, with its recipes.

The same value is made in Python, from YAML, on the command line and in the Prefect form.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from xtransfer import declared
from xtransfer.errors import RequestError
from xtransfer.pooling import Pooling
from xtransfer.training.mixture import PROPORTIONAL, Sampling
from xtransfer.training.recipe import Recipe
from xtransfer.training.recipes import named

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_LAYER = re.compile(r"layer(\d+)")
_FIRST = re.compile(r"first([1-9]\d*)")
_PART = re.compile(
    r"(?P<benchmark>[a-z0-9][a-z0-9._-]*)@(?P<languages>[a-z]{2,3}(,[a-z]{2,3})*)(~(?P<engine>[A-Za-z0-9][A-Za-z0-9._/-]*))?"
    r"(\*(?P<weight>[^*]*))?"
)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Value):
    """One benchmark in one language: native, or translated from English by an engine."""

    benchmark: str = Field(description="Name of a benchmark, see `xtransfer benchmarks`")
    language: str = Field("en", description="Language of the training rows")
    engine: str | None = Field(None, description="Translation engine; empty: rows written in the language")
    weight: float = Field(
        1.0, gt=0, le=1e6, allow_inf_nan=False, description="How often it is sampled in a mixture, against the others"
    )

    @property
    def slug(self) -> str:
        """`nli@de`, `nli@de~engine` when translated from English by that engine; `*0.5` is a weight."""
        return self.slug_in([self.language])

    def slug_in(self, languages: Sequence[str]) -> str:
        """The slug of parts that differ from this one in the language alone: `nli@de,fr*0.5`."""
        engine = f"~{self.engine}" if self.engine else ""
        weight = f"*{self.weight:g}" if self.weight != 1 else ""
        return f"{self.benchmark}@{','.join(languages)}{engine}{weight}"

    @classmethod
    def parse(cls, text: str) -> list[Part]:
        """The part of a slug, or the parts where it names several languages; raises ValueError for what is none."""
        match = _PART.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"'{text}' is not of the form benchmark@language or benchmark@language~engine, with *WEIGHT behind it "
                "where it is sampled more or less often than the others of a mixture"
            )
        benchmark, engine, weight = match["benchmark"], match["engine"], _weight(text, match["weight"])
        languages = match["languages"].split(",")
        return [cls(benchmark=benchmark, language=code, engine=engine, weight=weight) for code in languages]


def _weight(part: str, text: str | None) -> float:
    try:
        weight = float(text) if text is not None else 1.0
    except ValueError:
        weight = 0.0
    if not 0 < weight <= 1e6:
        raise ValueError(f"'{part}': '{text}' is no weight; write a number above 0: 0.5 is half as often")
    return weight


class Mixture(_Value):
    """What is trained on together: one part, or several with a rule of how often each has its turn."""

    parts: tuple[Part, ...] = Field((), description="Benchmarks trained on together; none: direct")
    sampling: Sampling = Field(PROPORTIONAL, description="How often each part of a mixture has its turn")

    @model_validator(mode="after")
    def _a_mixture(self) -> Self:
        names = [part.model_copy(update={"weight": 1.0}).slug for part in self.parts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"'{self.slug}': {twice[0]} is a part twice; give it a weight instead: {twice[0]}*2")
        weights = [part.slug for part in self.parts if part.weight != 1]
        if len(self.parts) < 2 and (weights or self.sampling != PROPORTIONAL):
            raise ValueError(f"'{self.slug}': weights and sampling are for a mixture of several parts")
        if weights and self.sampling.rule == "rotation":
            raise ValueError(f"'{self.slug}': in rotation every part has equally many turns: {weights[0]} has a weight")
        return self

    @property
    def slug(self) -> str:
        """`mnli@en+text@de,sw*0.5:cap5000`: parts, neighbours that differ in the language alone as one, then how they
        are sampled."""
        return self._together

    @property
    def _together(self) -> str:
        alike = itertools.groupby(self.parts, lambda part: (part.benchmark, part.engine, part.weight))
        groups = [list(group) for _, group in alike]
        named = "+".join(group[0].slug_in([part.language for part in group]) for group in groups)
        return (named or "direct") + self.sampling.slug

    @classmethod
    def parse(cls, text: str) -> Self:
        """The mixture of a slug; raises ValueError that names the part which is wrong."""
        parts, *marks = text.strip().split(":")
        try:
            sampling = Sampling.parse(marks)
        except ValidationError as error:
            reason = "; ".join(_said(fault) for fault in error.errors())
            raise ValueError(f"'{text}': {reason}") from error
        if parts == "direct":
            return cls(sampling=sampling)
        return cls(parts=tuple(part for text in parts.split("+") for part in Part.parse(text)), sampling=sampling)


class Intermediate(Mixture):
    """What is trained on before a target: a mixture, several one after the other, or nothing (`direct`)."""

    earlier: tuple[Mixture, ...] = Field((), description="What is trained on before, one after the other")

    @model_validator(mode="after")
    def _something_in_each(self) -> Self:
        trained: list[Mixture] = [*self.earlier, self]
        if self.earlier and not all(phase.parts for phase in trained):
            raise ValueError(f"'{self.slug}': nothing is trained in one of its phases; leave `direct` out")
        return self

    @property
    def phases(self) -> tuple[Mixture, ...]:
        """What is trained on, in order; nothing for `direct`."""
        last = (Mixture(parts=self.parts, sampling=self.sampling),) if self.parts else ()
        return (*self.earlier, *last)

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """The parts of every phase."""
        return tuple(part for phase in self.phases for part in phase.parts)

    @property
    def slug(self) -> str:
        """`siqa@en>copa@en`: the slugs of the phases, in order."""
        return ">".join([*(phase.slug for phase in self.earlier), self._together])

    @classmethod
    def of(cls, phases: Sequence[Mixture]) -> Intermediate:
        """The intermediate of phases, at least one."""
        *earlier, last = phases
        return cls(parts=last.parts, sampling=last.sampling, earlier=tuple(earlier))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The intermediate of a slug; raises ValueError that names the part which is wrong."""
        if ">" not in text:
            return super().parse(text)
        phases = [Mixture.parse(phase) for phase in text.split(">")]
        return cls(parts=phases[-1].parts, sampling=phases[-1].sampling, earlier=tuple(phases[:-1]))


def _said(fault: Any) -> str:
    """What pydantic found wrong, with the field where it is of one."""
    field = ".".join(str(step) for step in fault["loc"])
    said = f"{fault['msg'].removeprefix('Value error, ')}"
    return f"{field}: {said}, got {fault['input']!r}" if field else said


DIRECT = Intermediate()


def _names(value: Any) -> Any:
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


def _recipe(value: Any) -> Any:
    """The published recipe of a name (`xtreme-r-2021/pair`); other values as they are."""
    try:
        return named(value) if isinstance(value, str) else value
    except RequestError as error:
        raise ValueError(str(error)) from error


AnyRecipe = Annotated[Recipe, BeforeValidator(_recipe, json_schema_input_type=Recipe | str)]


class Target(_Value):
    """What is fine-tuned on in English and scored zero-shot in every language."""

    benchmark: str = Field(description="Benchmark that is scored")
    train_on: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        (), description="Benchmarks whose English rows are trained on, one after the other; empty: its own"
    )
    train_rows: int | None = Field(None, gt=0, description="Train on the first so many rows; empty: all")
    recipe: AnyRecipe | None = Field(
        None, title="Recipe", description="Recipe for this target; empty: the study's target recipe"
    )
    fine_tune: bool = Field(True, description="off: score the head that the encoder came with, train nothing")
    split: Literal["test", "dev"] = Field("test", description="Split that is scored")
    score_rows: int | None = Field(
        None,
        gt=0,
        description="Score so many rows of each language, for a quick look: comparable with nothing; empty: all",
    )
    pooling: Pooling = Field(Pooling(), description="What retrieval compares: layer and pooling")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="What scoring computes in; training: see recipe")

    @model_validator(mode="after")
    def _something_to_train(self) -> Target:
        if not self.fine_tune and (self.train_on or self.train_rows):
            raise ValueError("with fine_tune off nothing is trained: leave out train_on and train_rows")
        return self

    @property
    def slug(self) -> str:
        """`xnli`, `xnli<lingnli` or `xcopa<siqa,copa` when rows of others are trained on; `:as-is`, `:dev`,
        `:first500`, `:layer7`, `:cls`, `:bf16` where that is not the default."""
        marks = [
            "as-is" if not self.fine_tune else "",
            self.split if self.split != "test" else "",
            f"first{self.score_rows}" if self.score_rows is not None else "",
            f"layer{self.pooling.layer}" if self.pooling.layer is not None else "",
            self.pooling.how if self.pooling.how != "mean" else "",
            self.precision if self.precision != "fp32" else "",
        ]
        trained = f"<{','.join(self.train_on)}" if self.train_on else ""
        return self.benchmark + trained + "".join(f":{mark}" for mark in marks if mark)

    @classmethod
    def parse(cls, text: str) -> Target:
        """The target of a slug; raises ValueError for a mark that is none."""
        trained, *marks = text.strip().split(":")
        benchmark, _, train_on = trained.partition("<")
        values: dict[str, Any] = {"benchmark": benchmark, "train_on": train_on or ()}
        pooling: dict[str, Any] = {}
        for mark in marks:
            if layer := _LAYER.fullmatch(mark):
                pooling["layer"] = int(layer.group(1))
            elif first := _FIRST.fullmatch(mark):
                values["score_rows"] = int(first.group(1))
            elif mark == "cls":
                pooling["how"] = mark
            elif mark == "dev":
                values["split"] = mark
            elif mark == "as-is":
                values["fine_tune"] = False
            elif mark == "bf16":
                values["precision"] = mark
            else:
                raise ValueError(f"'{text}': ':{mark}' is none of :as-is, :dev, :firstN, :layerN, :cls and :bf16")
        return cls(**values, pooling=Pooling(**pooling))


def _parsed(cls: type[Intermediate] | type[Target]) -> BeforeValidator:
    """Slugs are read too; a form offers them first, since they are the shorter way to say it."""
    return BeforeValidator(
        lambda value: cls.parse(value) if isinstance(value, str) else value, json_schema_input_type=str | cls
    )


class Study(_Value):
    """A grid to run. Cells are encoders × intermediates × targets × seeds."""

    name: str = Field(
        description="Name under which results are kept: lower-case letters, digits, '.', '_' and '-'",
        json_schema_extra={"pattern": f"^{NAME.pattern}$"},  # so that a form refuses it
    )
    question: str = Field("", description="What the study is to answer, in a sentence")
    note: str = Field("", description="What a reader must know: what is sourced, replaced or left out, and why")
    encoders: tuple[str, ...] = Field(
        min_length=1,
        description="Hub ids (id or id@commit), local folders, or encoders trained here (name@seed)",
    )
    intermediates: tuple[Annotated[Intermediate, _parsed(Intermediate)], ...] = Field(
        min_length=1,
        description="What is trained on first: `direct` (nothing), benchmark@language or benchmark@language~engine",
    )
    targets: tuple[Annotated[Target, _parsed(Target)], ...] = Field(
        min_length=1, description="What is scored: a benchmark, or benchmark<others where others are trained on"
    )
    languages: tuple[str, ...] | None = Field(None, description="Languages to score; empty: all that a target has")
    seeds: tuple[int, ...] = Field((0, 1, 2), min_length=1, description="Training seeds")
    intermediate_rows: int | None = Field(
        None,
        gt=0,
        description="Train on the first so many rows of each intermediate (size-matched); empty: all",
    )
    intermediate_recipe: AnyRecipe = Field(
        Recipe(epochs=3),
        title="Intermediate Recipe",
        description="Recipe of intermediate training, or the name of a published one",
    )
    target_recipe: AnyRecipe = Field(
        Recipe(epochs=3),
        title="Target Recipe",
        description="Recipe of target training, or the name of a published one",
    )
    small: dict[str, Any] = Field({}, description="What `--small` changes: field (or a.b path) → value")

    @field_validator("name")
    @classmethod
    def _name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError(f"'{value}' may hold lower-case letters, digits, '.', '_' and '-' only")
        return value

    @model_validator(mode="after")
    def _no_doubles(self) -> Study:
        for field in ("encoders", "seeds", "languages"):
            _distinct(field, getattr(self, field) or ())
        _distinct("intermediates", [one.slug for one in self.intermediates])
        _distinct("targets", [one.slug for one in self.targets])
        return self

    def recipe_for(self, target: Target) -> Recipe:
        return target.recipe or self.target_recipe

    def with_settings(self, settings: dict[str, Any]) -> Study:
        """This study with fields replaced; keys are fields, `a.b` paths, or the singular of a list field."""
        values = self.model_dump(mode="json")
        for path, value in settings.items():
            _put(values, path, value)
        return make(values)

    def shrunk(self) -> Study:
        """The small version that the study declares; raises RequestError where it declares none."""
        if not self.small:
            raise RequestError(f"study '{self.name}' declares no small version; add a `small:` mapping to it")
        return self.with_settings({**self.small, "name": f"{self.name}-small", "small": {}})


def _distinct(field: str, values: Any) -> None:
    twice = sorted({str(value) for value in values if list(values).count(value) > 1})
    if twice:
        raise ValueError(f"{field}: named twice: {', '.join(twice)}")


_SINGULAR = {"encoder": "encoders", "intermediate": "intermediates", "target": "targets", "seed": "seeds",
             "language": "languages"}  # fmt: skip


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    head, _, rest = path.partition(".")
    if not rest and head in _SINGULAR:
        head, value = _SINGULAR[head], [value]
    if head not in Study.model_fields and not isinstance(values, list) and head not in values:
        raise RequestError(f"--set {path}: no field '{head}' (known: {', '.join(values)})")
    if not rest:
        values[head] = value
        return
    inner = values[head]
    if isinstance(inner, list):
        index, _, rest = rest.partition(".")
        if not index.isdigit() or int(index) >= len(inner) or not rest:
            raise RequestError(f"--set {path}: {head} holds {len(inner)} entries; write {head}.0.field")
        inner = inner[int(index)]
    if not isinstance(inner, dict):
        raise RequestError(f"--set {path}: {head} has no inner fields")
    _put(inner, rest, value)


def make(values: dict[str, Any], where: str = "study") -> Study:
    """A Study from plain values; raises RequestError that lists every wrong field at once."""
    return declared.make(Study, values, where)


def read(file: Path) -> Study:
    """A Study from a YAML file."""
    return declared.read(Study, file)
