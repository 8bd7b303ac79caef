"""Kind `choice`: a context, a question and options of which one is right (COPA, XCOPA).

Each option makes one sequence with its context, the cause before the effect: for `question` "cause" the
option comes first, otherwise the context does. So a head trained to tell entailment, where the premise comes
first, sees causal pairs in the order in which they happen. XTREME-R's scripts write the question out in
English instead; a benchmark that wants that puts it into `context` and leaves `question` empty.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import LabelHead, OptionHead, copied, same_trunk
from xtransfer.kinds.spec import Encoded, Kind, Prediction
from xtransfer.kinds.tokens import by_row, tokenize

QUESTIONS = ("cause", "effect", "")
ENTAILMENT = "entailment"


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as one sequence per option."""
    pairs = [
        (option, row["context"]) if row["question"] == "cause" else (row["context"], option)
        for row in rows
        for option in row["choices"]
    ]
    ids, types = tokenize([one for one, _ in pairs], [two for _, two in pairs], tokenizer, max_length)
    return by_row(ids, types, [len(row["choices"]) for row in rows], [row["label"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float) -> OptionHead:
    """A fresh head with one logit per option."""
    return OptionHead(hidden, dropout)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """The option of the highest logit; the first of several equal ones."""
    return [
        Prediction(best, tuple(scores[: len(row["choices"])]))
        for best, scores, row in zip(outputs.argmax(-1).tolist(), outputs.float().tolist(), rows, strict=True)
    ]


@torch.no_grad()
def carry(source: torch.nn.Module, new: torch.nn.Module) -> bool:
    """Starts from another choice head, or from a pair head that tells entailment.

    From the latter: the dense layer, and as the option's weights those of entailment less the mean of the
    others', so that an option scores high where the pair head would say that it follows.
    """
    if copied(source, new):
        return True
    if not (isinstance(new, OptionHead) and same_trunk(source, new)):
        return False
    if not isinstance(source, LabelHead) or ENTAILMENT not in source.labels or len(source.labels) < 2:
        return False
    new.take_trunk(source)
    entailment = source.labels.index(ENTAILMENT)
    others = [number for number in range(len(source.labels)) if number != entailment]
    weight, bias = source.out_proj.weight, source.out_proj.bias
    new.out_proj.weight.copy_((weight[entailment] - weight[others].mean(0)).unsqueeze(0))
    new.out_proj.bias.copy_((bias[entailment] - bias[others].mean()).unsqueeze(0))
    return True


def check(row: Row) -> str | None:
    """What is wrong with a row, or None."""
    if row["question"] not in QUESTIONS:
        return f"question is {row['question']!r}, expected one of {', '.join(map(repr, QUESTIONS))}"
    if len(row["choices"]) < 2:
        return f"has {len(row['choices'])} choices, expected at least 2"
    if not 0 <= row["label"] < len(row["choices"]):
        return f"label is {row['label']}, expected the index of one of its {len(row['choices'])} choices"
    return None


KIND = Kind(
    name="choice",
    fields={"context": str, "question": str, "choices": list[str], "label": int},
    encode=encode,
    head=head,
    decode=decode,
    gold=lambda benchmark, row: row["label"],
    carry=carry,
    may_be_empty=("question",),
    check=check,
)
