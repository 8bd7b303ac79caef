"""Unlabelled text for intermediate training: masked language modelling and adjacent sentences. Nothing is scored."""

from __future__ import annotations

import re
from dataclasses import replace

from xtransfer.base.languages import XTREME_R, codes
from xtransfer.benchmarks.spec import Benchmark, Row, Source


def _is_of(row: Row, language: str) -> bool:
    return bool(row["lang"] == language)


WIKIPEDIA = Benchmark(
    name="wikipedia",
    kind="mlm",
    languages=XTREME_R,
    source=Source(
        "wikimedia/wikipedia",
        revision="b04c8d1ceb2f5cd4588862100d08de323dccfbaa",
        config="20231101.{language}",
        splits={"train": "train"},
    ),
    columns={"text": "text"},
    metric="",
    roles=("intermediate",),
    licence="CC BY-SA 3.0 and GFDL",
    id="id",
    note="a row is the first tokens of an article; all articles of a language are read into memory, so mirror only a "
    "part of the large languages",
)
TLDR = Benchmark(
    name="tldr",
    kind="mlm",
    languages=codes("ar bg de el en es fa fr hi id it ja ko nl pl pt ru ta th tr zh"),
    source=Source("local/text-tldr", splits={"train": "train"}, keep=_is_of),
    columns={"text": "text"},
    metric="",
    roles=("intermediate",),
    licence="CC BY 4.0",
    id="id",
    note="short texts of tldr-pages/tldr; rows that share an id are translations of each other",
    how_to_get="write the sentences of the pages of tldr-pages/tldr as parquet with the columns id, lang and text to "
    "local/text-tldr/default/train-00000-of-00001.parquet of a mirror",
)
_SENTENCE_END = re.compile(r"(?<=[.!?؟।])\s+|(?<=[。！？])")
_LEAST = 3  # sentences: one with its previous and its next sentence


def _middle(row: Row) -> Row | None:
    """Returns three sentences from the middle of a text; None for shorter texts."""
    sentences = [text.strip() for text in _SENTENCE_END.split(row["text"]) if text.strip()]
    if len(sentences) < _LEAST:
        return None
    middle = len(sentences) // 2
    before, text, after = sentences[middle - 1 : middle + 2]
    return {"id": row["id"], "before": before, "text": text, "after": after}


_NEIGHBOURS = {"before": "before", "text": "text", "after": "after"}
_RULE = "Sentences end at a full stop, exclamation or question mark; texts of fewer than three are dropped and counted"

WIKIPEDIA_NEIGHBOURS = replace(
    WIKIPEDIA,
    name="wikipedia-neighbours",
    kind="neighbours",
    columns=_NEIGHBOURS,
    adapt=_middle,
    note="three sentences from the middle of each article, for the quick thoughts of Chidambaram et al. 2018, who also "
    f"use Wikipedia. {_RULE}. All articles of a language are read into memory, so mirror only a part of the large ones",
)
STORYBOOKS_NEIGHBOURS = replace(
    WIKIPEDIA_NEIGHBOURS,
    name="storybooks-neighbours",
    languages=codes("ar de el en es fa fr hi it ja ko pl pt sw ta tr vi zh"),
    source=Source("local/text-storybooks", splits={"train": "train"}, keep=_is_of),
    licence="CC BY or public domain, by story",
    note=f"three sentences of each page of a children's book, written or translated by people. {_RULE}",
    how_to_get="write the pages of global-asp/asp-source and global-asp/pb-source on GitHub (African Storybook and "
    "Pratham Books), without the stories under CC BY-NC, as parquet with the columns id, lang and text to "
    "local/text-storybooks/default/train-00000-of-00001.parquet of a mirror",
)
