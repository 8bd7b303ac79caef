"""XLM-R's special tokens and its layout of single texts and pairs, for tokenizers that are made here."""

from __future__ import annotations

from tokenizers import Tokenizer, processors
from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]  # the first four have XLM-R's ids
BOS, PAD, EOS, UNK, MASK = range(5)


def in_layout(tokenizer: Tokenizer, max_length: int) -> PreTrainedTokenizerFast:
    """Returns a tokenizer for transformers that adds XLM-R's special tokens; `tokenizer` has them in its vocabulary."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", BOS), ("</s>", EOS)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",  # noqa: S106
        cls_token="<s>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        sep_token="</s>",  # noqa: S106
        pad_token="<pad>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
        mask_token="<mask>",  # noqa: S106
        model_max_length=max_length,
        model_input_names=["input_ids", "attention_mask"],
    )
