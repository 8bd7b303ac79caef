"""Turns texts into token sequences with one batched tokenizer call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from xtransfer.kinds.spec import Encoded

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Tokens = tuple[int, ...]


def tokenize(
    firsts: Sequence[str], seconds: Sequence[str] | None, tokenizer: PreTrainedTokenizerBase, max_length: int
) -> tuple[list[Tokens], list[Tokens] | None]:
    """Returns the token ids of texts or text pairs, and segment ids if the encoder uses them.

    Includes the tokenizer's special tokens; where it puts none between two texts, as some decoders' do, a line break
    separates them. Sequences are truncated to `max_length` tokens, from the end of the longer
    text first.
    """
    if not firsts:
        return [], None
    has_types = "token_type_ids" in tokenizer.model_input_names
    if seconds is not None and tokenizer.num_special_tokens_to_add(True) == tokenizer.num_special_tokens_to_add(False):
        seconds = [f"\n{one}" if one else one for one in seconds]
    output = tokenizer(
        list(firsts),
        list(seconds) if seconds is not None else None,
        truncation="longest_first" if seconds is not None else True,
        max_length=max_length,
        return_attention_mask=False,
        return_token_type_ids=has_types,
    )
    types = [tuple(one) for one in output["token_type_ids"]] if has_types else None
    return [tuple(one) for one in output["input_ids"]], types


def one_sequence_each(
    firsts: Sequence[str],
    seconds: Sequence[str] | None,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    targets: Sequence[object] | None = None,
) -> list[Encoded]:
    """Encodes rows of one or two texts as one sequence each; rows without `targets` cannot be trained on."""
    ids, types = tokenize(firsts, seconds, tokenizer, max_length)
    return by_row(ids, types, [1] * len(ids), targets)


def sequences_each(
    texts: Sequence[Sequence[str]],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int,
    targets: Sequence[object] | None = None,
) -> list[Encoded]:
    """Encodes rows of several texts as one sequence per text; rows without `targets` have no label."""
    ids, types = tokenize([text for own in texts for text in own], None, tokenizer, max_length)
    return by_row(ids, types, [len(own) for own in texts], targets)


def by_row(
    ids: Sequence[Tokens], types: Sequence[Tokens] | None, sizes: Sequence[int], targets: Sequence[object] | None = None
) -> list[Encoded]:
    """Groups sequences into encoded rows; row i takes the next `sizes[i]` sequences."""
    ends = [0, *accumulate(sizes)]
    return [
        Encoded(
            tuple(ids[start:end]),
            tuple(types[start:end]) if types is not None else None,
            targets[number] if targets is not None else None,
        )
        for number, (start, end) in enumerate(pairwise(ends))
    ]
