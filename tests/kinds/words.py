"""Tokenizers that know a few words, so that ids can be counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.spec import Encoded

WORDS = ("a", "b", "c", "d", "e", "f", "g", "h")
BEGIN, PAD, END, UNKNOWN = 0, 1, 2, 3


def tokenizer(types: bool = False) -> PreTrainedTokenizerFast:
    """<s> first </s> </s> second </s>; a=4, b=5 …; segment ids where `types`."""
    special = {"<s>": BEGIN, "<pad>": PAD, "</s>": END, "<unk>": UNKNOWN}
    vocabulary = special | {word: 4 + place for place, word in enumerate(WORDS)}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    second = "</s>:1 $B:1 </s>:1" if types else "</s> $B </s>"
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair=f"<s> $A </s> {second}", special_tokens=[("<s>", BEGIN), ("</s>", END)]
    )
    names = ["input_ids", "attention_mask"] + (["token_type_ids"] if types else [])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_input_names=names,
    )


def batch_of(sizes: Sequence[int], targets: Sequence[Any] = (), tokens: int = 5) -> Batch:
    """A batch of rows with so many sequences each; heads that read the first token need no more of it."""
    sequence = tuple(range(tokens))
    padded = [*targets, *[None] * (len(sizes) - len(targets))]
    encoded = [Encoded((sequence,) * size, None, target) for size, target in zip(sizes, padded, strict=True)]
    return collate(encoded, 0)
