"""Projected answers compared with the laboratory's grammar, which gives the answer in every language.

English questions on three sentences each ask who is in a state, or which state somebody is in; context and question are
translated and the answer is projected. Answers are compared if the context equals the grammar's translation. Without
`--model` the translator is `lab-marian`, trained for this.
"""

from __future__ import annotations

import random
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from rich.table import Table

from xtransfer.benchmarks.spec import Row
from xtransfer.data.corpora import load_texts
from xtransfer.lab import inference
from xtransfer.lab.grammar import realise
from xtransfer.lab.meaning import Is, Text
from xtransfer.lab.nouns import NOUNS
from xtransfer.lab.states import STATES
from xtransfer.training.translator import train_translator
from xtransfer.translation.answers import translate_answers
from xtransfer.translation.engines import ENGINES, EngineTrainedHere
from xtransfer.translation.transformers_engine import TransformersEngine

LANGUAGES = ("de", "tr")
ROWS, SENTENCES = 300, 3
NAMES = ("the grammar's", "with an article", "another", "another context")
_ARTICLES = ("", "der ", "die ", "das ")


def questions(language: str, count: int) -> list[Row]:
    """Rows of kind `span` in a language; the same questions in every language."""
    rng = random.Random(0)  # noqa: S311
    texts = list(_texts())
    return [_row(str(number), rng.sample(texts, SENTENCES), rng, language) for number in range(count)]


def judged(made: Row, written: Row) -> str:
    """How an answer compares with the grammar's."""
    if made["context"] != written["context"]:
        return "another context"
    (answer, *_), (start, *_) = made["answers"], made["starts"]
    (own, *_), (place, *_) = written["answers"], written["starts"]
    if (answer, start) == (own, place):
        return "the grammar's"
    begins = answer[: max(0, place - start)].lower()
    return "with an article" if begins in _ARTICLES and answer[len(begins) :] == own else "another"


def measured(model: Path, count: int) -> dict[str, dict[str, int]]:
    """Language → number of kept rows, and of each outcome."""
    engine = TransformersEngine(model)
    found: dict[str, dict[str, int]] = {}
    for language in LANGUAGES:
        projected = translate_answers(questions("en", count), engine, "en", language)
        pairs = zip(projected.rows, questions(language, count), projected.reasons, strict=True)
        outcomes = [judged(made, written) for made, written, reason in pairs if reason is None]
        found[language] = {"kept": len(outcomes), **{name: outcomes.count(name) for name in NAMES}}
    return found


def _texts() -> Iterator[Text]:
    """Distinct sentences of lab-nli's dev rows that say who is in which state."""
    pairs = (pair for block in inference.blocks()["lab-nli", "dev"] for pair in block)
    for text in dict.fromkeys(pair.first for pair in pairs):
        if isinstance(text.first, Is) and isinstance(text.second, Is):
            yield text


def _row(number: str, texts: Sequence[Text], rng: random.Random, language: str) -> Row:
    said = [realise(text, language) for text in texts]
    place, clause = rng.randrange(len(texts)), rng.choice(["first", "second"])
    asked: Is = getattr(texts[place], clause)
    answer = getattr(NOUNS[asked.subject], language) if rng.random() < 0.5 else _state(asked, language)
    start = len(" ".join([*said[:place], ""])) + said[place].lower().index(answer.lower())
    context = " ".join(said)
    found = {"answers": [context[start : start + len(answer)]], "starts": [start]}
    return {"id": number, "group": number, "context": context, "question": said[place], **found}


def _state(clause: Is, language: str) -> str:
    form = getattr(STATES[clause.state], language)
    return form if isinstance(form, str) else str(form["mfn".index(NOUNS[clause.subject].gender)])


def _lab_marian(folder: Path) -> Path:
    engine = ENGINES["lab-marian"]
    assert isinstance(engine, EngineTrainedHere)
    texts = load_texts(engine.corpus, num_texts=engine.num_texts, seed=0, languages=engine.languages)
    train_translator(texts, engine.recipe, 0, folder / "model", folder / "state")
    return folder / "model"


def show(found: dict[str, dict[str, int]], count: int) -> None:
    table = Table("to", "rows", "kept", *NAMES, box=None, pad_edge=False)
    for language, counts in found.items():
        table.add_row(language, str(count), *(str(counts[name]) for name in ("kept", *NAMES)))
    Console(width=100).print(table)


def main() -> None:
    options = ArgumentParser(prog="python -m perf.answers", description=__doc__)
    options.add_argument("--model", type=Path, help="a translator from English to German and Turkish")
    options.add_argument("--rows", type=int, default=ROWS)
    asked = options.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        show(measured(asked.model or _lab_marian(Path(folder)), asked.rows), asked.rows)


if __name__ == "__main__":
    main()
