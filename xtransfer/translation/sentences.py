"""Normalises text and splits it into sentences before translation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Span = tuple[int, int]  # first character, one past the last
NO_BLANKS = ("ja", "km", "my", "th", "yue", "zh")  # languages written without blanks between sentences

# Full stops, question and exclamation marks of all scripts, behind them closing quotes; or a line break
_BORDER = re.compile(r"(?<=[.!?。！？؟।۔።։။។])\s+|(?<=[.!?][\"”»’')\]])\s+|(?<=[。！？။។])|\n+")
_LAST_WORD = re.compile(r"[^\s(\[\"'“„«‘]*$")
_LONGEST_WORD = 24  # characters looked at before a full stop
_ABBREVIATIONS = (  # in lower case, each between blanks
    " mr mrs ms dr prof st jr sr vs etc rep gov capt lt col sgt maj mt ft inc ltd co corp dept vol nos cf op eds pp "
    "bzw usw hr hrn str nr abs sog ggf evtl mme mlle av sra srta ud uds pág núm sig dott jan feb apr aug sep oct "
    "nov dec г гг ул стр руб тыс млн млрд см им "
)
_DOTTED = re.compile(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}")  # U.S, e.g, z.B, Ph.D

_LINE_BREAK = re.compile("\r\n|[\r\x85\u2028\u2029]")
_BLANK = re.compile("[\t\x0b\x0c]")
# Control characters, soft hyphens, direction marks, zero-width blanks, lone surrogates. Zero-width joiners stay:
# Persian, Hindi and others spell with them.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0001-\U000e007f]"
)


def cleaned(text: str) -> str:
    """Returns the text without invisible characters; every line break is a newline, every tab a blank."""
    return _INVISIBLE.sub("", _BLANK.sub(" ", _LINE_BREAK.sub("\n", text)))


def sentences_of(text: str) -> list[str]:
    """Returns the sentences of a text without outer blanks; the text itself if it is blank."""
    return [text[slice(*span)] for span in sentence_spans(text)] or [text]


def sentence_spans(text: str, whole: Iterable[Span] = ()) -> list[Span]:
    """Returns the span of each sentence, without outer blanks; no border cuts one of the spans in `whole`.

    Sentences end at final punctuation and line breaks, but not at the full stop of an abbreviation, an initial or an
    ordinal of one or two digits: joining two sentences does less harm than cutting one.
    """
    kept = list(whole)
    borders = [match.span() for match in _BORDER.finditer(text) if not _goes_on(text, *match.span())]
    borders = [(end, begin) for end, begin in borders if not any(a < begin and end < b for a, b in kept)]
    spans = zip([0, *(begin for _, begin in borders)], [*(end for end, _ in borders), len(text)], strict=True)
    return [(begin, end) for begin, end in (_stripped(text, *span) for span in spans) if begin < end]


def joined(sentences: Sequence[str], language: str) -> str:
    """Returns one text; empty if any sentence is, so that no text is translated in part."""
    if not all(sentences):
        return ""
    return separator(language).join(sentences)


def separator(language: str) -> str:
    """Returns the text between two sentences of a language."""
    return "" if language in NO_BLANKS else " "


def _goes_on(text: str, end: int, begin: int) -> bool:
    """Returns whether the sentence continues after the punctuation that ends at `end`."""
    if "\n" in text[end:begin] or not end:
        return False
    if text[end - 1] in "\"”»’')]":  # "Go!" he said
        return text[begin : begin + 1].islower()
    if text[end - 1] != ".":
        return False
    found = _LAST_WORD.search(text, max(0, end - _LONGEST_WORD), end - 1)
    word = found[0] if found else ""
    if len(word) == 1:
        return (word.isalpha() and word != "I") or word.isdecimal()
    return (
        f" {word.casefold()} " in _ABBREVIATIONS
        or _DOTTED.fullmatch(word) is not None
        or (len(word) == 2 and word.isdecimal())
    )


def _stripped(text: str, begin: int, end: int) -> Span:
    part = text[begin:end]
    return begin + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())
