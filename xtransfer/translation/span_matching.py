"""Finds a source span in its sentence's translation: by attention, by text, or by marks put around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xtransfer.translation.sentences import NO_BLANKS, Span, separator

Weights = npt.NDArray[np.float32]
_DEEP = 6  # layers
_RESYNC = 12  # characters within which a token is searched that the tokenizer spells differently from the text
_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
_EDGE = ".,;:!?…\"“”„«»‘’'()[]{}。，、；：！？（）「」¿¡،؛؟।"


@dataclass(frozen=True)
class Aligned:
    """A translation with cross-attention [output tokens, source tokens], the mean over heads of one decoder layer."""

    output: str
    source_spans: tuple[Span, ...]  # of each source token in the source text; empty for special tokens
    output_spans: tuple[Span, ...]  # of each output token in `output`
    weights: Weights

    def between(self, source_words: Sequence[Span], output_words: Sequence[Span]) -> Weights:
        """Returns the share of attention from each output word to each source word: [output words, source words].

        Rows sum to 1, or to 0 for a word that attends to none of them.
        """
        into = _membership(output_words, self.output_spans)
        out_of = _membership(source_words, self.source_spans)
        weights = into @ self.weights @ out_of.T
        totals = weights.sum(axis=1, keepdims=True)
        shares: Weights = np.divide(weights, totals, out=np.zeros_like(weights), where=totals > 0)
        return shares


def joined_alignments(parts: Sequence[Aligned], begins: Sequence[int], language: str) -> Aligned:
    """Returns one alignment of a text whose sentences were translated separately; words attend to their own sentence.

    `begins`: where each sentence begins in the source text. `language`: of the translation.
    """
    if len(parts) == 1 and begins[0] == 0:
        return parts[0]
    weights = np.zeros(
        (sum(len(part.output_spans) for part in parts), sum(len(part.source_spans) for part in parts)),
        dtype=np.float32,
    )
    output, source_spans, output_spans = "", list[Span](), list[Span]()
    for part, begin in zip(parts, begins, strict=True):
        output += separator(language) if output else ""
        rows, columns = len(output_spans), len(source_spans)
        weights[rows : rows + len(part.output_spans), columns : columns + len(part.source_spans)] = part.weights
        source_spans += _shifted(part.source_spans, begin)
        output_spans += _shifted(part.output_spans, len(output))
        output += part.output
    return Aligned(output, tuple(source_spans), tuple(output_spans), weights)


def aligning_layer(layers: int) -> int:
    """Returns the index of the decoder layer whose attention aligns words best.

    This is the last but one in deep decoders (Garg et al. 2019, "Jointly Learning to Align and Translate with
    Transformer Models"), and the last in shallow ones.
    """
    return layers - 2 if layers >= _DEEP else layers - 1


def token_spans(tokens: Sequence[str], text: str) -> tuple[Span, ...]:
    """Returns the span of each token in a text; empty for special tokens and tokens spelled differently.

    `tokens` are in the order of the text and without the tokenizer's sign for a blank.
    """
    spans: list[Span] = []
    at = 0
    for token in tokens:
        found = text.find(token, at, at + len(token) + _RESYNC) if token else -1
        if found < 0:
            spans.append((at, at))
            continue
        at = found + len(token)
        spans.append((found, at))
    return tuple(spans)


def word_spans(text: str, language: str) -> list[Span]:
    """Returns the spans of words and punctuation; of characters in languages without blanks, as in PAN-X."""
    if language in NO_BLANKS:
        return [(at, at + 1) for at, character in enumerate(text) if not character.isspace()]
    return [match.span() for match in _WORD.finditer(text)]


def occurrences(part: str, text: str, language: str) -> Iterator[Span]:
    """Yields the spans where a text contains `part`, ignoring case and not inside a word."""
    if part.strip():
        whole = r"(?<!\w){}(?!\w)" if language not in NO_BLANKS else "{}"
        for match in re.finditer(whole.format(re.escape(part.strip())), text, re.IGNORECASE):
            yield match.span()


def trimmed(text: str, span: Span, like: str) -> Span:
    """Returns the span without outer blanks and punctuation that `like`, the source text of the span, lacks."""
    start, end = span
    signs = {sign for sign in _EDGE if sign not in like}
    while start < end and (text[start].isspace() or text[start] in signs):
        start += 1
    while start < end and (text[end - 1].isspace() or text[end - 1] in signs):
        end -= 1
    return start, end


def overlap(one: Span, other: Span) -> float:
    """Returns the character F1 of two spans, from 0 to 1."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    return common * 2 / (one[1] - one[0] + other[1] - other[0]) if common > 0 else 0.0


@dataclass(frozen=True)
class Marks:
    """A pair of marks to put around a span, and the forms in which translators write them."""

    before: str
    behind: str
    written: str  # a regular expression for one mark

    def around(self, sentence: str, span: Span) -> str | None:
        """Returns the sentence with the span marked; None if it already contains such marks."""
        if re.search(self.written, sentence):
            return None
        start, end = span
        return f"{sentence[:start]}{self.before}{sentence[start:end]}{self.behind}{sentence[end:]}"

    def split(self, marked: str) -> tuple[str, str] | None:
        """Returns the text before the marks of a translation, and the text between them; None if marks are lost."""
        parts = re.split(self.written, marked)
        if len(parts) != 3 or not parts[1].strip():
            return None
        return parts[0], parts[1].strip()


# Tried in this order. Square brackets are rarest in texts and survive translation best (Chen et al. 2023,
# "Frustratingly Easy Label Projection for Cross-lingual Transfer")
MARKS = (
    Marks("[", "]", r"[\[\]［］]"),
    Marks('"', '"', '["“”„«»＂「」]'),
    Marks("(", ")", r"[()（）]"),
)


def _shifted(spans: Sequence[Span], by: int) -> list[Span]:
    return [(start + by, end + by) for start, end in spans]


def _membership(words: Sequence[Span], tokens: Sequence[Span]) -> Weights:
    """Returns [words, tokens]: 1 if a token begins in a word, else 0."""
    members = np.zeros((len(words), len(tokens)), dtype=np.float32)
    for row, (start, end) in enumerate(words):
        for column, (first, behind) in enumerate(tokens):
            members[row, column] = start <= first < end and behind > first
    return members
