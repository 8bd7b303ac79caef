"""Unlabelled text in several languages, for pretraining and translation; texts of one entry are translations.

`lab` and `lab-translation` come from the laboratory world. `mirror-text` is all of `local/text-*` in a mirror (rows
with id, lang, text; rows with one id are translations), without texts that contain a sentence of an evaluation split.
`multi30k` has image descriptions in four languages (`data.multi30k`).
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq

from xtransfer.base import settings
from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError, SourceError, unknown
from xtransfer.base.languages import language as check_language
from xtransfer.base.remembered_digests import file_digest
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.benchmarks.spec import Source, SplitName
from xtransfer.data import multi30k
from xtransfer.data.canonical import short_digest
from xtransfer.data.row_names import normal
from xtransfer.data.source import LAB, Place, in_mirror, open_split, pins_of
from xtransfer.data.texts import texts_in

Text = dict[str, str]  # language → text

CORPORA = {
    "lab": "texts of the laboratory world, each in all its languages",
    "lab-translation": "texts like the laboratory's inference data, to train its translator",
    "mirror-text": "real text from a mirror (local/text-*), partly parallel, without evaluation sentences",
    multi30k.NAME: "image descriptions in English, German, French and Czech: the training split of Multi30k",
}
FROM_MIRROR = ("mirror-text", multi30k.NAME)
_EVALUATION: tuple[SplitName, ...] = ("dev", "test")
_SENTENCE_END = re.compile(r"(?<=[.!?。！？؟।])\s*")
_LETTERS = 2  # a text with fewer letters has no content


@dataclass(frozen=True)
class Corpus:
    """Texts, and counts of the source's sentences: read, dropped by reason, kept by language."""

    texts: list[Text]
    facts: dict[str, int] = field(default_factory=dict)


def load_texts(name: str, *, num_texts: int, seed: int, languages: Sequence[str] | None = None) -> list[Text]:
    """Returns at most `num_texts` texts of a corpus, each in one or more of `languages` (None: all)."""
    return load_corpus(name, num_texts=num_texts, seed=seed, languages=languages).texts


def load_corpus(name: str, *, num_texts: int, seed: int, languages: Sequence[str] | None = None) -> Corpus:
    """Like `load_texts`, with counts. The same arguments and the same `pin_corpus` give the same texts.

    Raises RequestError for an unknown corpus or language, or if no text is left; SourceError without a mirror.
    """
    if name not in CORPORA:
        raise unknown("corpus", name, CORPORA)
    for code in languages or ():
        check_language(code)
    if name == "mirror-text":
        corpus = _mirror_text(num_texts, seed, languages)
    elif name == multi30k.NAME:
        corpus = Corpus(*multi30k.training_texts(num_texts, seed, languages, evaluation_sentences()))
    else:
        from xtransfer import lab

        make = lab.parallel_text if name == LAB else lab.translation_text
        corpus = Corpus(_only(make(num_texts, seed), languages))
    if not corpus.texts:
        raise RequestError(f"corpus '{name}' has no text in {', '.join(languages or ()) or 'any language'}")
    return corpus


def held_out_texts(name: str) -> list[Text]:
    """Returns the texts of a corpus's test split in all its languages; empty if it has none."""
    return multi30k.test_texts() if name == multi30k.NAME else []


def pin_corpus(name: str) -> str:
    """Returns what identifies a corpus's contents: the laboratory's revision, or a digest of the files behind it."""
    if name not in CORPORA:
        raise unknown("corpus", name, CORPORA)
    if name in FROM_MIRROR:
        return digest([_pin_file(file) for file in corpus_files(name)], _evaluation_pins())
    from xtransfer import lab

    return lab.REVISION


def _only(texts: Iterable[Text], languages: Sequence[str] | None) -> list[Text]:
    if languages is None:
        return list(texts)
    kept = ({code: text[code] for code in languages if code in text} for text in texts)
    return [text for text in kept if text]


def _mirror_text(num_texts: int, seed: int, languages: Sequence[str] | None) -> Corpus:
    facts: Counter[str] = Counter()
    units = _units(text_files(), languages, facts)
    chosen = _in_turns(units, num_texts, seed)
    for text in chosen:
        facts.update(f"kept_{code}" for code in text)
    return Corpus(chosen, dict(sorted(facts.items())))


