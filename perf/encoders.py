"""The table of encoder families: which load, train, run without padding and resume, and how fast they train.

Each is an encoder with random weights, 2 layers of 128, trained in fp32 with dropout 0.1 on 32 pairs per step, one
thread. "trains": the loss falls by a tenth on 64 pairs whose second text tells the label. "resumes": killed in the
middle of a run and resumed, it ends with the same weights, bit for bit. "ratio": CPU seconds per token of the Trainer
of transformers with dynamic padding to ours, the median of rounds in which the two take turns. The Trainer has no
classifier on an encoder of T5.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from perf.inputs import LENGTH, QUICK, origin, training_rows
from perf.measure import Measure, in_turns, machine, parser, put_between
from perf.resumed import undisturbed_and_resumed
from xtransfer.benchmarks.spec import Row

WIDTH, STEPS = 128, 24
HEADINGS = ("family", "loads", "trains", "computed", "ratio to the Trainer", "resumes bit-equal")
_FIRST = 5  # losses at either end whose means are compared


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
    from perf.trainer import DYNAMIC, dataset, seconds_per_token
    from perf.training import PER, seconds_of_ours
    from xtransfer.base.errors import RequestError
    from xtransfer.models.pretrained import load_encoder
    from xtransfer.models.unpadded.routes import route

    try:
        encoder, _, _ = load_encoder(folder)
    except RequestError:
        return Family(name, False)

    data = dataset(folder, rows)

    def ours() -> float:
        return PER * seconds_of_ours(folder, rows, 4, "cpu")

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
    from torch import equal

    from xtransfer.recipes.recipe import Recipe

    recipe = Recipe(steps=steps, batch_size=16, learning_rate=2e-3, max_length=LENGTH)
    with TemporaryDirectory() as name:
        whole, resumed = undisturbed_and_resumed(folder, rows, recipe, Path(name))
    same = whole.weights.keys() == resumed.weights.keys() and all(
        equal(one, resumed.weights[key]) for key, one in whole.weights.items()
    )
    return sum(whole.losses[-_FIRST:]) < 0.9 * sum(whole.losses[:_FIRST]), same


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
    said = "Ratio: CPU seconds per token of the Trainer with dynamic padding to ours, median of"
    said = f"{said} {rounds} rounds. {origin()}"
    print(said, machine())
    if asked.markdown is not None:
        lines = [HEADINGS, ["---"] * len(HEADINGS), *(one.cells() for one in found)]
        put_between("encoders", lines, f"{said} {machine()}", asked.markdown)
    if asked.json is not None:
        records = {"measures": [one.record() for one in found]}
        asked.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _main()
