"""Translates rows of kind `span`: context and question are translated, and each answer is located in the result.

A context is translated sentence by sentence and without marks, so that all its questions share one translation. Three
methods each propose spans for an answer in the translation of its sentence. The answer is kept if two of them agree; it
is then exactly that piece of the translated context.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xtransfer.base.stage import Progress, no_progress
from xtransfer.benchmarks.spec import Row
from xtransfer.translation.engine import Aligner, Engine
from xtransfer.translation.sentences import Span, cleaned, joined, sentence_spans
from xtransfer.translation.span_matching import MARKS, Aligned, Marks, occurrences, overlap, trimmed, word_spans
from xtransfer.translation.translated_rows import TextTranslations, TranslatedRows

# marks: the text between marks that the translator kept; text: the answer, translated separately or unchanged, found in
# the sentence; attention: the words that attend to the answer
Method = Literal["marks", "text", "attention"]
METHODS: tuple[Method, ...] = ("marks", "text", "attention")  # the first that agrees sets the borders
MOVED = "answer not in its context"
LOST = "answer not found again"
UNSURE = "answer place uncertain"
_SAME = 0.5  # minimum character F1 of two spans that count as the same answer
_MOST = 0.5  # share of a word's attention
_CLEAR = 0.7  # share of each word's attention that goes either to the answer or away from it
_TIMES_LONGER, _LONGER = 2, 10  # maximum characters of a translated answer: 2 n + 10
_ALIGNED_AT_ONCE = 512  # sentences at a time, since attention weights are large
Candidates = dict[Method, list[Span]]


@dataclass(frozen=True)
class Answer:
    """An answer and the sentence that contains it."""

    sentence: str
    span: Span

    @property
    def text(self) -> str:
        return self.sentence[slice(*self.span)]


@dataclass(frozen=True)
class Projection:
    """An answer's span in the translated sentence, and the methods that agree on it; or None, and the reason."""

    span: Span | None
    why: str


@dataclass(frozen=True)
class AttendingWords:
    """The span of the words that attend to an answer.

    It is clear if each word of the sentence attends either to the answer or away from it, and no word of the answer
    gets most attention from another word.
    """

    span: Span
    is_clear: bool


@dataclass(frozen=True)
class Context:
    """A context without control characters, and the spans of its sentences."""

    text: str
    sentences: tuple[Span, ...]

    @property
    def texts(self) -> list[str]:
        return [self.text[slice(*span)] for span in self.sentences]

    def index_of(self, span: Span) -> int:
        """Returns the index of the sentence that contains a span."""
        return max(index for index, (begin, _) in enumerate(self.sentences) if begin <= span[0])

    def answer(self, span: Span) -> Answer:
        begin, end = self.sentences[self.index_of(span)]
        return Answer(self.text[begin:end], (span[0] - begin, span[1] - begin))


def translate_answers(
    rows: Sequence[Row], engine: Engine, source: str, target: str, progress: Progress = no_progress
) -> TranslatedRows:
    """Returns the rows in the target language. A row is kept if one of its answers was found, or if it has none.

    Facts: answers (number of distinct ones) and projected_by (how many were found, by the methods that agreed).
    """
    spans = [[_span(row["context"], *one) for one in zip(row["answers"], row["starts"], strict=True)] for row in rows]
    contexts = _contexts(rows, spans)
    answers = [
        contexts[row["context"]].answer(span)
        for row, own in zip(rows, spans, strict=True)
        for span in own
        if span is not None
    ]
    outputs = TextTranslations(engine, source, target, progress)
    outputs.translate([text for context in contexts.values() for text in context.texts] + [r["question"] for r in rows])
    found = projected(answers, outputs)
    made = [
        _translated(row, own, contexts[row["context"]], outputs, found) for row, own in zip(rows, spans, strict=True)
    ]
    by = Counter(one.why for one in found.values() if one.span is not None)
    facts = {"answers": len(found), "projected_by": dict(by.most_common())}
    return TranslatedRows([row for row, _ in made], [reason for _, reason in made], facts)


