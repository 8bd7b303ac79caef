"""Kind `entities`: mentions, each looking for its entity among descriptions in many languages (Mewsli-X).

Rows are of two sides. A mention's `text` is the sentence that holds it, from character `start` to `end`; an entity's
is its description. All entities that are scored together, in whatever language, are one pool. As
google-research/xtreme's utils_mewslix.py does it, a mention is read as `mention: left { mention } right`, so that
cutting a long text does not lose it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerBase

from xtransfer.base.errors import DataError
from xtransfer.benchmarks.pools import MENTION, text_of
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.nearest import ranked
from xtransfer.kinds.spec import Encoded, Kind, Languages, Prediction, Retrieval, Vectors
from xtransfer.kinds.tokens import one_sequence_each
from xtransfer.metrics.mean_ap import DEPTH

ENTITY = "entity"
TOKENS = 64  # XTREME-R's; a smaller `max_length` cuts shorter


def together(rows: Languages) -> dict[str, list[Row]]:
    """The rows as they are; raises DataError for a mention whose entity is not among them."""
    pool = {row["entity"] for part in rows.values() for row in part if row["side"] == ENTITY}
    for language, part in rows.items():
        lost = next((row for row in part if row["entity"] not in pool), None)
        if lost is not None:
            raise DataError(
                f"{language}: mention '{lost['id']}' is of entity '{lost['entity']}', which is not among the "
                f"{len(pool)} candidates; complete the file of candidates"
            )
    return {language: list(part) for language, part in rows.items()}


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    """Each row as one sequence."""
    return one_sequence_each([text_of(row) for row in rows], None, tokenizer, min(max_length, TOKENS))


def find(vectors: Mapping[str, Vectors], rows: Languages, calibrated: None) -> dict[str, list[Prediction]]:
    """For each mention the 20 nearest entities; for entities nothing."""
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
    """What is wrong with a row, or None."""
    if row["side"] not in (MENTION, ENTITY):
        return f"side is {row['side']!r}, expected '{MENTION}' or '{ENTITY}'"
    if row["side"] == MENTION and not 0 <= row["start"] < row["end"] <= len(row["text"]):
        place = f"from {row['start']} to {row['end']}"
        return f"the mention is {place}, expected a part of the {len(row['text'])} characters"
    return None


KIND = Kind(
    name="entities",
    fields={"text": str, "side": str, "start": int, "end": int, "entity": str},
    encode=encode,
    retrieval=Retrieval(find),
    together=together,
    gold=lambda benchmark, row: [row["entity"]],
    check=check,
)
