"""Retrieval from one pool of many languages: LAReQA and Mewsli-X of XTREME-R. Scores an encoder as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xtransfer.base.languages import codes
from xtransfer.benchmarks.spec import Benchmark, Row, Source


def _question(row: Row) -> Row:
    """Converts a question with its first answer, and sentence_breaks if the source has them (the hub's has not)."""
    found = {
        "id": row["id"],
        "question": row["question"],
        "context": row["context"],
        "answer": row["answers"]["text"][0],
        "start": row["answers"]["answer_start"][0],
    }
    if "sentence_breaks" in row:
        found["sentence_breaks"] = [place for one in row["sentence_breaks"] for place in one]
    return found


LAREQA = Benchmark(
    name="lareqa",
    kind="answers",
    languages=codes("ar de el en es hi ru th tr vi zh"),
    source=Source("google-research-datasets/xquad_r", config="{language}", splits={"test": "validation"}),
    columns={name: name for name in ("question", "context", "answer", "start", "sentence_breaks")},
    metric="map@20",
    roles=("target",),
    licence="CC BY-SA 4.0",
    id="id",
    adapt=_question,
    note="the pool has the sentences of all scored languages. LAReQA's published scores use all 11 languages (13,090 "
    "questions, 13,014 candidates), where the mean over languages equals the mean over questions. The hub's copy "
    "cannot be used, since it lacks sentence boundaries",
    how_to_get="Take xquad-r/<language>.json from google-research-datasets/lareqa on GitHub and write "
    "google-research-datasets/xquad_r/<language>/validation-*.parquet in a mirror: one row per question, columns id, "
    "context, question, answers (text and answer_start, lists) and sentence_breaks (the paragraph's list of [start, "
    "end], in characters).",
)


def _mention_or_entity(row: Row) -> Row:
    """Converts a mention with its sentence, or an entity with the sentences of its description."""
    name, spans = row["entity_id"], row["sentence_spans"]
    if "description" in row:
        text = sentences(row["description"], spans)
        return {"id": name, "text": text, "side": "entity", "start": 0, "end": 0, "entity": name}
    mention = mention_in(row["text"], spans, row)
    if mention is None:
        raise ValueError(f"no sentence contains mention '{row['example_id']}'")
    return {"id": row["example_id"], "entity": name, **mention}


def sentences(text: str, spans: Sequence[Row]) -> str:
    """Returns the sentences of a text at these spans (start, end)."""
    return " ".join(text[span["start"] : span["end"]] for span in spans)


def mention_in(text: str, spans: Sequence[Row], mention: Row) -> Row | None:
    """Returns the sentence with a mention (start, end) and the mention's position in it; None if no sentence has it."""
    first, last = mention["start"], mention["end"]
    around = next(((one["start"], one["end"]) for one in spans if one["start"] <= first < last <= one["end"]), None)
    if around is None:
        return None
    place = {"start": first - around[0], "end": last - around[0]}
    return {"text": text[slice(*around)], "side": "mention", **place}


MEWSLI_X = Benchmark(
    name="mewsli-x",
    kind="entities",
    languages=codes("ar de en es fa ja pl ro ta tr uk"),
    source=Source("local/mewsli-x", config="{language}", splits={"dev": "validation", "test": "test"}),
    pool=Source("local/mewsli-x", config="candidates", splits={"test": "test"}),
    columns={name: name for name in ("text", "side", "start", "end", "entity")},
    metric="map@20",
    roles=("target",),
    licence="not stated by its authors (text of Wikinews, CC BY 2.5, and Wikipedia, CC BY-SA 3.0)",
    id="id",
    adapt=_mention_or_entity,
    note="1,003,893 entities are encoded for every language; published scores refer to the release of May 2022, which "
    "differ from the XTREME-R paper's",
    how_to_get="Run get-mewsli-x.sh of google-research/google-research on GitHub, "
    "dense_representations_for_entity_retrieval/mel, and put its JSON lines into local/mewsli-x in a mirror. "
    "wikinews_mentions-dev.jsonl and -test.jsonl become <language>/validation-*.parquet and <language>/test-*.parquet, "
    "one row per mention: example_id, entity_id, text and sentence_spans (of its context), start and end (of its "
    "mention_span). candidate_set_entities.jsonl becomes candidates/test-*.parquet, one row per entity: entity_id, "
    "description, sentence_spans. Spans are lists of {start, end} as in the files.",
)

_BRACES = re.compile(r"\{(.*?)\}")


MENTION = "mention"  # the side of a row that is looked for


def text_of(row: Row) -> str:
    """Returns the text to encode: an entity's description, or `mention: left { mention } right`.

    Other braces in a mention's sentence become parentheses.
    """
    text, mention = row["text"], row["text"][row["start"] : row["end"]]
    if row["side"] == MENTION:
        left, right = (_BRACES.sub(r"(\1)", part) for part in (text[: row["start"]], text[row["end"] :]))
        text = f"{mention}: {left} {{ {mention} }} {right}"
    return " ".join(text.splitlines()).replace("  ", " ").strip()