def _span(context: str, answer: str, start: int) -> Span | None:
    """Returns an answer's span in the cleaned context, without outer blanks; None if cleaning changed it."""
    text = cleaned(answer)
    begin = len(cleaned(context[:start])) + len(text) - len(text.lstrip())
    text = text.strip()
    return (begin, begin + len(text)) if text and cleaned(context).startswith(text, begin) else None


def _contexts(rows: Sequence[Row], spans: Sequence[Sequence[Span | None]]) -> dict[str, Context]:
    """Returns each distinct context, split into sentences so that no answer is cut."""
    whole: dict[str, list[Span]] = defaultdict(list)
    for row, own in zip(rows, spans, strict=True):
        whole[row["context"]] += [span for span in own if span is not None]
    texts = {context: cleaned(context) for context in whole}
    return {one: Context(text, tuple(sentence_spans(text, whole[one]))) for one, text in texts.items()}


def _translated(
    row: Row,
    spans: Sequence[Span | None],
    context: Context,
    outputs: TextTranslations,
    found: Mapping[Answer, Projection],
) -> tuple[Row, str | None]:
    """Returns the row in the target language, and why it must be dropped, or None."""
    texts = [outputs[text] for text in context.texts]
    whole = joined(texts, outputs.target)
    kept: list[Span] = []
    reasons = [MOVED for span in spans if span is None]
    for span in spans:
        if span is None:
            continue
        one = found[context.answer(span)]
        if one.span is None or not whole:
            reasons.append(one.why)
            continue
        before = len(joined([*texts[: context.index_of(span)], "."], outputs.target)) - 1
        kept.append((one.span[0] + before, one.span[1] + before))
    kept = list(dict.fromkeys(kept))
    made = {**row, "context": whole, "question": outputs[row["question"]]}
    made |= {"answers": [whole[slice(*span)] for span in kept], "starts": [start for start, _ in kept]}
    return made, reasons[0] if row["answers"] and whole and not kept else None


def projected(answers: Sequence[Answer], outputs: TextTranslations) -> dict[Answer, Projection]:
    """Returns each answer's place in its translated sentence; `outputs` has the sentences' translations.

    Marks are tried last, one type after the other, for answers that the other methods leave undecided.
    """
    answers = list(dict.fromkeys(answers))
    outputs.translate(one.text for one in answers)
    candidates: dict[Answer, Candidates] = {
        one: {"text": by_text(one.text, outputs[one.text], outputs[one.sentence], outputs.target)} for one in answers
    }
    clear: set[Answer] = set()
    for one, aligned in _aligned(answers, outputs):
        if words := by_attention(aligned, one, outputs.source, outputs.target):
            candidates[one]["attention"] = [words.span]
            if words.is_clear:
                clear.add(one)
    found = {one: agreed(own, one in clear) for one, own in candidates.items()}
    for marks in MARKS:
        undecided = [one for one in answers if found[one].span is None and outputs[one.sentence]]
        for one, span in _marked(undecided, marks, outputs):
            candidates[one]["marks"] = [span]
            found[one] = agreed(candidates[one], one in clear)
    return {one: _trimmed(one, found[one], outputs[one.sentence]) for one in answers}


def _aligned(answers: Sequence[Answer], outputs: TextTranslations) -> Iterator[tuple[Answer, Aligned]]:
    """Yields each answer with its sentence's alignment, if the engine aligns exactly the translation in use."""
    if not isinstance(outputs.engine, Aligner):
        return
    for start in range(0, len(answers), _ALIGNED_AT_ONCE):
        some = answers[start : start + _ALIGNED_AT_ONCE]
        made = outputs.engine.aligned([one.sentence for one in some], outputs.source, outputs.target)
        for one, aligned in zip(some, made, strict=True):
            if aligned is not None and aligned.output == outputs[one.sentence]:
                yield one, aligned


