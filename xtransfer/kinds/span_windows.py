"""Splits a question and its context into windows of tokens, and maps answers to token spans.

Follows run_squad of google-research/xtreme: the question is truncated to 64 tokens; a context that does not fit is
read in windows that start 128 tokens apart; if a window does not contain the whole answer, its target is the first
token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xtransfer.base.errors import RequestError
from xtransfer.kinds.tokens import Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

QUESTION_TOKENS = 64
STRIDE = 128  # tokens between the starts of consecutive windows
NOWHERE = (0, 0)


@dataclass(frozen=True)
class TextTokens:
    """The tokens of a text and the characters they cover."""

    ids: Tokens
    starts: tuple[int, ...]  # offset of each token's first character
    ends: tuple[int, ...]  # offset after each token's last character


@dataclass(frozen=True)
class Layout:
    """The special tokens around a question and a context, and the segment ids of every part."""

    before: Tokens
    between: Tokens
    after: Tokens
    segments: tuple[Tokens, int, Tokens, int, Tokens] | None  # before, question, between, context, after

    @property
    def num_special(self) -> int:
        return len(self.before) + len(self.between) + len(self.after)

    def sequence(self, question: Tokens, context: Tokens) -> Tokens:
        """Returns the token ids of a window."""
        return self.before + question + self.between + context + self.after

    def types(self, question: Tokens, context: Tokens) -> Tokens:
        """Returns the segment ids of a window."""
        assert self.segments is not None
        before, asked, between, read, after = self.segments
        return before + (asked,) * len(question) + between + (read,) * len(context) + after


def layout(tokenizer: PreTrainedTokenizerBase) -> Layout:
    """Returns the tokenizer's layout of text pairs; raises RequestError if it does not report character offsets."""
    if not tokenizer.is_fast:
        name = type(tokenizer).__name__
        raise RequestError(
            f"tokenizer {name} does not report character offsets, which kind span needs; "
            "choose an encoder with a fast tokenizer"
        )
    pair = tokenizer("a", "a")
    places = pair.sequence_ids(0)
    question, context = places.index(0), places.index(1)
    behind_question, behind_context = question + places.count(0), context + places.count(1)

    def special(values: list[int]) -> tuple[Tokens, Tokens, Tokens]:
        return tuple(values[:question]), tuple(values[behind_question:context]), tuple(values[behind_context:])

    segments = None
    if "token_type_ids" in tokenizer.model_input_names:
        types = pair["token_type_ids"]
        before, between, after = special(types)
        segments = (before, types[question], between, types[context], after)
    return Layout(*special(pair["input_ids"]), segments)


def cut(num_tokens: int, room: int) -> list[tuple[int, int]]:
    """Returns (first token, number of tokens) of each window; the last window ends with the context.

    If fewer than 128 context tokens fit into a window, windows overlap by half.
    """
    step = STRIDE if room >= STRIDE else max(1, room // 2)
    windows = [(0, min(room, num_tokens))]
    while sum(windows[-1]) < num_tokens:
        first = windows[-1][0] + step
        windows.append((first, min(room, num_tokens - first)))
    return windows


def tokens_of(
    texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, max_length: int | None = None
) -> list[TextTokens]:
    """Returns the tokens of each text without special tokens, truncated to `max_length`."""
    output = tokenizer(
        list(texts),
        add_special_tokens=False,
        truncation=max_length is not None,
        max_length=max_length,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    return [
        TextTokens(tuple(ids), tuple(begin for begin, _ in offsets), tuple(end for _, end in offsets))
        for ids, offsets in zip(output["input_ids"], output["offset_mapping"], strict=True)
    ]


def span_of(answer: str, start: int, context: TextTokens) -> tuple[int, int] | None:
    """Returns the first and last token that overlap an answer, ignoring white space at its ends.

    None if no token does. A token may start with the space before its word (XLM-R), and an answer may start or end
    inside a token.
    """
    first_character = start + len(answer) - len(answer.lstrip())
    end_character = start + len(answer.rstrip())
    inside = [
        place
        for place, (begin, end) in enumerate(zip(context.starts, context.ends, strict=True))
        if begin < end_character and end > first_character
    ]
    return (inside[0], inside[-1]) if inside else None


def room_for(question: Tokens, special: int, max_length: int) -> int:
    """Returns how many context tokens fit into a window; raises RequestError if none do."""
    room = max_length - special - len(question)
    if room < 1:
        raise RequestError(
            f"max_length {max_length} leaves no room for the context of a question; set it higher in the recipe "
            "(384 is usual for question answering)"
        )
    return room


def longest_question(special: int, max_length: int) -> int:
    """Returns the maximum number of question tokens: 64, or half of a short window."""
    return max(1, min(QUESTION_TOKENS, (max_length - special) // 2))
