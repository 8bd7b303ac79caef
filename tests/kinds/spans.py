"""Rows of questions, for tests that count their tokens by hand."""

from __future__ import annotations

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from xtransfer.benchmarks.spec import Row

ROW = {"id": "0", "group": "0", "context": "a b c d", "question": "h g", "answers": ["b c"], "starts": [2]}


def row(context: str, answer: str, question: str = "h") -> Row:
    return {**ROW, "context": context, "question": question, "answers": [answer], "starts": [context.index(answer)]}


def with_spaces() -> PreTrainedTokenizerFast:
    """Pieces as XLM-R has them: the space before a word belongs to its first piece, or is one of its own."""
    pieces = ["▁", "▁red", "house", "s", "▁ship", "(", ")", "19", "47", ",", "红", "楼", "梦"]
    inner = Tokenizer(models.Unigram([("<unk>", -9.0), *((piece, -1.0) for piece in pieces)], unk_id=0))
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    inner.add_special_tokens(["<s>", "</s>"])
    special = [(name, inner.token_to_id(name)) for name in ("<s>", "</s>")]
    inner.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> </s> $B </s>", special)
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
