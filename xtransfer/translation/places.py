"""Where a text stands in another one, and how far two places are the same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xtransfer.translation.alignment import Span
from xtransfer.translation.sentences import NO_BLANKS

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_EDGE = ".,;:!?…\"“”„«»‘’'()[]{}。，、；：！？（）「」¿¡،؛؟।"


def words_of(text: str, language: str) -> list[Span]:
    """The words and signs of a text; characters where a language is written without blanks, as PAN-X has them."""
    if language in NO_BLANKS:
        return [(place, place + 1) for place, character in enumerate(text) if not character.isspace()]
    return [match.span() for match in _WORD.finditer(text)]


def occurrences(part: str, text: str, language: str) -> Iterator[Span]:
    """The places of a part in a text, whatever its case, and not within a word."""
    if part.strip():
        whole = r"(?<!\w){}(?!\w)" if language not in NO_BLANKS else "{}"
        for match in re.finditer(whole.format(re.escape(part.strip())), text, re.IGNORECASE):
            yield match.span()


def bare(text: str, span: Span, like: str) -> Span:
    """A place without the blanks and signs at its ends that `like`, the answer before translation, does not have."""
    start, end = span
    signs = {sign for sign in _EDGE if sign not in like}
    while start < end and (text[start].isspace() or text[start] in signs):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in signs):
        end -= 1
    return start, end


def overlap(one: Span, other: Span) -> float:
    """F1 of their characters, from 0 to 1."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    return max(0, common) * 2 / (one[1] - one[0] + other[1] - other[0]) if common > 0 else 0.0
