"""The shape of a lexical entry: what the grammar of each language has to know about a word."""

from __future__ import annotations

from dataclasses import dataclass

Gender = str  # "m", "f" or "n"


@dataclass(frozen=True)
class Noun:
    """An animate noun, always definite and singular; `hypernym` names the wider noun it falls under."""

    en: str
    de: str
    fr: str
    ru: str
    tr: str
    sw: str
    de_gender: Gender
    gender: Gender  # in French and Russian, which must agree so that agreement cannot tell two readings apart
    hypernym: str | None = None


@dataclass(frozen=True)
class Adjective:
    """A predicative adjective. French lists masculine, feminine; Russian its short forms m, f, n."""

    en: str
    de: str
    fr: tuple[str, str]
    ru: tuple[str, str, str]
    tr: str
    sw: str  # agreeing with the animate class, as every subject here does


@dataclass(frozen=True)
class VerbPhrase:
    """A past event. German and Russian keep the verb apart from its complement, which moves around it."""

    en: str
    de: tuple[str, str]
    fr: str
    ru: tuple[str, str]  # masculine past of the verb, complement
    tr: str
    sw: str


@dataclass(frozen=True)
class Adverbial:
    """A place or a time, as a phrase that needs no inflection."""

    en: str
    de: str
    fr: str
    ru: str
    tr: str
    sw: str
