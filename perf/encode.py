"""Loading and encoding a benchmark: ours, against `load_dataset` and `.map(tokenizer, batched=True)`.

All of XNLI (15 languages, dev and test) if the mirror in XTRANSFER_HUB_DIR has it, otherwise the laboratory's inference
rows in the same layout. Each run is its own process; importing torch, transformers and datasets and loading the
tokenizer are not counted. xtransfer ends with checked rows in memory and tokens in a mapped file; the alternative ends
with rows and tokens in mapped files, unchecked.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Literal

from perf.measure import Measure, in_fresh_process, paired, parser, show

PATH = "facebook/xnli"
SPLITS: dict[Literal["dev", "test"], str] = {"dev": "validation", "test": "test"}  # ours → the source's
LENGTH = 128  # tokens
VOCABULARY = 16_000
FIRST, AGAIN = "first time", "from the cache"
GOALS = {FIRST: 60.0, AGAIN: 3.0}  # seconds, for all of XNLI on two cores


def ours(languages: Sequence[str], splits: Sequence[str], tokenizer: str) -> float:
    """Rows through `load_rows` and `encoded_rows`, as the stages do; seconds."""
    from transformers import AutoTokenizer

    reader = AutoTokenizer.from_pretrained(tokenizer)
    start = perf_counter()
    from xtransfer import kinds
    from xtransfer.benchmarks import get
    from xtransfer.data.load import load_rows
    from xtransfer.kinds.encoded import encoded_rows

    xnli = get("xnli")
    for split in SPLITS:
        if split in splits:
            parts = [load_rows(xnli, language, split) for language in languages]
            encoded_rows(kinds.get(xnli.kind), parts, reader, LENGTH)
    return perf_counter() - start


def other(languages: Sequence[str], splits: Sequence[str], tokenizer: str, mirror: str, cache: str) -> float:
    """The same files through datasets, cached in a folder; seconds."""
    import datasets
    from transformers import AutoTokenizer

    reader = AutoTokenizer.from_pretrained(tokenizer)
    datasets.disable_progress_bars()

    def tokens(rows: dict[str, list[str]]) -> dict[str, list[list[int]]]:
        found: dict[str, list[list[int]]] = reader(
            rows["premise"], rows["hypothesis"], truncation=True, max_length=LENGTH
        )
        return found

    start = perf_counter()
    for split, name in SPLITS.items():
        for language in languages if split in splits else ():
            files = sorted(map(str, (Path(mirror) / PATH / language).glob(f"{name}-*.parquet")))
            data = datasets.load_dataset("parquet", data_files={split: files}, split=split, cache_dir=cache)
            data.map(tokens, batched=True)
    return perf_counter() - start


def measure(quick: bool, tokenizer: str | None, folder: Path) -> list[Measure]:
    """First time and from the cache; all files are written to `folder`."""
    mirror, languages = _data(folder)
    splits = ["dev"] if quick else list(SPLITS)
    languages = languages[:2] if quick else languages
    reads = tokenizer or _tokenizer(mirror, languages, folder)
    asked = {"languages": languages, "splits": splits, "tokenizer": reads}
    made = iter(range(1000))
    places = {"ours": folder, "other": folder}

    def our_way(fresh: bool) -> float:
        if fresh:
            places["ours"] = folder / f"home-{next(made)}"
        environment = {"XTRANSFER_HOME": str(places["ours"]), "XTRANSFER_HUB_DIR": str(mirror)}
        return in_fresh_process(ours, environment, **asked)

    def other_way(fresh: bool) -> float:
        if fresh:
            places["other"] = folder / f"cache-{next(made)}"
        return in_fresh_process(other, {}, **asked, mirror=str(mirror), cache=str(places["other"]))

    ways = {
        FIRST: (lambda: our_way(True), lambda: other_way(True)),
        AGAIN: (lambda: our_way(False), lambda: other_way(False)),
    }
    whole = len(languages) * len(splits) == 30
    found = paired(ways, pairs=1 if quick else 3)
    return [Measure(name, *seconds, under=GOALS[name] if whole else None) for name, seconds in found.items()]


def _data(folder: Path) -> tuple[Path, list[str]]:
    """A mirror with XNLI, and its languages."""
    from xtransfer import lab
    from xtransfer.base.settings import current
    from xtransfer.benchmarks import get

    mirror = current().hub_dir
    if mirror is None or not (mirror / PATH).is_dir():
        mirror = folder / "mirror"
        for language in lab.LANGUAGES:
            _write(mirror / PATH / language, language)
    return mirror, [code for code in get("xnli").languages if (mirror / PATH / code).is_dir()]


def _write(folder: Path, language: str) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    from xtransfer import lab

    folder.mkdir(parents=True)
    for split, name in SPLITS.items():
        rows = lab.rows("lab-nli", language, split)
        columns = {column: [row[field] for row in rows] for column, field in
                   (("premise", "first"), ("hypothesis", "second"), ("label", "label"))}  # fmt: skip
        parquet.write_table(pa.table(columns), folder / f"{name}-00000-of-00001.parquet")


def _tokenizer(mirror: Path, languages: Sequence[str], folder: Path) -> str:
    """A tokenizer trained on the texts, if none is named."""
    from pyarrow import parquet

    from xtransfer.training.tokenizer import train_tokenizer

    files = [file for code in languages for file in sorted((mirror / PATH / code).glob("validation-*.parquet"))]
    texts = [text for file in files for text in parquet.read_table(file, columns=["premise"])["premise"].to_pylist()]
    train_tokenizer(texts, VOCABULARY, lowercase=False, max_length=512).save_pretrained(folder / "tokenizer")
    return str(folder / "tokenizer")


def _main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--tokenizer", metavar="FOLDER", help="tokenizer to use (default: 16,000 pieces of XNLI)")
    asked: Namespace = options.parse_args()
    with TemporaryDirectory() as folder:
        measures = measure(asked.quick, asked.tokenizer, Path(folder))
    show(measures, asked, "Loading and encoding XNLI")


if __name__ == "__main__":
    _main()