def _marked(answers: Sequence[Answer], marks: Marks, outputs: TextTranslations) -> Iterator[tuple[Answer, Span]]:
    texts = {one: text for one in answers if (text := marks.around(one.sentence, one.span)) is not None}
    outputs.translate(texts.values())
    for one, text in texts.items():
        if span := by_marks(outputs[text], marks, outputs[one.sentence], outputs.target):
            yield one, span


def by_marks(marked: str, marks: Marks, output: str, language: str) -> Span | None:
    """Returns the span in `output`, a translation without marks, of the text between the marks of `marked`."""
    within = marks.split(marked)
    if within is None:
        return None
    before, answer = within
    spans = list(occurrences(answer, output, language))
    index = sum(1 for _ in occurrences(answer, before, language)) if len(spans) > 1 else 0
    return spans[index] if index < len(spans) else None


def by_text(answer: str, alone: str, output: str, language: str) -> list[Span]:
    """Returns the spans in `output` of `alone`, the answer's own translation; if there are none, of the answer."""
    translated = alone[slice(*trimmed(alone, (0, len(alone)), like=answer))]
    spans = list(occurrences(translated, output, language)) or list(occurrences(answer, output, language))
    most = _TIMES_LONGER * len(answer) + _LONGER  # translators may turn single words into sentences
    return [(start, end) for start, end in spans if end - start <= most]


def by_attention(aligned: Aligned, answer: Answer, source: str, language: str) -> AttendingWords | None:
    """Returns the words that attend to the answer more than to everything else.

    These are the group with the most attention; one other word may stand between two words of a group.
    """
    words, own = word_spans(aligned.output, language), word_spans(answer.sentence, source)
    weights = aligned.between(own, words)
    of_answer = [index for index, (begin, _) in enumerate(own) if answer.span[0] <= begin < answer.span[1]]
    shares = weights[:, of_answer].sum(axis=1)
    groups: list[list[int]] = []
    for index in (index for index, share in enumerate(shares) if share > _MOST):
        if groups and index - groups[-1][-1] <= 2:
            groups[-1].append(index)
        else:
            groups.append([index])
    if not groups:
        return None
    best = max(groups, key=lambda group: float(sum(shares[group])))
    within = np.isin(np.arange(len(words)), np.arange(best[0], best[-1] + 1))
    is_clear = shares[within].min() >= _CLEAR and shares[~within].max(initial=0) <= 1 - _CLEAR
    attended = set(weights[:, of_answer].argmax(axis=0)) <= set(np.flatnonzero(within))
    return AttendingWords((words[best[0]][0], words[best[-1]][1]), bool(is_clear) and attended)


def agreed(candidates: Mapping[Method, Sequence[Span]], is_clear: bool = False) -> Projection:
    """Returns the only span on which two methods agree, with the borders of the first of them.

    If attention is clear and no other method proposes a span, returns the span of attention.
    """
    named: list[Projection] = []
    for index, method in enumerate(METHODS):
        for span in candidates.get(method, ()):
            others = [one for one in METHODS[index + 1 :] if _includes(candidates.get(one, ()), span)]
            if others and not _includes([one.span for one in named if one.span is not None], span):
                named.append(Projection(span, "+".join((method, *others))))
    if len(named) == 1:
        return named[0]
    if is_clear and not named and not any(candidates.get(method) for method in METHODS if method != "attention"):
        return Projection(candidates["attention"][0], "attention")
    return Projection(None, UNSURE if any(candidates.values()) else LOST)


def _includes(spans: Sequence[Span], span: Span) -> bool:
    return any(overlap(span, other) >= _SAME for other in spans)


def _trimmed(answer: Answer, found: Projection, output: str) -> Projection:
    """Removes outer blanks and punctuation that the answer lacks; the answer is lost if nothing else remains."""
    if found.span is None:
        return found
    start, end = trimmed(output, found.span, like=answer.text)
    return Projection((start, end), found.why) if start < end else Projection(None, LOST)
