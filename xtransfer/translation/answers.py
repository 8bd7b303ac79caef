"""Rows of kind `span` in another language: context and question translated, each answer found in the new context.

The context is translated sentence by sentence and without marks, so that all its questions share it and no mark harms
it. In the translation of an answer's sentence, places are named in several ways (`projection`); an answer stays where
two of them agree on one place, and is that piece of the context, to the character.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xtransfer.base.stage import Progress, silent
from xtransfer.benchmarks.spec import Row
from xtransfer.translation.alignment import Span
from xtransfer.translation.engine import Engine
from xtransfer.translation.projection import Asked, Found, projected
from xtransfer.translation.put import Outputs, Put
from xtransfer.translation.sentences import cleaned, joined, places_of_sentences

MOVED = "its answer is not in its context"


@dataclass(frozen=True)
class Context:
    """A context without control characters, and where its sentences are."""

    text: str
    sentences: tuple[Span, ...]

    @property
    def texts(self) -> list[str]:
        return [self.text[slice(*place)] for place in self.sentences]

    def number_of(self, span: Span) -> int:
        """Which sentence holds a span."""
        return max(number for number, (begin, _) in enumerate(self.sentences) if begin <= span[0])

    def asked(self, span: Span) -> Asked:
        """A span, in the sentence that holds it."""
        begin, end = self.sentences[self.number_of(span)]
        return Asked(self.text[begin:end], (span[0] - begin, span[1] - begin))


def put_answers(rows: Sequence[Row], engine: Engine, source: str, target: str, progress: Progress = silent) -> Put:
    """The rows in the target language; a row stays where one of its answers does, or has none in English.

    Facts: answers (how many there are in distinct sentences) and projected_by (of these, by the ways that agreed).
    """
    spans = [[_span(row["context"], *one) for one in zip(row["answers"], row["starts"], strict=True)] for row in rows]
    contexts = _contexts(rows, spans)
    asked = [
        [contexts[row["context"]].asked(span) for span in own if span is not None]
        for row, own in zip(rows, spans, strict=True)
    ]
    outputs = Outputs(engine, source, target, progress)
    outputs.translate([text for context in contexts.values() for text in context.texts] + [r["question"] for r in rows])
    found = projected([one for own in asked for one in own], outputs)
    put = [_put(row, own, contexts[row["context"]], outputs, found) for row, own in zip(rows, spans, strict=True)]
    by = Counter(one.why for one in found.values() if one.span is not None)
    facts = {"answers": len(found), "projected_by": dict(by.most_common())}
    return Put([row for row, _ in put], [reason for _, reason in put], facts)


def _span(context: str, answer: str, start: int) -> Span | None:
    """An answer's place in the cleaned context, without blanks round it; None where cleaning has changed it."""
    text = cleaned(answer)
    begin = len(cleaned(context[:start])) + len(text) - len(text.lstrip())
    text = text.strip()
    return (begin, begin + len(text)) if text and cleaned(context).startswith(text, begin) else None


def _contexts(rows: Sequence[Row], spans: Sequence[Sequence[Span | None]]) -> dict[str, Context]:
    """Each distinct context, cut into sentences so that no answer is."""
    whole: dict[str, list[Span]] = defaultdict(list)
    for row, own in zip(rows, spans, strict=True):
        whole[row["context"]] += [span for span in own if span is not None]
    texts = {context: cleaned(context) for context in whole}
    return {one: Context(text, tuple(places_of_sentences(text, whole[one]))) for one, text in texts.items()}


def _put(
    row: Row, spans: Sequence[Span | None], context: Context, outputs: Outputs, found: Mapping[Asked, Found]
) -> tuple[Row, str | None]:
    """The row in the target language, and why it cannot stay."""
    texts = [outputs[text] for text in context.texts]
    whole = joined(texts, outputs.target)
    places: list[Span] = []
    reasons = [MOVED for span in spans if span is None]
    for span in spans:
        if span is None:
            continue
        one = found[context.asked(span)]
        if one.span is None or not whole:
            reasons.append(one.why)
            continue
        before = len(joined([*texts[: context.number_of(span)], "."], outputs.target)) - 1
        places.append((one.span[0] + before, one.span[1] + before))
    places = list(dict.fromkeys(places))
    made = {**row, "context": whole, "question": outputs[row["question"]]}
    made |= {"answers": [whole[slice(*place)] for place in places], "starts": [start for start, _ in places]}
    return made, reasons[0] if row["answers"] and whole and not places else None
