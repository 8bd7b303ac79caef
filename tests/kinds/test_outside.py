"""A kind that the library has never heard of: its `Kind` and its line in the index are all that it takes.

Its benchmark is checked, loaded, trained, scored, shown, translated, planned and documented by code that knows no kind
by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from docs.generate import benchmarks as documented
from docs.generate import kinds as table_of_kinds
from tests.training.tiny import COLD, RECIPE, WARM, make_encoder, pair_rows
from xtransfer.base.errors import DataError, RequestError
from xtransfer.base.stage import Progress, Stage, no_progress
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.data.load import load_rows
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import Batch
from xtransfer.kinds.check import fault
from xtransfer.kinds.heads import linear
from xtransfer.kinds.spec import Encoded, Kind, Prediction, Translatable
from xtransfer.kinds.tokens import one_sequence_each
from xtransfer.planning.study_check import check
from xtransfer.report import samples
from xtransfer.scoring.score import score
from xtransfer.store.artifacts import ArtifactStore
from xtransfer.study.study import make
from xtransfer.training.finetune import finetune
from xtransfer.translation.benchmark import translate_rows

DECLARED = """from xtransfer.benchmarks.spec import Benchmark, Source

WARM = Benchmark(
    name="warm",
    kind="warmth",
    languages=("en",),
    source=Source("./warm", splits={"train": "train", "test": "test"}),
    columns={"text": "text", "degree": "degree"},
    metric="accuracy",
    chance=50.0,
)
"""
GERMAN = dict(zip((*WARM, *COLD, "the"), ("rot", "orange", "gelb", "blau", "grün", "lila", "das"), strict=True))


class WarmthHead(torch.nn.Module):
    """One logit from the mean of all states."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.out = linear(hidden, 1)

    def forward(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        mask = batch.attention_mask.unsqueeze(-1).to(states.dtype)
        logits: torch.Tensor = self.out((states * mask).sum(1) / mask.sum(1)).squeeze(-1)
        return logits

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        targets = torch.tensor(batch.targets, dtype=torch.float32, device=outputs.device)
        return torch.nn.functional.binary_cross_entropy_with_logits(outputs, targets)

    def items(self, batch: Batch) -> int:
        return len(batch.sizes)


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, max_length: int) -> list[Encoded]:
    return one_sequence_each(
        [row["text"] for row in rows], None, tokenizer, max_length, [row["degree"] for row in rows]
    )


def decode(
    benchmark: Benchmark, outputs: torch.Tensor, rows: Sequence[Row], encoded: Sequence[Encoded]
) -> list[Prediction]:
    return [Prediction(int(logit > 0), (logit,)) for logit in outputs.tolist()]


KIND = Kind(
    name="warmth",
    fields={"text": str, "degree": int},
    about="a text, and whether it names a warm colour",
    encode=encode,
    head=lambda hidden, benchmark, dropout: WarmthHead(hidden),
    decode=decode,
    gold=lambda benchmark, row: row["degree"],
    check=lambda row: None if row["degree"] in (0, 1) else f"degree is {row['degree']}, expected 0 or 1",
    translation=Translatable(("text",), as_label=True),
    shown=("text",),
    words=lambda benchmark, row, value, rows: ("cold", "warm")[value],
)


@pytest.fixture
def warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """A benchmark of the kind, in a user's file."""
    monkeypatch.setitem(KINDS, KIND.name, KIND)
    file, data = tmp_path / "mine" / "own.py", tmp_path / "mine" / "warm"
    data.mkdir(parents=True)
    file.write_text(DECLARED, encoding="utf-8")
    for seed, split in enumerate(("train", "test")):
        lines = [f"{row['first']},{row['label'] ^ 1}" for row in pair_rows(96, seed)]
        (data / f"{split}.csv").write_text("\n".join(["text,degree", *lines]) + "\n", encoding="utf-8")
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(file))
    return get("warm")


