"""Meanings of sentences, independent of language: generated once, realised in every language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Is:
    """The subject is, or is not, in a state."""

    subject: str
    state: str
    positive: bool = True


@dataclass(frozen=True)
class Did:
    """The subject did something, optionally at a place and a time."""

    subject: str
    event: str
    place: str | None = None
    time: str | None = None


Clause = Is | Did


@dataclass(frozen=True)
class Text:
    """One clause, or two joined by "and", "but", "because" or a full stop (".").

    In "A because B", both clauses have the same subject, and the second uses a pronoun.
    """

    first: Clause
    second: Clause | None = None
    link: str = "."
