"""Made-up rows of every source, in the source's own columns, written as a mirror that benchmarks are loaded from.

A benchmark without `adapt` needs nothing here: its rows follow from its columns and the example of its kind. One with
`adapt` needs a row of each of its sources in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from xtransfer.base.languages import LANGUAGES
from xtransfer.benchmarks.spec import SPLITS, Benchmark, Row, Source, SplitName

NUM_ROWS = 40  # of each file: some go to either half of a shared source, and to either side of a held-out tenth
LABELS = ("N", "S/NP", "NP")  # of a benchmark that reads its labels from a file
_WORDS = ("red", "blue", "green", "violet", "yellow", "orange")
_THINGS = ("house", "tree", "ship", "stone", "bird", "river")

Maker = Callable[[int, str], Row]  # (number of the row, language) → a row of the source


def first(number: int) -> str:
    return f"the {_WORDS[number % 6]} {_THINGS[number // 6 % 6]} of {number}"


def second(number: int) -> str:
    return f"a {_THINGS[number % 5]} is {_WORDS[(number + 1) % 6]}"


def _context(number: int) -> str:
    return f"{first(number)} . {second(number)} ."


def _answers(number: int) -> dict[str, Any]:
    answer = _THINGS[number // 6 % 6]
    return {"text": [answer], "answer_start": [_context(number).index(answer)]}


def _question(number: int, language: str) -> Row:
    row = {"id": f"{language}-q{number}", "title": "t", "context": _context(number), "question": second(number + 1)}
    return {**row, "answers": _answers(number)}


def _some_unanswered(number: int, language: str) -> Row:
    row = _question(number, language)
    return row if number % 3 else {**row, "answers": {"text": [], "answer_start": []}}


def _tydiqa(number: int, language: str) -> Row:
    return {**_question(number, language), "id": f"{LANGUAGES[language].name.lower()}-{number}-{number % 4}"}


def _lareqa(number: int, language: str) -> Row:
    end = len(first(number)) + 2
    row = {**_question(number, language), "id": f"q{number}"}  # a question has one name in all languages
    return {**row, "sentence_breaks": [[0, end], [end + 1, len(_context(number))]]}


def _checklist(number: int, language: str) -> Row:
    answer = "somewhere else" if number % 7 == 0 else _answers(number)["text"][0]
    row = {"id": f"{number}", "case": f"c{number // 2}", "context": _context(number), "question": second(number)}
    return {**row, "answer": answer}


def _hellaswag(number: int, language: str) -> Row:
    endings = [second(number + place) for place in range(4)]
    row = {"ctx_a": first(number), "ctx_b": "then", "ctx": f"{first(number)} then", "endings": endings}
    return {**row, "label": str(number % 4)}


def _cosmosqa(number: int, language: str) -> Row:
    answers = {f"answer{place}": second(number + place) for place in range(4)}
    row = {"id": f"a##b##c##blog{number // 2}##{number}", "context": first(number), "question": "why ?"}
    return {**row, **answers, "label": number % 4}


def _csqa(number: int, language: str) -> Row:
    choices = {"label": list("ABCDE"), "text": [second(number + place) for place in range(5)]}
    return {"id": f"{number}", "question": first(number), "choices": choices, "answerKey": "ABCDE"[number % 5]}


def _siqa(number: int, language: str) -> Row:
    answers = {f"answer{letter}": second(number + place) for place, letter in enumerate("ABC")}
    return {"context": first(number), "question": "why ?", **answers, "label": str(number % 3 + 1)}


def _jcommonsenseqa(number: int, language: str) -> Row:
    choices = {f"choice{place}": second(number + place) for place in range(5)}
    return {"q_id": number, "question": first(number), **choices, "label": number % 5}


def _stsb(number: int, language: str) -> Row:
    return {"sentence1": first(number), "sentence2": second(number), "similarity_score": number % 6 / 5 * 5}


def _tldr(number: int, language: str) -> Row:
    return {"id": f"{number}", "lang": language, "text": first(number)}


def _article(number: int, language: str) -> Row:
    return {"id": f"{number}", "text": " ".join(f"{first(number + place)}." for place in range(4))}


def _page(number: int, language: str) -> Row:
    return {**_article(number, language), "id": f"asp{number // 4}.{number % 4}", "lang": language}


def _bucc(number: int, language: str) -> Row:
    gold = f"en-{number:09}" if language != "en" and number % 2 else ""
    return {"id": f"{language}-{number:09}", "text": first(number) if number % 2 else second(number), "gold": gold}


def _mention(number: int, language: str) -> Row:
    text = _context(number)
    end = len(first(number)) + 2
    spans = [{"start": 0, "end": end}, {"start": end + 1, "end": len(text)}]
    row = {"example_id": f"{language}-{number}", "entity_id": f"Q{number}", "text": text, "sentence_spans": spans}
    return {**row, "start": 4, "end": 4 + len(_WORDS[number % 6])}


def _entity(number: int, language: str) -> Row:
    text = first(number)
    return {"entity_id": f"Q{number}", "description": text, "sentence_spans": [{"start": 0, "end": len(text)}]}


def _mention_pair(number: int, language: str) -> Row:
    mention, entity = _mention(number, language), _entity(number, language)
    span = {"start": mention["start"], "end": mention["end"], "text": _WORDS[number % 6]}
    named = {"example_id": mention["example_id"], "entity_id": mention["entity_id"], "mention_span": span}
    context = {"text": mention["text"], "sentence_spans": mention["sentence_spans"]}
    return {"contextual_mention": {"context": context, "mention": named}, "entity": entity}


def _captions(number: int, language: str) -> Row:
    return {code: f"{first(number)} {code}" for code in ("en", "de", "fr", "cs")}


def _pud(number: int, language: str) -> Row:
    tokens, tags = ["on", "the", _WORDS[number % 6]], [2, 8, 0]
    merged = number % 4 == 0  # one written word that is annotated as two
    return {"tokens": ["onthe", *tokens] if merged else tokens, "upos": [13, *tags] if merged else tags}


def _udpos(number: int, language: str) -> Row:
    return {"tokens": ["the", _WORDS[number % 6], _THINGS[number % 6]], "pos_tags": [5, 0, 7 if number % 2 else 11]}


def _rte3(number: int, language: str) -> Row:
    texts = {"premise": f"{first(number)} {language}", "hypothesis": second(number)}
    return {"id": f"{number}", "language": language, **texts, "label": number % 3}


def _kobest(number: int, language: str) -> Row:
    options = {"alternative_1": second(number), "alternative_2": second(number + 1)}
    return {"premise": first(number), "question": ("원인", "결과")[number % 2], **options, "label": number % 2}


def _winograd(number: int, language: str) -> Row:
    options = {"option1": _THINGS[number % 6], "option2": _THINGS[(number + 1) % 6]}
    return {"sentence": f"{first(number)} is red because _ is old", **options, "answer": str(1 + number % 2)}


def _story(number: int, language: str) -> Row:
    begins = {f"input_sentence_{place}": first(number + place) for place in range(1, 5)}
    endings = {"sentence_quiz1": second(number), "sentence_quiz2": second(number + 1)}
    return {"story_id": f"s{number}", **begins, **endings, "answer_right_ending": 1 + number % 2}


# path of a source, or path:configuration where its configurations differ in columns → one of its rows
SOURCES: dict[str, Maker] = {
    "rajpurkar/squad": _question,
    "rajpurkar/squad_v2": _some_unanswered,
    "google/xquad": _question,
    "facebook/mlqa": _question,
    "google-research-datasets/tydiqa": _tydiqa,
    "google-research-datasets/xquad_r": _lareqa,
    "shunk031/JGLUE:JSQuAD": _question,
    "shunk031/JGLUE:JCommonsenseQA": _jcommonsenseqa,
    "local/multichecklist": _checklist,
    "Rowan/hellaswag": _hellaswag,
    "allenai/cosmos_qa": _cosmosqa,
    "tau/commonsense_qa": _csqa,
    "allenai/social_i_qa": _siqa,
    "PhilipMay/stsb_multi_mt": _stsb,
    "local/text-tldr": _tldr,
    "wikimedia/wikipedia": _article,
    "local/text-storybooks": _page,
    "local/bucc18-{language}-mining": _bucc,
    "local/mewsli-x:candidates": _entity,
    "local/mewsli-x-pairs": _mention_pair,
    "local/multi30k-en-de-fr-cs": _captions,
    "local/mewsli-x": _mention,
    "universal-dependencies/universal_dependencies": _pud,
    "google/xtreme:udpos": _udpos,
    "maximoss/rte3-multi": _rte3,
    "skt/kobest_v1": _kobest,
    "Muennighoff/xwinograd": _winograd,
    "juletxara/xstory_cloze": _story,
}
# kind → the canonical fields of a row, labels as ids; for benchmarks whose columns stand for them as they are
EXAMPLES: dict[str, Callable[[int, Benchmark], Row]] = {
    "pair": lambda number, one: {"first": first(number), "second": second(number), "label": number % len(one.labels)},
    "dual-pair": lambda number, one: EXAMPLES["pair"](number, one),
    "choice": lambda number, one: {
        "context": first(number),
        "question": ("cause", "effect")[number % 2],
        "choices": [second(number), second(number + 1)],
        "label": number % 2,
    },
    "tags": lambda number, one: {
        "tokens": ["the", _WORDS[number % 6], _THINGS[number % 6]],
        "tags": [place % len(one.labels or LABELS) for place in (number, number + 1, 0)],
    },
    "bitext": lambda number, one: {"source": first(number), "target": first(number)},
    "mlm": lambda number, one: {"text": first(number)},
}


def write_mirror(folder: Path, benchmark: Benchmark) -> None:
    """Files of every split of a benchmark in the languages of `scored`, in the layout of a mirror."""
    files: dict[Path, list[Row]] = {}
    for part in benchmark.union or benchmark.parts:
        for file, rows in _files(folder, part):
            files.setdefault(file, []).extend(row for row in rows if row not in files.get(file, []))
    for file, rows in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), file)
    if benchmark.labels_from:
        (folder / benchmark.source.path / benchmark.labels_from).write_text("\n".join(LABELS) + "\n")


def chosen(benchmark: Benchmark, split: SplitName) -> tuple[str, ...]:
    """English and the last language of a split: enough to see that languages are kept apart."""
    offered = benchmark.languages_of(split)
    return tuple(dict.fromkeys([*(code for code in offered if code == "en"), *offered[:1], *offered[-1:]]))


def _files(folder: Path, benchmark: Benchmark) -> Iterator[tuple[Path, list[Row]]]:
    places = [
        (benchmark.source_of(split, code), split, code)
        for split in SPLITS
        for code in chosen(benchmark, split)
        if benchmark.read_as(split, code) is benchmark
    ]
    if benchmark.pool is not None:
        places.append((benchmark.pool, "test", "en"))
    for source, split, code in places:
        for part, config in enumerate(source.configs_of(code)):
            for number, name in enumerate(source.splits_of(split, code)):
                file = folder / source.path_of(code) / (config or "default") / f"{name}-00000-of-00001.parquet"
                begin = NUM_ROWS * (10 * number + 100 * SPLITS.index(split))  # other rows in each split
                yield file, list(_rows(benchmark, source, config, "en" if part else code, begin))


def _rows(benchmark: Benchmark, source: Source, config: str | None, language: str, begin: int) -> Iterator[Row]:
    maker = _maker(source.path, config or "")
    if maker is None and (benchmark.adapt is not None or source.keep is not None):
        raise AssertionError(
            f"{benchmark.name} adapts the rows of {source.path}, configuration {config}: add one to SOURCES in "
            "tests/benchmarks/fixtures.py"
        )
    for number in range(begin, begin + NUM_ROWS):
        yield maker(number, language) if maker is not None else _derived(benchmark, number)


def _maker(path: str, config: str) -> Maker | None:
    for key, maker in SOURCES.items():
        of, _, configuration = key.partition(":")
        if of == path and config.startswith(configuration):
            return maker
    return None


def _derived(benchmark: Benchmark, number: int) -> Row:
    """A row of a source whose columns stand for the fields of the kind as they are."""
    if benchmark.kind not in EXAMPLES:
        raise AssertionError(
            f"no example of kind '{benchmark.kind}' ({benchmark.name}): add one to EXAMPLES in "
            "tests/benchmarks/fixtures.py"
        )
    values = EXAMPLES[benchmark.kind](number, benchmark)
    own = {number: value for value, number in (benchmark.label_values or {}).items()}
    row: Row = {}
    for field, column in benchmark.columns.items():
        value = values[field]
        if field == "label":
            value = own.get(value, value)
        if field == "tags":
            value = [LABELS[tag] if benchmark.labels_from else own.get(tag, tag) for tag in value]
        row |= {column: value} if isinstance(column, str) else dict(zip(column, value, strict=True))
    for column in (benchmark.id, benchmark.group):
        if isinstance(column, str):
            row.setdefault(column, f"{column}-{number}")
    return row
