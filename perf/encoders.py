"""The table of encoder families: which load, train, run without padding and resume, and how fast they train.

Each is an encoder with random weights, 2 layers of 128, trained in fp32 with dropout 0.1 on 32 pairs per step, one
thread. "trains": the loss falls by a tenth on 64 pairs whose second text tells the label. "resumes": killed in the
middle of a run and resumed, it ends with the same weights, bit for bit. "ratio": CPU seconds per token of the Trainer
of transformers with dynamic padding to ours, the median of rounds in which the two take turns. The Trainer has no
classifier on an encoder of T5.

Other measurements have from here encoders with random weights in two sizes, and pairs of real texts.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from perf.measure import Measure, in_turns, machine, parser, put_between
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


WIDTH, STEPS = 128, 24
HEADINGS = ("family", "loads", "trains", "computed", "ratio to the Trainer", "resumes bit-equal")
_FIRST = 5  # losses at either end whose means are compared


class _Killed(Exception):
    """Ends a run in the middle."""


@dataclass(frozen=True)
class Family:
    """What a family of encoders does; what could not be tried is None."""

    name: str
    loads: bool
    trains: bool | None = None
    computed: str = ""  # how: packed, or padded
    speed: Measure | None = None  # seconds per million tokens
    resumes: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        loads, trains, resumes = (
            "-" if one is None else "yes" if one else "no" for one in (self.loads, self.trains, self.resumes)
        )
        ratio = "-" if self.speed is None else f"{self.speed.ratio:.2f}"
        return self.name, loads, trains, self.computed or "-", ratio, resumes

    def record(self) -> dict[str, object]:
        """As a measure's; the goal is that it loads, trains and resumes."""
        times = {"ours": None, "other": None, "ratio": None} if self.speed is None else self.speed.record()
        holds = bool(self.loads and self.trains and self.resumes)
        return {**times, "name": self.name, "goal": "loads, trains, resumes", "holds": holds}


def family(name: str, folder: Path, rows: Sequence[Row], steps: int, rounds: int) -> Family:
    """Tries a family's encoder in `folder` out; `steps`: of the two trainings that are compared bit for bit."""
    from perf.tiny_encoders import FAMILIES
    from perf.trainer import DYNAMIC, WARM, dataset, seconds_per_token
    from perf.training import PER, Clock, make_run
    from xtransfer.base.errors import RequestError
    from xtransfer.models.pretrained import load_encoder
    from xtransfer.models.unpadded.routes import route

    try:
        encoder, _, _ = load_encoder(folder)
    except RequestError:
        return Family(name, False)

    data = dataset(folder, rows)

    def ours() -> float:
        timed = Clock(make_run(folder, [(NLI, rows)], WARM + 4), WARM)
        timed.train()
        return PER * timed.seconds / timed.tokens

    def other() -> float:
        return PER * seconds_per_token(folder, data, 4, DYNAMIC)[0]

    trains, resumes = _trained(folder, [_told(row) for row in rows[:64]], steps)
    speed = None
    if "t5" not in FAMILIES[name][0]:
        found = in_turns({"ours": ours, "other": other}, rounds)
        speed = Measure(name, found["ours"], found["other"])
    return Family(name, True, trains, route(encoder).value, speed, resumes)


def _told(row: Row) -> Row:
    """The row with a second text that tells its label, which a few steps learn."""
    return {**row, "second": ("yes", "perhaps", "no")[int(str(row["label"]))]}


def _trained(folder: Path, rows: Sequence[Row], steps: int) -> tuple[bool, bool]:
    """Whether the loss falls, and whether a run that was killed and resumed ends with the same weights."""
    from safetensors.torch import load_file
    from torch import equal

    from xtransfer.base.stage import Progress, no_progress
    from xtransfer.recipes.recipe import Recipe
    from xtransfer.training.finetune import finetune

    recipe = Recipe(steps=steps, batch_size=16, learning_rate=2e-3, max_length=LENGTH)

    def kill(message: str, done: int, total: int, metrics: object = None) -> None:
        if done >= steps // 2:
            raise _Killed

    with TemporaryDirectory() as name:

        def run(part: str, progress: Progress = no_progress) -> list[float]:
            out = Path(name, part)
            facts = finetune(folder, [(NLI, rows)], recipe, 0, out / "out", out / "state", progress, save_every=0.0)
            return [loss for _, loss in facts["losses"]]

        losses = run("whole")
        try:
            run("resumed", kill)
        except _Killed:
            run("resumed")
        weights = [
            {
                f"{file.name}/{key}": value
                for file in sorted(Path(name, part, "out").glob("*.safetensors"))
                for key, value in load_file(file).items()
            }
            for part in ("whole", "resumed")
        ]
    same = weights[0].keys() == weights[1].keys() and all(
        equal(one, weights[1][key]) for key, one in weights[0].items()
    )
    return sum(losses[-_FIRST:]) < 0.9 * sum(losses[:_FIRST]), same


def table(names: Iterable[str], rows: Sequence[Row], steps: int, rounds: int) -> list[Family]:
    """Tries families out, one after the other."""
    from perf.tiny_encoders import encoder_of, wide
    from xtransfer.models.pretrained import quiet
    from xtransfer.training.tokenizer import train_tokenizer

    sentences = [row[field] for row in rows for field in ("first", "second")]
    tokenizer = train_tokenizer(sentences, QUICK.vocabulary, lowercase=False, max_length=LENGTH)
    own = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    found = []
    for name in names:
        with TemporaryDirectory() as folder, quiet():
            encoder_of(name, 0.1, **{**own, **wide(name, WIDTH)}).save_pretrained(folder)
            tokenizer.save_pretrained(folder)
            found.append(family(name, Path(folder), rows, steps, rounds))
        print(" | ".join(found[-1].cells()), flush=True)
    return found


def _main() -> None:
    from perf.tiny_encoders import FAMILIES

    options = parser(__doc__ or "", markdown=True)
    options.add_argument("--rounds", type=int, default=3, help="timed rounds of each way (default: 3)")
    asked: Namespace = options.parse_args()
    import torch

    torch.set_num_threads(1)
    names = ("XLM-R", "ModernBERT, mmBERT") if asked.quick else tuple(FAMILIES)
    rounds = 1 if asked.quick else asked.rounds
    found = table(names, training_rows(400 if asked.quick else 2000), STEPS, rounds)
    said = f"Ratio: CPU seconds per token of the Trainer with dynamic padding to ours, median of {rounds} rounds."
    print(said, machine())
    if asked.markdown is not None:
        lines = [HEADINGS, ["---"] * len(HEADINGS), *(one.cells() for one in found)]
        put_between("encoders", lines, f"{said} {machine()}", asked.markdown)
    if asked.json is not None:
        records = {"measures": [one.record() for one in found]}
        asked.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
