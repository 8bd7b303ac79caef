"""Intermediate training and its notation: mixtures of parts, in one or more phases.

`mnli@en+text@de,sw*0.5:cap5000>copa@en` has two phases; the first mixes three parts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Self

from pydantic import Field, ValidationError, model_validator

from xtransfer.base.declared import Value, reasons
from xtransfer.recipes.mixture import PROPORTIONAL, Sampling

_PART = re.compile(
    r"(?P<benchmark>[a-z0-9][a-z0-9._-]*)@(?P<languages>[\w-]+(,[\w-]+)*)(~(?P<engine>[A-Za-z0-9][A-Za-z0-9._/-]*))?"
    r"(\*(?P<weight>[^*]*))?"
)


class MixturePart(Value):
    """One benchmark in one language: native, or translated from English by an engine."""

    benchmark: str = Field(description="Name of a benchmark, see `xtransfer benchmarks`")
    language: str = Field("en", description="Language of the training rows")
    engine: str | None = Field(None, description="Translation engine; empty: rows written in the language")
    weight: float = Field(
        1.0, gt=0, le=1e6, allow_inf_nan=False, description="Sampling weight relative to the mixture's other parts"
    )

    @property
    def slug(self) -> str:
        """`nli@de`, or `nli@de~engine` if translated from English by that engine; `*0.5` is a weight."""
        return self.slug_in([self.language])

    def slug_in(self, languages: Sequence[str]) -> str:
        """Returns the slug of parts that differ from this one only in language: `nli@de,fr*0.5`."""
        engine = f"~{self.engine}" if self.engine else ""
        weight = f"*{self.weight:g}" if self.weight != 1 else ""
        return f"{self.benchmark}@{','.join(languages)}{engine}{weight}"

    @classmethod
    def parse(cls, text: str) -> list[MixturePart]:
        """Parses a slug into its parts, one per language; raises ValueError if it is invalid."""
        match = _PART.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"'{text}' is not a valid part; write benchmark@language or benchmark@language~engine, optionally with "
                "*WEIGHT"
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
        raise ValueError(f"'{part}': weight '{text}' is not valid; write a number above 0 (0.5: half as often)")
    return weight


class Mixture(Value):
    """One part, or several parts trained together with a sampling rule."""

    parts: tuple[MixturePart, ...] = Field((), description="Benchmarks trained on together; none: direct")
    sampling: Sampling = Field(PROPORTIONAL, description="How often each part is sampled")

    @model_validator(mode="after")
    def _a_mixture(self) -> Self:
        names = [part.model_copy(update={"weight": 1.0}).slug for part in self.parts]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"'{self.slug}': part {twice[0]} occurs twice; use a weight instead: {twice[0]}*2")
        weights = [part.slug for part in self.parts if part.weight != 1]
        if len(self.parts) < 2 and (weights or self.sampling != PROPORTIONAL):
            raise ValueError(f"'{self.slug}': weights and sampling need a mixture of at least two parts")
        if weights and self.sampling.rule == "rotation":
            raise ValueError(f"'{self.slug}': rotation gives all parts equal turns; remove the weight of {weights[0]}")
        return self

    @property
    def slug(self) -> str:
        """`mnli@en+text@de,sw*0.5:cap5000`: parts, joined if adjacent and different only in language; then sampling."""
        return self._together

    @property
    def _together(self) -> str:
        alike = itertools.groupby(self.parts, lambda part: (part.benchmark, part.engine, part.weight))
        groups = [list(group) for _, group in alike]
        named = "+".join(group[0].slug_in([part.language for part in group]) for group in groups)
        return (named or "direct") + self.sampling.slug

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses a slug; raises ValueError that names the invalid part."""
        parts, *marks = text.strip().split(":")
        try:
            sampling = Sampling.parse(marks)
        except ValidationError as error:
            raise ValueError(f"'{text}': {reasons(error)}") from error
        if parts == "direct":
            return cls(sampling=sampling)
        return cls(
            parts=tuple(part for text in parts.split("+") for part in MixturePart.parse(text)), sampling=sampling
        )


class Intermediate(Mixture):
    """The training before a target: one mixture, several in sequence, or none (`direct`)."""

    earlier: tuple[Mixture, ...] = Field((), description="Mixtures trained on before this one, in order")

    @model_validator(mode="after")
    def _something_in_each(self) -> Self:
        trained: list[Mixture] = [*self.earlier, self]
        if self.earlier and not all(phase.parts for phase in trained):
            raise ValueError(f"'{self.slug}': one of its phases is empty; remove `direct`")
        return self

    @property
    def phases(self) -> tuple[Mixture, ...]:
        """The mixtures in order; empty for `direct`."""
        last = (Mixture(parts=self.parts, sampling=self.sampling),) if self.parts else ()
        return (*self.earlier, *last)

    @property
    def all_parts(self) -> tuple[MixturePart, ...]:
        """The parts of all phases."""
        return tuple(part for phase in self.phases for part in phase.parts)

    @property
    def slug(self) -> str:
        """`siqa@en>copa@en`: the slugs of the phases in order."""
        return ">".join([*(phase.slug for phase in self.earlier), self._together])

    @classmethod
    def of(cls, phases: Sequence[Mixture]) -> Self:
        """Returns the intermediate with these phases, at least one."""
        *earlier, last = phases
        return cls(parts=last.parts, sampling=last.sampling, earlier=tuple(earlier))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses a slug; raises ValueError that names the invalid part."""
        if ">" not in text:
            return super().parse(text)
        return cls.of([Mixture.parse(phase) for phase in text.split(">")])


DIRECT = Intermediate()
