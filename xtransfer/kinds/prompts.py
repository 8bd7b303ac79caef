"""Prompts before the texts of a pair that search (queries) and that are found (passages), as encoders such as E5 need.

The rows carry them to `Kind.encode`, so that encoded rows with other prompts are cached apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Row
from xtransfer.kinds.spec import Kind

_QUERY, _PASSAGE = "query_prompt", "passage_prompt"


def prompted(kind: Kind, rows: Sequence[Row], query: str, passage: str) -> Sequence[Row]:
    """Returns rows that `Kind.encode` reads with prompts; the same rows if both are empty.

    Raises RequestError for a kind that does not read prompts.
    """
    if not query and not passage:
        return rows
    if not kind.prompts:
        raise RequestError(f"query_prompt and passage_prompt: {kind.name} has neither queries nor passages")
    return [{**row, _QUERY: query, _PASSAGE: passage} for row in rows]


def as_query(row: Row, text: str) -> str:
    """Returns a text of a row with the prompt of queries."""
    prompt: str = row.get(_QUERY, "")
    return prompt + text


def as_passage(row: Row, text: str) -> str:
    """Returns a text of a row with the prompt of passages."""
    prompt: str = row.get(_PASSAGE, "")
    return prompt + text
