"""Pairs of texts to train dual encoders on: questions and answers, mentions and entities, translations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xtransfer.base.languages import codes
from xtransfer.benchmarks.pools import MEWSLI_X, mention_in, sentences
from xtransfer.benchmarks.questions import SQUAD
from xtransfer.benchmarks.spec import Benchmark, Row, Source

_COLUMNS = {"source": "source", "target": "target", "context": "context"}
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def _sentences(text: str) -> Iterator[tuple[int, str]]:
    """Yields (start in characters, sentence)."""
    start = 0
    for end in [match.end() for match in _SENTENCE_END.finditer(text)] + [len(text)]:
        if text[start:end].strip():
            yield start, text[start:end].strip()
        start = end


def _question_and_answer(row: Row) -> Row:
    """Converts a question, the sentence where its first answer starts, and the whole paragraph as context."""
    context, place = row["context"], row["answers"]["answer_start"][0]
    sentence = [text for start, text in _sentences(context) if start <= place][-1]
    return {"id": row["id"], "source": row["question"], "target": sentence, "context": context}


SQUAD_ANSWERS = Benchmark(
    name="squad-answers",
    kind="ranking",
    languages=codes("en"),
    source=SQUAD.source,
    columns=_COLUMNS,
    metric="p@1",
    also=("p@3", "p@10"),
    roles=("intermediate",),
    licence=SQUAD.licence,
    id="id",
    adapt=_question_and_answer,
    note="training data for LAReQA's dual encoder in XTREME-R (lareqa<squad-answers): rank the sentence that answers a "
    "question, encoded with its paragraph. Sentences end at a full stop, exclamation or question mark before a space",
)


def _mention_and_entity(row: Row) -> Row | None:
    """Converts a mention in its sentence, as in kind `entities`, and its entity's description."""
    from xtransfer.benchmarks.pools import text_of  # imported here: it imports torch

    mention, context = row["contextual_mention"]["mention"], row["contextual_mention"]["context"]
    found = mention_in(context["text"], context["sentence_spans"], mention["mention_span"])
    if found is None:
        return None
    target = sentences(row["entity"]["description"], row["entity"]["sentence_spans"])
    return {"id": mention["example_id"], "source": text_of(found), "target": target, "context": ""}


MEWSLI_X_PAIRS = Benchmark(
    name="mewsli-x-pairs",
    kind="ranking",
    languages=codes("en"),
    source=Source("local/mewsli-x-pairs", splits={"train": "train", "dev": "validation"}),
    columns=_COLUMNS,
    metric="p@1",
    also=("p@3", "p@10"),
    roles=("intermediate",),
    licence=MEWSLI_X.licence,
    id="id",
    adapt=_mention_and_entity,
    note="training data for Mewsli-X's dual encoder in XTREME-R (mewsli-x<mewsli-x-pairs): 167,719 mentions in English "
    "Wikipedia. Mentions outside any sentence are dropped and counted",
    how_to_get="Run get-mewsli-x.sh of google-research/google-research as for mewsli-x, and write "
    "wikipedia_pairs-train.jsonl and wikipedia_pairs-dev.jsonl, with the columns contextual_mention and entity "
    "unchanged, to local/mewsli-x-pairs/default/train-00000-of-00001.parquet and validation-00000-of-00001.parquet in "
    "a mirror.",
)


def _caption(row: Row) -> Row:
    return {**row, "context": ""}


MULTI30K = Benchmark(
    name="multi30k",
    kind="ranking",
    languages=codes("cs de fr"),
    source=Source("local/multi30k-en-de-fr-cs", splits={"train": "train", "dev": "validation", "test": "test"}),
    columns={"source": "{language}", "target": "en", "context": "context"},
    metric="p@1",
    also=("p@3", "p@10"),
    licence="not stated; descriptions of Flickr30K images, for research and education only",
    adapt=_caption,
    note="image descriptions and their English versions; test is that of 2016 with 1,000, so each is ranked among 999 "
    "others",
    how_to_get="Take data/task1/raw of multi30k/dataset on GitHub and write the lines of train, val and "
    "test_2016_flickr as parquet with the columns en, de, fr and cs to "
    "local/multi30k-en-de-fr-cs/default/<split>-00000-of-00001.parquet of a mirror (train, validation, test).",
)
