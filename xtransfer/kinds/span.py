"""Kind `span`: extract the answer to a question from its context (SQuAD, XQuAD, MLQA, TyDiQA).

A row may have several acceptable answers; training uses the first. With `no_answer` a benchmark also has rows
without an answer, and a prediction is empty if the first token scores above the best span. `Encoded.extra` is
(offsets where context tokens start, offsets where they end, windows), offsets in characters. A window is (position
of its first context token in the sequence, index of that token in the context, number of context tokens).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.span_windows import NOWHERE, cut, layout, longest_question, room_for, span_of, tokens_of
from xtransfer.kinds.spec import Encoded, Kind, Prediction, Translatable

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.span_head import SpanHead

_SHOWN = 60  # characters of a text shown in an error


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as one sequence per window.

    The target is (first token, last token) of the answer in each window, or (0, 0) if the window lacks it.
    """
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


def head(hidden: int, benchmark: Benchmark, dropout: float) -> SpanHead:
    """Returns a newly initialised head without dropout, like the encoders' own heads for question answering."""
    from xtransfer.kinds.span_head import SpanHead

    return SpanHead(hidden)


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    """Predicts the text of the best span as it stands in the context; scores: of that span, of no answer."""
    from xtransfer.kinds.span_decode import best_span, nbest

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
    """Returns what is wrong with a row, or None if it is valid."""
    answers, starts = row["answers"], row["starts"]
    if len(answers) != len(starts):
        return f"answers has {len(answers)} entries and starts has {len(starts)}, expected one start for each answer"
    for answer, start in zip(answers, starts, strict=True):
        found = row["context"][start : start + len(answer)] if start >= 0 else ""
        if found != answer:
            there = f"the context has {found[:_SHOWN]!r} there"
            return f"answer {answer[:_SHOWN]!r} does not occur in the context at character {start}: {there}"
    return None


KIND = Kind(
    name="span",
    fields={"context": str, "question": str, "answers": list[str], "starts": list[int]},
    about="a question whose answer is part of a passage",
    encode=encode,
    head=head,
    decode=decode,
    shape="answers",
    gold=lambda benchmark, row: row["answers"],
    check=check,
    translation=Translatable(
        ("context", "question"),
        "answers",
        not_into_english="an answer found in the English translation cannot be compared with answers in another "
        "language",
    ),
    shown=("question", "context"),
)
