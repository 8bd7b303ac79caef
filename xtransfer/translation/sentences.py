"""What of a text an engine is given: without control characters, a long one by its sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_SENTENCE_END = re.compile(r"(?<=[.!?。！？؟।])\s+|(?<=[。！？])|\n+")
_LINE_BREAK = re.compile("\r\n|[\r\x85\u2028\u2029]")
_BLANK = re.compile("[\t\x0b\x0c]")
# Control characters, soft hyphens, marks of direction, zero-width blanks, halves of surrogate pairs. Zero-width
# joiners stay: Persian, Hindi and others spell with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0001-\U000e007f]"
)
NO_BLANKS = ("ja", "km", "my", "th", "yue", "zh")  # written without blanks between sentences


def cleaned(text: str) -> str:
    """A text without characters that nobody sees; its lines end in a newline."""
    return _INVISIBLE.sub("", _BLANK.sub(" ", _LINE_BREAK.sub("\n", text)))


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, as far as their final marks and its lines show them."""
    return [part for part in _SENTENCE_END.split(text.strip()) if part.strip()] or [text]


def places_of_sentences(text: str, whole: Iterable[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """Where each sentence begins and ends, the blanks between them left out; no border cuts one of `whole`."""
    kept = list(whole)
    borders = [match.span() for match in _SENTENCE_END.finditer(text)]
    borders = [(end, begin) for end, begin in borders if not any(a < begin and end < b for a, b in kept)]
    places = zip([0, *(begin for _, begin in borders)], [*(end for end, _ in borders), len(text)], strict=True)
    return [(begin, end) for begin, end in (_trimmed(text, *place) for place in places) if begin < end]


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    part = text[begin:end]
    return begin + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())


def joined(sentences: Sequence[str], language: str) -> str:
    """One text; empty where any sentence is, so that a text is never translated in part."""
    if not all(sentences):
        return ""
    return ("" if language in NO_BLANKS else " ").join(sentences)
