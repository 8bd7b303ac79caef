"""What is measured on: pairs of real texts, and encoders with random weights in two sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xtransfer.benchmarks.spec import Benchmark, Row, Source

LENGTH = 128  # tokens
LANGUAGES = ("ar", "bg", "de", "el", "en", "es", "fr", "hi", "ru", "sw", "th", "zh")
TRAINING = "metaeval/lingnli/default"  # 44,983 English pairs in the style of MultiNLI
NLI = Benchmark("pairs", "pair", LANGUAGES, Source("perf"), {}, "accuracy", labels=("0", "1", "2"))


@dataclass(frozen=True)
class Size:
    """The size of an encoder: layers, hidden size, vocabulary."""

    layers: int
    hidden: int
    vocabulary: int = 32_000

    def __str__(self) -> str:
        return f"{self.layers} x {self.hidden}"


SIZES = (Size(4, 256), Size(6, 384))
QUICK = Size(2, 64, 4000)


def training_rows(most: int | None = None) -> list[Row]:
    """English pairs from the mirror, or the laboratory's without one."""
    files = _files(TRAINING, "train")
    if not files:
        from xtransfer import lab

        return list(lab.rows("lab-nli", "en", "train"))[:most]
    return _pairs(files)[:most]


def evaluation_rows(most: int) -> dict[str, list[Row]]:
    """`most` pairs in each of 12 languages, evenly from XNLI's test split; or the laboratory's in its languages."""
    found = {code: _pairs(_files(f"facebook/xnli/{code}", "test")) for code in LANGUAGES}
    found = {
        code: [own[number * len(own) // most] for number in range(most)] if own else [] for code, own in found.items()
    }
    if all(found.values()):
        return found
    from xtransfer import lab

    return {code: list(lab.rows("lab-nli", code, "test"))[:most] for code in lab.LANGUAGES}


def origin() -> str:
    """Where the rows come from, for the line below a table."""
    if _files(TRAINING, "train"):
        return "Rows: LingNLI and XNLI of the mirror."
    return "Rows: the laboratory's, which are shorter and more alike, for want of a mirror (XTRANSFER_HUB_DIR)."


def make_encoder(size: Size, texts: Mapping[str, Sequence[Row]], folder: Path) -> Path:
    """Write an untrained XLM-R of a size, with a tokenizer trained on the texts, to `folder`."""
    import torch
    from transformers import XLMRobertaConfig, XLMRobertaModel

    from xtransfer.models.pretrained import quiet
    from xtransfer.training.tokenizer import train_tokenizer

    sentences = [row[field] for rows in texts.values() for row in rows for field in ("first", "second")]
    tokenizer = train_tokenizer(sentences, size.vocabulary, lowercase=False, max_length=LENGTH)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=size.vocabulary,  # the full table, even if the texts yield fewer pieces
        hidden_size=size.hidden,
        num_hidden_layers=size.layers,
        num_attention_heads=max(1, size.hidden // 64),
        intermediate_size=4 * size.hidden,
        max_position_embeddings=LENGTH + 2,
        type_vocab_size=1,
        pad_token_id=tokenizer.pad_token_id,
    )
    with quiet():
        XLMRobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _files(path: str, split: str) -> list[Path]:
    from xtransfer.base.settings import current

    mirror = current().hub_dir
    return sorted((mirror / path).glob(f"{split}-*.parquet")) if mirror is not None else []


def _pairs(files: Sequence[Path]) -> list[Row]:
    from pyarrow import parquet

    rows = [row for file in files for row in parquet.read_table(file).to_pylist() if row["label"] in (0, 1, 2)]
    return [
        {"id": str(n), "group": str(n), "first": row["premise"], "second": row["hypothesis"], "label": row["label"]}
        for n, row in enumerate(rows)
    ]
