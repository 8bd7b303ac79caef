"""Trains a subword tokenizer with XLM-R's special tokens and layout of pairs."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from xtransfer.models.tokenizer_layout import SPECIAL_TOKENS, in_layout


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
    return in_layout(tokenizer, max_length)
