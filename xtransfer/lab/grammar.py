"""Turns a meaning into a sentence in each of the six languages.

A language has three rules: how to predicate a state, how to express an event, and how to refer to a subject (a
definite noun phrase or a pronoun). Each rule returns words in order, as one string.
"""

from __future__ import annotations

from collections.abc import Callable

from xtransfer.lab.adverbials import PLACES, TIMES
from xtransfer.lab.events import EVENTS
from xtransfer.lab.meaning import Clause, Did, Is, Text
from xtransfer.lab.nouns import NOUNS
from xtransfer.lab.states import STATES

LANGUAGES = ("en", "de", "fr", "ru", "tr", "sw")

_LINKS: dict[str, dict[str, str]] = {
    "and": {"en": " and ", "de": " und ", "fr": " et ", "ru": ", и ", "tr": " ve ", "sw": " na "},
    "but": {
        "en": ", but ",
        "de": ", aber ",
        "fr": ", mais ",
        "ru": ", но ",
        "tr": ", ama ",
        "sw": ", lakini ",
    },
    "because": {
        "en": " because ",
        "de": ", weil ",
        "fr": ", car ",
        "ru": ", потому что ",
        "tr": ", çünkü ",
        "sw": " kwa sababu ",
    },
}
_FRENCH_VOWELS = "aeiouâéèêîôû"
_GERMAN_ARTICLES = {"m": "der", "f": "die", "n": "das"}
_PRONOUNS = {
    "en": {"m": "he", "f": "she"},
    "de": {"m": "er", "f": "sie", "n": "es"},
    "fr": {"m": "il", "f": "elle"},
    "ru": {"m": "он", "f": "она"},
}


def realise(text: Text, language: str) -> str:
    """Returns the sentence, or the two sentences, that express `text` in `language`."""
    first = _clause(text.first, language)
    if text.second is None:
        return _sentence(first)
    if text.link == ".":
        return f"{_sentence(first)} {_sentence(_clause(text.second, language))}"
    because = text.link == "because"
    second = _clause(text.second, language, pronoun=because, subordinate=because and language == "de")
    return _sentence(first + _LINKS[text.link][language] + second)


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:] + "."  # no Turkish sentence here starts with i, whose capital is İ


def _clause(clause: Clause, language: str, pronoun: bool = False, subordinate: bool = False) -> str:
    subject = _pronoun(clause.subject, language) if pronoun else _noun_phrase(clause.subject, language)
    predicate = _is(clause, language) if isinstance(clause, Is) else _did(clause, language)
    if language == "de":
        verb, rest = predicate
        predicate = (rest, verb) if subordinate else (verb, rest)  # verb last, or verb second
    return " ".join(filter(None, (subject, *predicate)))


def _noun_phrase(name: str, language: str) -> str:
    noun = NOUNS[name]
    word: str = getattr(noun, language)
    if language == "en":
        return f"the {word}"
    if language == "de":
        return f"{_GERMAN_ARTICLES[noun.de_gender]} {word}"
    if language == "fr":
        article = "le" if noun.gender == "m" else "la"
        return f"l'{word}" if word[0] in _FRENCH_VOWELS else f"{article} {word}"
    return word  # Russian, Turkish and Swahili have no article; a bare subject is definite


def _pronoun(name: str, language: str) -> str:
    noun = NOUNS[name]
    if language == "en" and noun.hypernym in (None, "animal"):
        return "it"
    if language not in _PRONOUNS:
        return ""  # Turkish and Swahili verbs and predicates need no subject pronoun
    return _PRONOUNS[language][noun.de_gender if language == "de" else noun.gender]


def _is(clause: Is, language: str) -> tuple[str, ...]:
    adjective, positive = STATES[clause.state], clause.positive
    gender = NOUNS[clause.subject].gender
    rules: dict[str, Callable[[], tuple[str, ...]]] = {
        "en": lambda: ("is" if positive else "is not", adjective.en),
        "de": lambda: ("ist", adjective.de if positive else f"nicht {adjective.de}"),
        "fr": lambda: ("est" if positive else "n'est pas", adjective.fr["mf".index(gender)]),
        "ru": lambda: ("" if positive else "не", adjective.ru["mfn".index(gender)]),
        "tr": lambda: (adjective.tr, "" if positive else "değil"),
        "sw": lambda: ("ni" if positive else "si", adjective.sw),
    }
    return rules[language]()


def _did(clause: Did, language: str) -> tuple[str, ...]:
    event = EVENTS[clause.event]
    place = getattr(PLACES[clause.place], language) if clause.place else ""
    time = getattr(TIMES[clause.time], language) if clause.time else ""
    if language == "de":
        return event.de[0], " ".join(filter(None, (time, place, event.de[1])))
    if language == "ru":
        verb = event.ru[0] + ("а" if NOUNS[clause.subject].gender == "f" else "")
        return time, verb, event.ru[1], place
    if language == "tr":
        return time, place, event.tr
    return getattr(event, language), place, time