def _units(files: Iterable[Path], languages: Sequence[str] | None, facts: Counter[str]) -> dict[str, Text]:
    """Returns texts by `data set/id`, without evaluation sentences, texts without content, and duplicates."""
    forbidden = evaluation_sentences()
    seen: set[str] = set()
    units: dict[str, Text] = {}
    for file in files:
        chosen = [("lang", "in", list(languages))] if languages is not None else None
        table = pq.read_table(file, columns=["id", "lang", "text"], filters=chosen).to_pydict()
        for number, code, text in zip(table["id"], table["lang"], table["text"], strict=True):
            facts["read"] += 1
            reason = _reason(code, text, forbidden, seen)
            if reason is not None:
                facts[reason] += 1
                continue
            units.setdefault(f"{file.parent.parent.name}/{number}", {})[code] = text
    return units


def _reason(code: str, text: str, forbidden: set[str], seen: set[str]) -> str | None:
    """Returns why a text is dropped, or None; remembers it as seen."""
    if sum(map(str.isalpha, text[:100])) < _LETTERS:
        return "dropped_no_letters"
    whole = normal(text)
    if whole in forbidden or any(part in forbidden for part in _sentences(whole)):
        return "dropped_evaluation"
    name = code + short_digest(whole)
    if name in seen:
        return "dropped_double"
    seen.add(name)
    return None


def _sentences(text: str) -> Iterator[str]:
    """Yields the sentences of a text, if it has more than one."""
    parts = [part for part in _SENTENCE_END.split(text) if part]
    if len(parts) > 1:
        yield from parts


def _in_turns(units: dict[str, Text], num_texts: int, seed: int) -> list[Text]:
    """Returns at most `num_texts` texts. Languages take turns for equal shares; translated texts come first."""
    order = sorted(units, key=lambda name: (len(units[name]) < 2, short_digest(f"{seed}/{name}")))
    queues: dict[str, Iterator[str]] = {
        code: iter([name for name in order if code in units[name]])
        for code in sorted({code for text in units.values() for code in text})
    }
    chosen: dict[str, Text] = {}
    while queues and len(chosen) < num_texts:
        for code in list(queues):
            name = next((name for name in queues[code] if name not in chosen), None)
            if name is None:
                del queues[code]
            elif len(chosen) < num_texts:
                chosen[name] = units[name]
    return list(chosen.values())


def evaluation_sentences() -> set[str]:
    """Returns every text (normalised with `normal`) in dev and test splits of all benchmarks in the mirror.

    All text columns of a split count, declared or not; a list of words counts as a sentence.
    """
    return _evaluation_sentences(tuple(_evaluation_pins()))


@cache
def _evaluation_sentences(pins: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    for source, config, split in evaluation_places():
        found.update(map(normal, texts_in(open_split(source, config, split))))
    return found


def evaluation_places() -> list[tuple[Source, str | None, str]]:
    """Returns source, configuration and split of all evaluation data in the mirror, without duplicates."""
    places = {}
    for benchmark in BENCHMARKS.values():
        for split in _EVALUATION:
            for code in benchmark.languages_of(split):
                source = benchmark.source_of(split, code)
                path = source.path_of(code)
                for config, name in itertools.product(source.configs_of(code), source.splits_of(split, code)):
                    if in_mirror(path, config, name):
                        places[path, config, name] = (replace(source, path=path), config, name)
    return list(places.values())


def _evaluation_pins() -> list[str]:
    return pins_of(Place(source, config, split) for source, config, split in evaluation_places())


def corpus_files(name: str) -> list[Path]:
    """Returns a mirror corpus's training files; raises SourceError if there are none."""
    return text_files() if name == "mirror-text" else multi30k.files("train")


def text_files() -> list[Path]:
    """Returns the files of `mirror-text`; raises SourceError if there are none."""
    mirror = settings.current().hub_dir
    files = sorted(mirror.glob("local/text-*/default/train-*.parquet")) if mirror is not None else []
    if not files:
        where = f"in {mirror}" if mirror is not None else "because XTRANSFER_HUB_DIR is not set"
        raise SourceError(f"corpus 'mirror-text': no local/text-*/default/train-*.parquet {where}")
    return files


def _pin_file(file: Path) -> list[str]:
    return [file.relative_to(file.parents[2]).as_posix(), file_digest(file)]
