"""Kind `span`: a question, a context, and the answer as a piece of the context (SQuAD, XQuAD, MLQA, TyDiQA).

A row may have several acceptable answers; training takes the first. With `no_answer` a benchmark has rows
without any, and a prediction is empty where the first token scores above the best span. `Encoded.extra` is
(first character of each token of the context, the character behind it, windows), a window being (place of its
first token of the context in the sequence, which token of the context that is, how many it holds).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import nn
from transformers import PreTrainedTokenizerBase

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.heads import copied, linear
from xtransfer.kinds.span_decode import best_span, nbest
from xtransfer.kinds.span_windows import NOWHERE, cut, layout, longest_question, room_for, span_of, tokens_of
from xtransfer.kinds.spec import Encoded, Kind, Prediction

if TYPE_CHECKING:
    from xtransfer.kinds.batches import Batch

_SHOWN = 60  # characters of a text in an error


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as one sequence per window; the target is (first, last token of the answer) per window."""
    if not rows:
        return []
    pair = layout(tokenizer)
    longest = longest_question(pair.num_special, max_length)
    questions = tokens_of([row["question"] for row in rows], tokenizer, longest)
    contexts = dict.fromkeys(row["context"] for row in rows)  # several questions share one
    tokens = dict(zip(contexts, tokens_of(list(contexts), tokenizer), strict=True))
    encoded = []
    for row, question in zip(rows, questions, strict=True):
        context = tokens[row["context"]]
        place = len(pair.before) + len(question.ids) + len(pair.between)
        cuts = cut(len(context.ids), room_for(question.ids, pair.num_special, max_length))
        parts = [context.ids[first : first + length] for first, length in cuts]
        answer = span_of(row["answers"][0], row["starts"][0], context) if row["answers"] else None
        encoded.append(
            Encoded(
                tuple(pair.sequence(question.ids, part) for part in parts),
                tuple(pair.types(question.ids, part) for part in parts) if pair.segments is not None else None,
                tuple(_target(answer, place, *one) for one in cuts),
                (context.starts, context.ends, tuple((place, *one) for one in cuts)),
            )
        )
    return encoded


def _target(answer: tuple[int, int] | None, place: int, first: int, length: int) -> tuple[int, int]:
    if answer is None or answer[0] < first or answer[1] >= first + length:
        return NOWHERE
    return (answer[0] - first + place, answer[1] - first + place)


class SpanHead(nn.Module):
    """Two logits per token: the answer begins here, ends here. Softmax over the tokens of a window."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.outputs = linear(hidden, 2)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Logits [windows, 2, tokens]; padding holds minus infinity."""
        logits: torch.Tensor = self.outputs(states).float().transpose(1, 2)
        return logits.masked_fill(batch.attention_mask[:, None, :] == 0, float("-inf"))

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Mean over the windows of the batch, and over begin and end."""
        targets = torch.tensor([window for row in batch.targets for window in row], device=outputs.device)
        return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    def items(self, batch: Batch) -> int:
        """How many windows the loss is the mean of."""
        return sum(batch.sizes)


def head(hidden: int, benchmark: Benchmark, dropout: float) -> SpanHead:
    """A fresh head; it has no dropout of its own, as in the encoders' own heads for questions."""
    return SpanHead(hidden)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """The text of the best span, exactly as the context has it; scores: of the span, of no answer."""
    places, values = nbest(outputs)
    null = outputs[:, :, 0].double().numpy()
    predictions, start = [], 0
    for row, one in zip(rows, encoded, strict=True):
        own = slice(start, start + len(one.sequences))
        best = best_span(places[own], values[own], null[own], one.extra, row["context"])
        text = "" if benchmark.no_answer and best.null > best.score else best.text
        predictions.append(Prediction(text, (best.score, best.null)))
        start = own.stop
    return predictions


def check(row: Row) -> str | None:
    """What is wrong with a row, or None."""
    answers, starts = row["answers"], row["starts"]
    if len(answers) != len(starts):
        return f"has {len(answers)} answers and {len(starts)} starts, expected as many of both"
    for answer, start in zip(answers, starts, strict=True):
        found = row["context"][start : start + len(answer)] if start >= 0 else ""
        if found != answer:
            return f"answer {answer[:_SHOWN]!r} is not in its context at character {start}: {found[:_SHOWN]!r} is there"
    return None


KIND = Kind(
    name="span",
    fields={"context": str, "question": str, "answers": list[str], "starts": list[int]},
    encode=encode,
    head=head,
    decode=decode,
    gold=lambda benchmark, row: row["answers"],
    carry=copied,
    check=check,
)
