"""Kind `entities`: link each mention to its entity among descriptions in many languages (Mewsli-X).

A row is a mention or an entity. A mention's `text` is its sentence, with the mention from character `start` to
`end`; an entity's `text` is its description. All entities scored together, in any language, form one pool. A
mention is encoded as `mention: left { mention } right`, as in google-research/xtreme's utils_mewslix.py, so
truncating a long text does not remove it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xtransfer.base.errors import DataError
from xtransfer.benchmarks.pools import MENTION, text_of
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.prompts import as_passage, as_query
from xtransfer.kinds.spec import NEVER_TRAINED, Encoded, Kind, Languages, Prediction, Retrieval, Vectors
from xtransfer.kinds.tokens import one_sequence_each
from xtransfer.metrics.mean_ap import DEPTH

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ENTITY = "entity"
TOKENS = 64  # XTREME-R's limit; a smaller `max_length` takes precedence


def together(rows: Languages) -> dict[str, list[Row]]:
    """Returns the rows unchanged; raises DataError if a mention's entity is not among the candidates."""
    pool = {row["entity"] for part in rows.values() for row in part if row["side"] == ENTITY}
    for language, part in rows.items():
        lost = next((row for row in part if row["entity"] not in pool), None)
        if lost is not None:
            raise DataError(
                f"{language}: mention '{lost['id']}' links to entity '{lost['entity']}', which is missing from the "
                f"{len(pool)} candidates; add it to the file of candidates"
            )
    return {language: list(part) for language, part in rows.items()}


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Encodes each row as one sequence."""
    texts = [(as_query if row["side"] == MENTION else as_passage)(row, text_of(row)) for row in rows]
    return one_sequence_each(texts, None, tokenizer, min(max_length, TOKENS))


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: None) -> dict[str, list[Prediction]]:
    """Returns the 20 nearest entities for each mention, and an empty prediction for each entity."""
    from xtransfer.kinds.nearest_search import ranked

    pool, names = [], []
    for language, part in rows.items():
        for row, own in zip(part, vectors[language], strict=True):
            if row["side"] == ENTITY:
                pool.append(own[0])
                names.append(row["entity"])
    found = {}
    for language, part in rows.items():
        mentions = [own[0] for row, own in zip(part, vectors[language], strict=True) if row["side"] == MENTION]
        answers = iter(ranked(mentions, pool, names, DEPTH))
        found[language] = [next(answers) if row["side"] == MENTION else Prediction([]) for row in part]
    return found


def check(row: Row) -> str | None:
    """Returns what is wrong with a row, or None if it is valid."""
    if row["side"] not in (MENTION, ENTITY):
        return f"side is {row['side']!r}, expected '{MENTION}' or '{ENTITY}'"
    if row["side"] == MENTION and not 0 <= row["start"] < row["end"] <= len(row["text"]):
        span = f"start {row['start']} and end {row['end']}"
        return f"the mention has {span}, expected 0 <= start < end <= {len(row['text'])}, the length of its text"
    return None


KIND = Kind(
    name="entities",
    fields={"text": str, "side": str, "start": int, "end": int, "entity": str},
    about="mentions, each to be matched with its entity's description in any language",
    encode=encode,
    prompts=True,
    retrieval=Retrieval(find),
    together=together,
    shape="rankings",
    gold=lambda benchmark, row: [row["entity"]],
    check=check,
    translation=NEVER_TRAINED,
    shown=("text",),
)