class Words:
    """Translates each word by itself."""

    def translate(
        self, sentences: Sequence[str], source: str, target: str, progress: Progress = no_progress
    ) -> list[str]:
        return [" ".join(GERMAN.get(word, word) for word in sentence.split()) for sentence in sentences]


def test_it_is_trained_scored_and_shown(warm: Benchmark, tmp_path: Path) -> None:
    encoder, rows = make_encoder(tmp_path / "encoder"), load_rows(warm, "en", "train")
    facts = finetune(encoder, [(warm, rows)], RECIPE, 0, tmp_path / "trained", tmp_path / "state")
    assert facts["heads"] == {"warm": "fresh"} and facts["loss_last"] < facts["loss_first"]
    again = RECIPE.model_copy(update={"epochs": None, "steps": 1, "head": "carry"})
    carried = finetune(tmp_path / "trained", [(warm, rows)], again, 0, tmp_path / "carried", tmp_path / "state2")
    assert carried["heads"] == {"warm": "carried from warm"}

    store = ArtifactStore(tmp_path / "store")
    stage = Stage("score", 1, "score warm", {"target": "warm"})
    out = store.empty_out(stage.key)
    (made,) = score(tmp_path / "trained", warm, ["en"], "test", 24, out)
    assert made.value > 90 and made.n == 96
    store.commit(stage, out, {}, "cpu", datetime.now(UTC))
    cell = {"encoder": "tiny@0", "intermediate": "direct", "seed": 0, "score_stage": stage.key}
    cells = (SimpleNamespace(target="warm", status="done", **cell),)
    shown = [one for one in samples.predictions(SimpleNamespace(cells=cells), store) if one["right"] == "yes"]  # type: ignore[arg-type]
    assert len(shown) == samples.EACH
    for one in shown:
        colour = one["input"].split()[1]
        assert one["gold"] == one["predicted"] == ("warm" if colour in WARM else "cold")


def test_it_is_checked_as_it_says(warm: Benchmark, tmp_path: Path) -> None:
    assert fault(warm) is None
    assert fault(replace(warm, columns={"text": "text"})) == "columns: kind warmth also needs degree"
    (tmp_path / "mine" / "warm" / "test.csv").write_text("text,degree\nthe red house,7\n", encoding="utf-8")
    with pytest.raises(DataError, match="degree is 7, expected 0 or 1"):
        load_rows(warm, "en", "test")


def study(target: str) -> Any:
    recipe = {"epochs": 1, "select": "last"}
    recipes = {"intermediate_recipe": recipe, "target_recipe": recipe}
    grid = {"name": "a", "encoders": ["lab-mini@0"], "intermediates": ["warm@de~opus-mt"], "targets": [target]}
    return make({**grid, **recipes})


def test_it_is_translated(warm: Benchmark) -> None:
    rows = load_rows(warm, "en", "test", 1)
    (made,) = translate_rows(rows, warm.kind, Words(), "de").kept
    assert made == {**rows[0], "text": Words().translate([rows[0]["text"]], "en", "de")[0]}
    check(study("lab-copa"))


def test_it_is_refused_where_it_does_not_say_what_a_translator_may_do(
    warm: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = {name: value for name, value in vars(KIND).items() if name != "translation"}
    monkeypatch.setitem(KINDS, KIND.name, Kind(**silent))
    with pytest.raises(RequestError, match="warm cannot be translated: its kind does not say which of its fields"):
        check(study("lab-copa"))
    with pytest.raises(RequestError, match="kind 'warmth' cannot be translated: its kind does not say"):
        translate_rows(load_rows(warm, "en", "test"), warm.kind, Words(), "de")


def test_it_is_documented(warm: Benchmark) -> None:
    assert "## warmth\n\nA row: a text, and whether it names a warm colour.\n" in documented.markdown({"warm": warm})
    assert "| warmth | text, degree | text |" in table_of_kinds.markdown()
