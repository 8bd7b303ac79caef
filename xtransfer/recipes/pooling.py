"""The layer, pooling and prompts of the vectors that retrieval compares; recorded with each score.

Published retrieval scores differ by tens of points with this choice. For Tatoeba, google-research/xtreme averages all
tokens, including special ones, of layer 8 of mBERT and layer 14 of XLM-R Large.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from xtransfer.base.declared import Value, unstorable


def _printable(text: str) -> str:
    if said := unstorable(text):
        raise ValueError(said)
    return text


Prompt = Annotated[str, Field(max_length=200), AfterValidator(_printable)]


class Pooling(Value):
    """Which hidden states retrieval compares."""

    layer: int | None = Field(None, ge=0, description="Layer to pool, 0: embeddings; empty: the last")
    how: Literal["mean", "cls", "last"] = Field(
        "mean", description="Text vector: mean of all tokens, including special ones, the first (cls) or the last"
    )
    query_prompt: Prompt = Field("", description="What precedes each text that searches, such as `query: `")
    passage_prompt: Prompt = Field("", description="What precedes each text that is found, such as `passage: `")

    @property
    def prompts(self) -> dict[str, str]:
        """The prompt of each side: `query`, `passage`."""
        return {"query": self.query_prompt, "passage": self.passage_prompt}


MEAN_OF_LAST = Pooling()
