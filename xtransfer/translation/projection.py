"""An answer's place in the translation of its sentence: several ways to find it, and how far they must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from xtransfer.translation.alignment import Aligned, Span
from xtransfer.translation.engine import Aligner
from xtransfer.translation.marks import MARKS, Marks
from xtransfer.translation.places import bare, occurrences, overlap, words_of
from xtransfer.translation.put import Outputs

# marks: between marks that the translator carried over; text: what the answer becomes when it is translated alone, or
# the answer as it is, found in the sentence; attention: the words that look at the answer
Way = Literal["marks", "text", "attention"]
WAYS: tuple[Way, ...] = ("marks", "text", "attention")  # whose borders are taken first
LOST = "its answer was not found again"
UNSURE = "its answer may stand elsewhere"
_SAME = 0.5  # F1 of characters from which two places are one answer with other borders
_MOSTLY = 0.5  # of what a word looks at
_CLEAR = 0.7  # of what each word looks at goes one way: to the answer, or past it
_TIMES_LONGER, _LONGER = 2, 10  # characters of a translated answer against those of the answer
_ALIGNED_AT_ONCE = 512  # sentences: their weights are large and not kept
Places = dict[Way, list[Span]]


@dataclass(frozen=True)
class Asked:
    """An answer within a sentence."""

    sentence: str
    span: Span

    @property
    def answer(self) -> str:
        return self.sentence[slice(*self.span)]


@dataclass(frozen=True)
class Found:
    """Its place in the sentence's translation and the ways that agree on it; or None, and why."""

    span: Span | None
    why: str


@dataclass(frozen=True)
class Looking:
    """The words that look at an answer; clear where each word of the sentence does or does not, and no word of the
    answer is seen most by another."""

    span: Span
    is_clear: bool


def projected(asked: Sequence[Asked], outputs: Outputs) -> dict[Asked, Found]:
    """What became of each answer; `outputs` holds the sentences' translations and gets those of the answers.

    Marks are tried last, one kind after the other, for the answers that nothing else decides.
    """
    asked = list(dict.fromkeys(asked))
    outputs.translate(one.answer for one in asked)
    places: dict[Asked, Places] = {
        one: {"text": by_text(one.answer, outputs[one.answer], outputs[one.sentence], outputs.target)} for one in asked
    }
    clear: set[Asked] = set()
    for one, aligned in _aligned(asked, outputs):
        if looking := by_attention(aligned, one, outputs.source, outputs.target):
            places[one]["attention"] = [looking.span]
            if looking.is_clear:
                clear.add(one)
    found = {one: agreed(ways, one in clear) for one, ways in places.items()}
    for marks in MARKS:
        undecided = [one for one in asked if found[one].span is None and outputs[one.sentence]]
        for one, span in _marked(undecided, marks, outputs):
            places[one]["marks"] = [span]
            found[one] = agreed(places[one], one in clear)
    return {one: _trimmed(one, found[one], outputs[one.sentence]) for one in asked}


def _aligned(asked: Sequence[Asked], outputs: Outputs) -> Iterator[tuple[Asked, Aligned]]:
    """Each answer with the alignment of its sentence, where the engine gives that of the translation that is used."""
    if not isinstance(outputs.engine, Aligner):
        return
    for start in range(0, len(asked), _ALIGNED_AT_ONCE):
        some = asked[start : start + _ALIGNED_AT_ONCE]
        made = outputs.engine.aligned([one.sentence for one in some], outputs.source, outputs.target)
        for one, aligned in zip(some, made, strict=True):
            if aligned is not None and aligned.output == outputs[one.sentence]:
                yield one, aligned


def _marked(asked: Sequence[Asked], marks: Marks, outputs: Outputs) -> Iterator[tuple[Asked, Span]]:
    texts = {one: text for one in asked if (text := marks.put(one.sentence, one.span)) is not None}
    outputs.translate(texts.values())
    for one, text in texts.items():
        if span := by_marks(outputs[text], marks, outputs[one.sentence], outputs.target):
            yield one, span


def by_marks(marked: str, marks: Marks, output: str, language: str) -> Span | None:
    """The place in `output`, the translation without marks, of what stands between the marks of `marked`."""
    within = marks.within(marked)
    if within is None:
        return None
    before, answer = within
    places = list(occurrences(answer, output, language))
    number = sum(1 for _ in occurrences(answer, before, language)) if len(places) > 1 else 0
    return places[number] if number < len(places) else None


def by_text(answer: str, alone: str, output: str, language: str) -> list[Span]:
    """The places of what an answer becomes when it is translated alone; where there is none, of the answer as it is."""
    translated = alone[slice(*bare(alone, (0, len(alone)), like=answer))]
    places = list(occurrences(translated, output, language)) or list(occurrences(answer, output, language))
    most = _TIMES_LONGER * len(answer) + _LONGER  # translators make sentences of single words
    return [(start, end) for start, end in places if end - start <= most]


def by_attention(aligned: Aligned, asked: Asked, source: str, language: str) -> Looking | None:
    """The words that look at the answer more than at all else, as far as they stand together: the largest such group,
    in which a single other word may stand between two of them."""
    words, own = words_of(aligned.output, language), words_of(asked.sentence, source)
    weights = aligned.between(own, words)
    of_answer = [number for number, (begin, _) in enumerate(own) if asked.span[0] <= begin < asked.span[1]]
    shares = weights[:, of_answer].sum(axis=1)
    groups: list[list[int]] = []
    for number in (number for number, share in enumerate(shares) if share > _MOSTLY):
        if groups and number - groups[-1][-1] <= 2:
            groups[-1].append(number)
        else:
            groups.append([number])
    if not groups:
        return None
    best = max(groups, key=lambda group: float(sum(shares[group])))
    within = np.isin(np.arange(len(words)), np.arange(best[0], best[-1] + 1))
    is_clear = shares[within].min() >= _CLEAR and shares[~within].max(initial=0) <= 1 - _CLEAR
    seen = set(weights[:, of_answer].argmax(axis=0)) <= set(np.flatnonzero(within))
    return Looking((words[best[0]][0], words[best[-1]][1]), bool(is_clear) and seen)


def agreed(places: Mapping[Way, Sequence[Span]], is_clear: bool = False) -> Found:
    """The one place on which two ways agree, with the borders of the first of them; that of attention alone where it
    is clear and nothing else names another."""
    named: list[Found] = []
    for number, way in enumerate(WAYS):
        for place in places.get(way, ()):
            others = [one for one in WAYS[number + 1 :] if _names(places.get(one, ()), place)]
            if others and not _names([one.span for one in named if one.span is not None], place):
                named.append(Found(place, "+".join((way, *others))))
    if len(named) == 1:
        return named[0]
    if is_clear and not named and not any(places.get(way) for way in WAYS if way != "attention"):
        return Found(places["attention"][0], "attention")
    return Found(None, UNSURE if any(places.values()) else LOST)


def _names(places: Sequence[Span], place: Span) -> bool:
    return any(overlap(place, other) >= _SAME for other in places)


def _trimmed(asked: Asked, found: Found, output: str) -> Found:
    """Without blanks and signs at its ends that the answer does not have; lost where nothing else is left."""
    if found.span is None:
        return found
    start, end = bare(output, found.span, like=asked.answer)
    return Found((start, end), found.why) if start < end else Found(None, LOST)
