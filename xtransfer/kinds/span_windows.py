"""A question and its context as windows of tokens, and answers as spans of them.

Follows run_squad of google-research/xtreme: the question is cut to 64 tokens; a context that does not fit is
read in windows that begin 128 tokens apart; an answer that is not whole inside a window has its target on the
first token there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from xtransfer.base.errors import RequestError
from xtransfer.kinds.tokens import Tokens

QUESTION_TOKENS = 64
STRIDE = 128  # tokens from the beginning of a window to the next one's
NOWHERE = (0, 0)


@dataclass(frozen=True)
class TextTokens:
    """The tokens of a text, and the characters that each stands for."""

    ids: Tokens
    starts: tuple[int, ...]  # first character of each token
    ends: tuple[int, ...]  # the character behind each token


@dataclass(frozen=True)
class Layout:
    """What a tokenizer puts round a question and a context, and the segment of every part."""

    before: Tokens
    between: Tokens
    after: Tokens
    segments: tuple[Tokens, int, Tokens, int, Tokens] | None  # before, question, between, context, after

    @property
    def num_special(self) -> int:
        return len(self.before) + len(self.between) + len(self.after)

    def sequence(self, question: Tokens, context: Tokens) -> Tokens:
        """The token ids of a window."""
        return self.before + question + self.between + context + self.after

    def types(self, question: Tokens, context: Tokens) -> Tokens:
        """The segment ids of a window."""
        assert self.segments is not None
        before, asked, between, read, after = self.segments
        return before + (asked,) * len(question) + between + (read,) * len(context) + after


def layout(tokenizer: PreTrainedTokenizerBase) -> Layout:
    """The layout of pairs; raises RequestError for a tokenizer that does not tell where its tokens come from."""
    if not tokenizer.is_fast:
        name = type(tokenizer).__name__
        raise RequestError(f"{name} does not say which characters a token stands for; answers need a fast tokenizer")
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
    """(first token, number of tokens) of each window of a context, the last one ending with it.

    Where fewer than 128 tokens fit, windows overlap by half.
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
    """The tokens of each text, without special ones; of a longer text the first `max_length`."""
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
    """First and last token that share a character with an answer, white space at its ends left aside.

    A token may begin with the space before its word (XLM-R) and an answer may begin or end within a token.
    None where no token holds any of it.
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
    """Tokens of the context that fit into a window; raises RequestError where none does."""
    room = max_length - special - len(question)
    if room < 1:
        raise RequestError(f"max_length {max_length}: no room for a context; 384 is usual for questions and answers")
    return room


def longest_question(special: int, max_length: int) -> int:
    """64 tokens, or half of what a short window holds."""
    return max(1, min(QUESTION_TOKENS, (max_length - special) // 2))
