"""Trains a subword tokenizer with XLM-R's special tokens and layout of pairs."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]  # the first four have XLM-R's ids
BOS, PAD, EOS, UNK, MASK = range(5)


def train_tokenizer(
    sentences: Iterable[str], vocab_size: int, lowercase: bool, max_length: int
) -> PreTrainedTokenizerFast:
    """Trains byte-pair encoding (Sennrich et al. 2016) on `sentences`; text with few word forms yields whole words.

    Equal sentences in equal order give an equal tokenizer.
    """
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))  # noqa: S106 (a token of text)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL_TOKENS, show_progress=False, max_token_length=24
    )
    steps = [normalizers.NFKC(), normalizers.Lowercase()] if lowercase else [normalizers.NFKC()]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(),
            # Punctuation is its own token, except inside a word: l'eau, grand-mère.
            pre_tokenizers.Split(Regex(r"[^\w\s'’▁-]"), behavior="isolated"),
        ]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(sentences, trainer)
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
