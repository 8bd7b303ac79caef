"""Every benchmark that a mirror holds, run on its real rows: two steps of training, 16 rows scored per language."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.data.mirror import holds
from tests.training.tiny import make_encoder
from xtransfer import kinds
from xtransfer.base.errors import EmptySplit, HiddenLabels
from xtransfer.benchmarks import BUILT_IN, get
from xtransfer.benchmarks.spec import Benchmark, Row, SplitName
from xtransfer.data.load import load_rows
from xtransfer.kinds import KINDS
from xtransfer.metrics.metrics import METRICS
from xtransfer.recipes.recipe import Recipe
from xtransfer.scoring.score import Score, score
from xtransfer.training.finetune import finetune

SAME_ROWS = {"xquad-xtreme-r", "panx-xtreme-r", "tatoeba-r"}  # as another benchmark, in a few more languages
REAL = [name for name, one in BUILT_IN.items() if one.source.path != "lab" and name not in SAME_ROWS]
TRAINED_ON: tuple[SplitName, ...] = ("train", "dev", "test")  # a mirror may hold a part alone
SCORED: tuple[SplitName, ...] = ("test", "dev")
ROWS = 16
TOKENS = 64
STEPS = Recipe(steps=2, batch_size=8, max_length=TOKENS)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("real"), positions=TOKENS + 2)


@pytest.mark.parametrize("name", REAL)
def test_real_rows_are_trained_on_and_scored(name: str, hub_dir: Path, encoder: Path, tmp_path: Path) -> None:
    benchmark = get(name)
    held = {split: _held_languages(benchmark, split) for split in TRAINED_ON}
    if benchmark.pool is not None or not any(held.values()):
        pytest.skip("the mirror has nothing of it")
    checkpoint = encoder
    if KINDS[benchmark.kind].head is not None:
        rows = next((found for split in TRAINED_ON if (found := _first_rows(benchmark, split, held[split]))), None)
        if rows is None:
            pytest.skip("its labels are hidden in the mirror, and that is said")
        checkpoint = tmp_path / "trained"
        facts = finetune(encoder, [(benchmark, rows)], STEPS, 0, checkpoint, tmp_path / "state")
        assert facts["steps"] == 2 and math.isfinite(facts["loss_last"])
    for split in SCORED if benchmark.metric else ():
        codes = [code for code in held[split] if not kinds.calibrated(benchmark) or code in held["dev"]]
        if scores := _scores(checkpoint, benchmark, codes, split, tmp_path):
            assert [one.language for one in scores if one.metric == benchmark.metric] == codes
            assert all(0 < one.n <= ROWS or benchmark.whole_groups for one in scores)
            assert all(METRICS[one.metric].minimum <= one.value <= METRICS[one.metric].maximum for one in scores)
            return


def _first_rows(benchmark: Benchmark, split: SplitName, codes: Sequence[str]) -> list[Row] | None:
    """Rows in English, or in the first language that has some."""
    for code in sorted(codes, key=lambda code: code != "en"):
        try:
            return load_rows(benchmark, code, split, ROWS)
        except (HiddenLabels, EmptySplit) as error:
            _is_said(error, benchmark)
    return None


def _scores(
    checkpoint: Path, benchmark: Benchmark, codes: Sequence[str], split: SplitName, folder: Path
) -> list[Score] | None:
    (folder / split).mkdir()
    if not codes:
        return None
    try:
        return score(checkpoint, benchmark, codes, split, TOKENS, folder / split, limit=ROWS)
    except (HiddenLabels, EmptySplit) as error:
        _is_said(error, benchmark)
        return None


def _is_said(error: Exception, benchmark: Benchmark) -> None:
    """A refusal names its place, and what is missing there."""
    assert str(error).startswith(f"{benchmark.name}/")
    assert "hidden" in str(error) or "no row" in str(error)


def _held_languages(benchmark: Benchmark, split: SplitName) -> list[str]:
    return [code for code in benchmark.languages_of(split) if holds(benchmark, split, code)]
