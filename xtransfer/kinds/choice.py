"""Kind `choice`: a context, a question and several options, one of them correct (COPA, XCOPA).

Each option and the context form one sequence, cause before effect: the option comes first if `question` is
"cause", otherwise the context does. A head trained on entailment, where the premise comes first, thus sees
causal pairs in the order of events. XTREME-R's scripts write the question out in English instead; to do that,
put the question into `context` and leave `question` empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.carry import copied
from xtransfer.kinds.spec import Encoded, Kind, Prediction, Translatable
from xtransfer.kinds.tokens import by_row, tokenize

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.heads import OptionHead

QUESTIONS = ("cause", "effect", "")
ENTAILMENT = "entailment"


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as one sequence per option."""
    pairs = [
        (option, row["context"]) if row["question"] == "cause" else (row["context"], option)
        for row in rows
        for option in row["choices"]
    ]
    ids, types = tokenize([one for one, _ in pairs], [two for _, two in pairs], tokenizer, max_length)
    return by_row(ids, types, [len(row["choices"]) for row in rows], [row["label"] for row in rows])


def head(hidden: int, benchmark: Benchmark, dropout: float) -> OptionHead:
    """Returns a newly initialised head with one logit per option."""
    from xtransfer.kinds.heads import OptionHead

    return OptionHead(hidden, dropout)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """Predicts the option with the highest logit; ties go to the first option."""
    return [
        Prediction(best, tuple(scores[: len(row["choices"])]))
        for best, scores, row in zip(outputs.argmax(-1).tolist(), outputs.float().tolist(), rows, strict=True)
    ]


def carry(source: torch.nn.Module, new: torch.nn.Module) -> bool:
    """Initialises `new` from another choice head or from a pair head with an entailment label; False if neither fits.

    From a pair head, it copies the dense layer and sets the option's weights to the entailment weights minus the
    mean of the other labels' weights. An option then scores high where the pair head would predict entailment.
    """
    import torch

    from xtransfer.kinds.heads import LabelHead, OptionHead, same_trunk

    if copied(source, new):
        return True
    if not (isinstance(new, OptionHead) and same_trunk(source, new)):
        return False
    if not isinstance(source, LabelHead) or ENTAILMENT not in source.labels or len(source.labels) < 2:
        return False
    with torch.no_grad():
        new.take_trunk(source)
        entailment = source.labels.index(ENTAILMENT)
        others = [number for number in range(len(source.labels)) if number != entailment]
        weight, bias = source.out_proj.weight, source.out_proj.bias
        new.out_proj.weight.copy_((weight[entailment] - weight[others].mean(0)).unsqueeze(0))
        new.out_proj.bias.copy_((bias[entailment] - bias[others].mean()).unsqueeze(0))
    return True


def check(row: Row) -> str | None:
    """Returns what is wrong with a row, or None if it is valid."""
    if row["question"] not in QUESTIONS:
        return f"question is {row['question']!r}, expected one of {', '.join(map(repr, QUESTIONS))}"
    if len(row["choices"]) < 2:
        return f"choices has {len(row['choices'])} entries, expected at least 2"
    if not 0 <= row["label"] < len(row["choices"]):
        return f"label is {row['label']}, expected the index of a choice, 0 to {len(row['choices']) - 1}"
    return None


KIND = Kind(
    name="choice",
    fields={"context": str, "question": str, "choices": list[str], "label": int},
    about="a context, a question and options, one of which is right",
    encode=encode,
    pools=True,
    head=head,
    decode=decode,
    gold=lambda benchmark, row: row["label"],
    carry=carry,
    may_be_empty=("question",),
    check=check,
    translation=Translatable(("context", "choices"), as_label=True),
    shown=("context", "question"),
    words=lambda benchmark, row, value, rows: row["choices"][value],
)
