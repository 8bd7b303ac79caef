"""Text without labels, for masked language modelling on the way to a target. Nothing is scored."""

from __future__ import annotations

from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.languages import XTREME_R, codes


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
    note="an article's first tokens make a row; all articles of a language are read into memory, so mirror a part "
    "of the large ones",
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
