"""Kind `tags`: a sentence given as words, a label for each word (part of speech, names, supertags).

As google-research/xtreme does for UD-POS and PAN-X: words are tokenised one by one, a word is labelled on its
first subword, a word that the tokenizer turns into nothing is the unknown token, and what is too long for one
sequence goes on in the next, cut between words, so that every word is predicted. Two details differ: room is
left for the special tokens that the tokenizer really adds (XTREME leaves three for XLM-R, which adds two),
and a single word that is longer than the room is cut (XTREME makes it the unknown token).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import copied
from xtransfer.kinds.spec import Encoded, Kind, Prediction
from xtransfer.kinds.tag_head import TagHead
from xtransfer.kinds.tokens import Tokens


@dataclass(frozen=True)
class _Frame:
    """What a tokenizer puts round one text, and the segments it gives to the three parts, where it has them."""

    before: Tokens
    after: Tokens
    segments: tuple[int, int, int] | None

    def sequence(self, words: Sequence[Tokens]) -> Tokens:
        return (*self.before, *(token for word in words for token in word), *self.after)

    def types(self, sequence: Tokens) -> tuple[int, ...]:
        before, inside, after = self.segments or (0, 0, 0)
        num_words = len(sequence) - len(self.before) - len(self.after)
        return (before,) * len(self.before) + (inside,) * num_words + (after,) * len(self.after)


def _frame(tokenizer: PreTrainedTokenizerBase) -> _Frame:
    output = tokenizer("a", return_special_tokens_mask=True)
    ids, special = tuple(output["input_ids"]), output["special_tokens_mask"]
    start = special.index(0)
    end = len(special) - special[::-1].index(0)
    types = output["token_type_ids"] if "token_type_ids" in tokenizer.model_input_names else None
    return _Frame(ids[:start], ids[end:], (types[0], types[start], types[-1]) if types is not None else None)


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as one sequence or more; `extra` holds for each sequence the places of first subwords."""
    around = _frame(tokenizer)
    room = max(1, max_length - len(around.before) - len(around.after))
    subwords = _subwords(rows, tokenizer, room)
    return [_encoded(row, [subwords[word] for word in row["tokens"]], around, room) for row in rows]


def _subwords(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, room: int) -> dict[str, Tokens]:
    """Token ids of each distinct word: at least one, at most `room`."""
    words = list(dict.fromkeys(word for row in rows for word in row["tokens"]))
    if not words:
        return {}
    output = tokenizer(words, add_special_tokens=False, truncation=True, max_length=room, return_attention_mask=False)
    unknown = (tokenizer.unk_token_id,)
    return {word: tuple(ids) or unknown for word, ids in zip(words, output["input_ids"], strict=True)}


def _encoded(row: Row, words: Sequence[Tokens], around: _Frame, room: int) -> Encoded:
    parts = list(_parts(words, room))
    sequences = tuple(map(around.sequence, parts))
    types = tuple(map(around.types, sequences)) if around.segments is not None else None
    places = tuple(tuple(_starts(part, len(around.before))) for part in parts)
    return Encoded(sequences, types, tuple(row["tags"]), places)


def _starts(words: Sequence[Tokens], first: int) -> Iterator[int]:
    for word in words:
        yield first
        first += len(word)


def _parts(words: Sequence[Tokens], room: int) -> Iterator[list[Tokens]]:
    """The words in runs of at most `room` tokens."""
    part: list[Tokens] = []
    taken = 0
    for word in words:
        if part and taken + len(word) > room:
            yield part
            part, taken = [], 0
        part.append(word)
        taken += len(word)
    yield part


def head(hidden: int, benchmark: Benchmark, dropout: float) -> TagHead:
    """A fresh head with one logit per label of the benchmark."""
    return TagHead(hidden, benchmark.labels, dropout)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """For each word the name of the label of the highest logit; the first of several equal ones."""
    best = outputs.argmax(-1).tolist()
    return [
        Prediction([benchmark.labels[label] for label in labels[: len(row["tokens"])]])
        for labels, row in zip(best, rows, strict=True)
    ]


def gold(benchmark: Benchmark, row: Row) -> list[str]:
    """The names of the row's labels."""
    return [benchmark.labels[label] for label in row["tags"]]


def check(row: Row) -> str | None:
    """What is wrong with a row, or None."""
    words, tags = len(row["tokens"]), len(row["tags"])
    if words != tags:
        return f"has {words} tokens and {tags} tags, expected one tag for each token"
    return None if words else "has no tokens; drop the row"


KIND = Kind(
    name="tags",
    fields={"tokens": list[str], "tags": list[int]},
    encode=encode,
    head=head,
    decode=decode,
    gold=gold,
    carry=copied,
    check=check,
)
