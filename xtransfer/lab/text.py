"""Unlabelled parallel text, for pretraining encoders and for training the translator.

All knowledge that the benchmarks require occurs here and only here: translations of words, exclusive states,
hypernyms, and causal laws. No text is a row of an evaluation split or contains its premise or retrieval sentence, and
no subject of an evaluated lab-copa item occurs with that item's laws.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterator

from xtransfer.lab import choice, inference, retrieval
from xtransfer.lab.adverbials import PLACES, TIMES
from xtransfer.lab.events import CHOICE_STATES, EFFECT, EVENTS
from xtransfer.lab.grammar import LANGUAGES, realise
from xtransfer.lab.meaning import Did, Is, Text
from xtransfer.lab.nouns import SUBJECTS, hypernym_of, peers
from xtransfer.lab.states import ANTONYM, STATES

_LINKS = ("and", "but", ".")


def parallel_text(num_meanings: int, seed: int = 0) -> list[dict[str, str]]:
    """Returns `num_meanings` texts, each in every language; a longer list starts with the shorter one."""
    return _realised(_meanings(f"parallel/{seed}", _PRETRAINING), num_meanings)


def translation_text(num_meanings: int, seed: int = 0) -> list[dict[str, str]]:
    """Returns texts like the sentences of lab-nli, for training its translator."""
    return _realised(_meanings(f"translation/{seed}", _INFERENCE_LIKE), num_meanings)


def _realised(meanings: Iterator[Text], num_meanings: int) -> list[dict[str, str]]:
    texts = (next(meanings) for _ in range(num_meanings))
    return [{language: realise(text, language) for language in LANGUAGES} for text in texts]


def _meanings(seed: str, makers: dict[Callable[[random.Random], Text], float]) -> Iterator[Text]:
    rng = random.Random(seed)  # noqa: S311
    kinds, weights = list(makers), list(makers.values())
    while True:
        text = rng.choices(kinds, weights)[0](rng)
        if not is_evaluated(text):
            yield text


def is_evaluated(text: Text) -> bool:
    """Returns whether a text states what an evaluation row asks, so that training text must not contain it."""
    return text in _held_out() or _states_evaluated_law(text)


@functools.lru_cache(maxsize=1)
def _held_out() -> frozenset[Text]:
    """Returns what evaluation rows state, except common sentences such as "The cook is rich"."""
    texts = {text for split in retrieval.sentences().values() for text in split}
    for (_, split), blocks in inference.blocks().items():
        if split != "train":
            for pair in itertools.chain.from_iterable(blocks):
                told = Text(pair.first.first, pair.second.first, ".")  # the row of a law block, as one text
                texts.add(pair.first if pair.first.second else told)
    return frozenset(texts)


def _states_evaluated_law(text: Text) -> bool:
    clauses = {type(clause): clause for clause in (text.first, text.second)}
    event, state = clauses.get(Did), clauses.get(Is)
    if not (isinstance(event, Did) and isinstance(state, Is)) or event.subject not in choice.EVALUATION_SUBJECTS:
        return False
    return EFFECT[event.event] in CHOICE_STATES


def _event(rng: random.Random) -> Text:
    """Returns who did what, where and when."""
    place, time = rng.choice([None, *PLACES]), rng.choice([None, *TIMES])
    return Text(Did(rng.choice(SUBJECTS), rng.choice(list(EVENTS)), place, time))


def _two_events(rng: random.Random) -> Text:
    subject = rng.choice(SUBJECTS)
    events = rng.sample(list(EVENTS), 2)
    return Text(Did(subject, events[0]), Did(rng.choice(peers(subject)), events[1]), rng.choice(_LINKS))


def _state(rng: random.Random) -> Text:
    return Text(_is(rng.choice(SUBJECTS), rng))


def _two_states(rng: random.Random) -> Text:
    """Returns two subjects with their states, to teach which state belongs to which subject."""
    subject = rng.choice(SUBJECTS)
    return Text(_is(subject, rng), _is(rng.choice(peers(subject)), rng), rng.choice(_LINKS))


def _law(rng: random.Random) -> Text:
    """Returns an effect and its cause, in one of three forms."""
    subject, event = rng.choice(SUBJECTS), rng.choice(list(EVENTS))
    state, cause = EFFECT[event], Did(subject, event)
    effect = Is(subject, state) if rng.random() < 0.7 else Is(subject, ANTONYM[state], positive=False)
    return Text(effect, cause, "because") if rng.random() < 0.6 else Text(cause, effect, ".")


def _opposite(rng: random.Random) -> Text:
    """Returns the same state twice, once with its antonym, such as "The cook is rich. The cook is not poor"."""
    clause = _is(rng.choice(SUBJECTS), rng)
    return Text(clause, Is(clause.subject, ANTONYM[clause.state], not clause.positive), rng.choice((".", "and")))


def _wider(rng: random.Random) -> Text:
    """Returns the same state twice, once with the subject's hypernym."""
    clause = _is(rng.choice(SUBJECTS), rng)
    return Text(clause, Is(hypernym_of(clause.subject), clause.state, clause.positive), ".")


def _is(subject: str, rng: random.Random) -> Is:
    return Is(subject, rng.choice(list(STATES)), rng.random() < 0.5)


_PRETRAINING: dict[Callable[[random.Random], Text], float] = {
    _event: 0.1,
    _two_events: 0.1,
    _state: 0.1,
    _two_states: 0.4,
    _law: 0.2,
    _opposite: 0.05,
    _wider: 0.05,
}
_INFERENCE_LIKE: dict[Callable[[random.Random], Text], float] = {_two_states: 0.55, _state: 0.35, _event: 0.1}
