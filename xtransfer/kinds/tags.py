"""Kind `tags`: label each word of a sentence (part of speech, named entities, supertags).

Follows google-research/xtreme for UD-POS and PAN-X: words are tokenised one by one; a word's label sits on its
first subword; a word without subwords becomes the unknown token; a sentence that is too long continues in the next
sequence, split between words, so every word gets a prediction. Two details differ. Room is reserved for the special
tokens the tokenizer really adds (XTREME reserves three for XLM-R, which adds two). A single word longer than a
sequence is truncated (XTREME replaces it by the unknown token).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.spec import Encoded, Kind, Prediction, Translatable
from xtransfer.kinds.tokens import Tokens

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.tag_head import TagHead


@dataclass(frozen=True)
class _Frame:
    """The special tokens around one text, and the segment ids of the three parts if the tokenizer uses them."""

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
    """Encodes each row as one or more sequences; `extra` holds the positions of first subwords in each sequence."""
    around = _frame(tokenizer)
    room = max(1, max_length - len(around.before) - len(around.after))
    subwords = _subwords(rows, tokenizer, room)
    return [_encoded(row, [subwords[word] for word in row["tokens"]], around, room) for row in rows]


def _subwords(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, room: int) -> dict[str, Tokens]:
    """Returns the token ids of each distinct word: at least one, at most `room`."""
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
    """Splits the words into runs of at most `room` tokens."""
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
    """Returns a newly initialised head with one logit per label of the benchmark."""
    from xtransfer.kinds.tag_head import TagHead

    return TagHead(hidden, benchmark.labels, dropout)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """Predicts, for each word, the name of the label with the highest logit; ties go to the first label."""
    best = outputs.argmax(-1).tolist()
    return [
        Prediction([benchmark.labels[label] for label in labels[: len(row["tokens"])]])
        for labels, row in zip(best, rows, strict=True)
    ]


def gold(benchmark: Benchmark, row: Row) -> list[str]:
    """Returns the names of the row's labels."""
    return [benchmark.labels[label] for label in row["tags"]]


def check(row: Row) -> str | None:
    """Returns what is wrong with a row, or None if it is valid."""
    words, tags = len(row["tokens"]), len(row["tags"])
    if words != tags:
        return f"tokens has {words} entries and tags has {tags}, expected one tag for each token"
    return None if words else "tokens is empty; drop the row"


def declared(benchmark: Benchmark) -> str | None:
    """Returns what is wrong with a declaration, or None if it names its labels."""
    if not (benchmark.labels or benchmark.labels_from):
        return f"labels: kind {benchmark.kind} needs them; set labels or labels_from"
    return None


KIND = Kind(
    name="tags",
    fields={"tokens": list[str], "tags": list[int]},
    about="a label for each word",
    encode=encode,
    head=head,
    decode=decode,
    shape="tags",
    gold=gold,
    check=check,
    declared=declared,
    translation=Translatable(
        ("tokens",),
        "tags",
        not_into_english="tags belong to words of the original, and the translation has other words",
    ),
    shown=("tokens",),
    words=lambda benchmark, row, value, rows: " ".join(value),
)
