"""Tags that move to the words of a translation: whatever is aligned with what, they stay tags of whole entities."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from tests.translation.made import made
from tests.translation.test_answers import ByWord
from xtransfer.base.errors import RequestError
from xtransfer.translation.span_matching import Aligned, token_spans
from xtransfer.translation.tags import LOST, SPLIT, UNALIGNED, entities, sentence_of, translate_tags

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
Row = dict[str, object]


class Given:
    """Says one sentence, whose words come from those given."""

    def __init__(self, output: str, sources: Sequence[int | None]) -> None:
        self.output, self.sources = output, sources

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: object = None) -> list[str]:
        return [self.output for _ in sentences]

    def aligned(self, sentences: Sequence[str], source: str, target: str) -> list[Aligned | None]:
        return [self._aligned(one) for one in sentences]

    def _aligned(self, sentence: str) -> Aligned:
        own, words = self.output.split(), sentence.split()
        weights = np.full((len(own), len(words)), 0.1, dtype=np.float32)
        for place, comes_from in enumerate(self.sources):
            if comes_from is not None:
                weights[place, comes_from] = 1
        return Aligned(self.output, token_spans(words, sentence), token_spans(own, self.output), weights)


def row(*tagged: str) -> Row:
    words, tags = zip(*(one.rsplit("/", 1) for one in tagged), strict=True)
    return {"id": "0", "group": "g", "tokens": list(words), "tags": [LABELS.index(tag) for tag in tags]}


NAMED = row("Ann/B-PER", "Lee/I-PER", "saw/O", "Rome/B-LOC", "today/O")


def put(output: str, sources: Sequence[int | None], one: Row = NAMED) -> tuple[list[str], str | None]:
    made = translate_tags([one], Given(output, sources), "en", "de", LABELS)
    return [LABELS[tag] for tag in made.rows[0]["tags"]], made.reasons[0]


def test_entities_move_as_wholes() -> None:
    tags, reason = put("heute sah Anna von Lee Rom", [4, 2, 0, 1, 1, 3])
    assert reason is None and tags == ["O", "O", "B-PER", "I-PER", "I-PER", "B-LOC"]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ([2, 2, 3, 3, 4], LOST),  # nobody comes from Ann Lee
        ([0, 2, 1, 3, 4], SPLIT),
        ([None, None, 2, 3, 4], LOST),
    ],
)
def test_a_row_that_loses_an_entity_is_left_out(sources: list[int | None], expected: str) -> None:
    assert put("eins zwei drei vier fünf", sources)[1] == expected


def test_parts_of_speech_need_every_word() -> None:
    labels = ("NOUN", "VERB")
    one = {"id": "0", "group": "g", "tokens": ["dogs", "run", "far"], "tags": [0, 1, 0]}
    made = translate_tags([one], Given("weit laufen Hunde", [2, 1, 0]), "en", "de", labels)
    assert made.rows[0]["tags"] == [0, 1, 0] and made.rows[0]["tokens"] == ["weit", "laufen", "Hunde"]
    made = translate_tags([one], Given("es laufen Hunde", [None, 1, 0]), "en", "de", labels)
    assert made.reasons == [None]  # with three words a third of what it looks at is one's
    long = {**one, "tokens": [*"abcde"], "tags": [0] * 5}
    assert translate_tags([long], Given("a b c d e", [None, 1, 2, 3, 4]), "en", "de", labels).reasons == [UNALIGNED]


def test_tags_stay_valid_whatever_is_aligned() -> None:
    rng = random.Random(0)
    kept = 0
    for _ in range(500):
        count, said = rng.randint(1, 6), rng.randint(1, 7)
        names = [rng.choice(LABELS) for _ in range(count)]
        one = row(*(f"w{place}/{name}" for place, name in enumerate(names)))
        tags, reason = put(
            " ".join(f"x{place}" for place in range(said)), [rng.randrange(count) for _ in range(said)], one
        )
        if reason is not None:
            continue
        kept += 1
        assert len(tags) == said
        assert sorted(name for name, _, _ in entities(names)) == sorted(name for name, _, _ in entities(tags))
        for before, tag in zip(["O", *tags], tags, strict=False):
            assert not tag.startswith("I-") or before[2:] == tag[2:]
    assert kept > 50


def test_rows_are_dropped_and_counted() -> None:
    engine = Given("Anna Lee sah Rom heute", [0, 1, 2, 3, 4])
    many = {**row("a/O", "b/B-PER", "c/O", "d/B-PER", "e/O", "f/B-LOC", "g/B-LOC"), "id": "1"}
    rows, facts = made([NAMED, many], "tags", engine, "de", labels=LABELS)
    assert [one["id"] for one in rows] == ["0"] and facts["kept"] == 1 and sum(facts["dropped"].values()) == 1


def test_an_engine_must_align() -> None:
    with pytest.raises(RequestError, match="does not align words"):
        translate_tags([NAMED], ByWord(), "en", "de", LABELS)


def test_words_as_a_sentence() -> None:
    words = ["Ann", "(", "her", "dog", ")", "ca", "n't", "see", "it", ",", "-LRB-", "."]
    text, places = sentence_of(words)
    assert text == "Ann (her dog) can't see it, -LRB-."
    assert [text[slice(*place)] for place in places] == words
