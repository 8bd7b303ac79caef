"""The grammar, on sentences checked by hand."""

from __future__ import annotations

import pytest

from xtransfer.lab.events import CAUSES, EFFECT, EVENTS
from xtransfer.lab.grammar import LANGUAGES, realise
from xtransfer.lab.meaning import Did, Is, Text
from xtransfer.lab.nouns import NOUNS, SUBJECTS
from xtransfer.lab.states import ANTONYM, STATES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            Text(Is("grandmother", "old", False)),
            {
                "en": "The grandmother is not old.",
                "de": "Die Großmutter ist nicht alt.",
                "fr": "La grand-mère n'est pas vieille.",
                "ru": "Бабушка не стара.",
                "tr": "Büyükanne yaşlı değil.",
                "sw": "Bibi si mzee.",
            },
        ),
        (
            Text(Is("girl", "nervous"), Did("girl", "see_snake"), "because"),
            {
                "en": "The girl is nervous because she saw a snake.",
                "de": "Das Mädchen ist nervös, weil es eine Schlange sah.",
                "fr": "La fille est nerveuse, car elle a vu un serpent.",
                "ru": "Девочка встревожена, потому что она увидела змею.",
                "tr": "Kız gergin, çünkü yılan gördü.",
                "sw": "Msichana ni mwenye wasiwasi kwa sababu aliona nyoka.",
            },
        ),
        (
            Text(Did("elephant", "drink_tea", "garden", "yesterday"), Is("donkey", "full"), "but"),
            {
                "en": "The elephant drank tea in the garden yesterday, but the donkey is full.",
                "de": "Der Elefant trank gestern im Garten Tee, aber der Esel ist satt.",
                "fr": "L'éléphant a bu du thé dans le jardin hier, mais l'âne est rassasié.",
                "ru": "Слон вчера пил чай в саду, но осёл сыт.",
                "tr": "Fil dün bahçede çay içti, ama eşek tok.",
                "sw": "Tembo alikunywa chai bustanini jana, lakini punda ni mwenye shibe.",
            },
        ),
    ],
)
def test_sentences(text: Text, expected: dict[str, str]) -> None:
    assert {language: realise(text, language) for language in LANGUAGES} == expected


def test_the_lexicon_is_consistent() -> None:
    assert set(ANTONYM) == set(STATES)
    assert all(ANTONYM[ANTONYM[state]] == state for state in STATES)
    assert set(EFFECT) == set(EVENTS)
    assert sum(len(events) for events in CAUSES.values()) == len(EVENTS)  # an event has one effect
    assert {NOUNS[name].hypernym for name in SUBJECTS} == {"person", "animal"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_entries_share_a_word_form(language: str) -> None:
    for entries in (NOUNS, STATES, EVENTS):
        forms = [str(getattr(entry, language)) for entry in entries.values()]
        assert len(set(forms)) == len(forms)
