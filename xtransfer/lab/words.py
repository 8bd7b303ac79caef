"""The form of a lexical entry: what each language's grammar needs to know about a word."""

from __future__ import annotations

from dataclasses import dataclass

Gender = str  # "m", "f" or "n"


@dataclass(frozen=True)
class Noun:
    """An animate noun, always definite and singular; `hypernym` is the more general noun."""

    en: str
    de: str
    fr: str
    ru: str
    tr: str
    sw: str
    de_gender: Gender
    gender: Gender  # in French and Russian, where it must be the same, so that agreement does not disambiguate
    hypernym: str | None = None


@dataclass(frozen=True)
class Adjective:
    """A predicative adjective. French: masculine, feminine; Russian: short forms m, f, n."""

    en: str
    de: str
    fr: tuple[str, str]
    ru: tuple[str, str, str]
    tr: str
    sw: str  # agrees with the animate class, like every subject here


@dataclass(frozen=True)
class VerbPhrase:
    """A past event. German and Russian separate the verb from its complement, because word order differs."""

    en: str
    de: tuple[str, str]
    fr: str
    ru: tuple[str, str]  # verb in the masculine past, complement
    tr: str
    sw: str


@dataclass(frozen=True)
class Adverbial:
    """A place or a time, as a phrase without inflection."""

    en: str
    de: str
    fr: str
    ru: str
    tr: str
    sw: str
