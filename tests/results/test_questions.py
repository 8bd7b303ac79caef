"""Every question gives the same answer on both databases."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.results.numbers import make, record_all
from xtransfer.analysis.results import Results, open_results
from xtransfer.results.database import Database

STUDY, RUN = "numbers", "numbers/tiny/nli@de/xnli"


@pytest.fixture
def results(db: Database, url: str, home: Path) -> Results:
    record_all(db, make(home))
    return open_results(url)


def test_answers(results: Results) -> None:
    with results:
        assert len(results.scores(STUDY, language=["de", "sw"], seed=1)) == 6
        assert set(results.runs(STUDY)["status"]) == {"done"}
        german = results.gains(STUDY, language="de", intermediate="nli@de")
        assert german["gain"].tolist() == [30] and german["low"].notna().all()
        assert results.contrasts(STUDY, "nli@de", "nli@en", language="de")["difference"].tolist() == [20]
        best = results.ranking(STUDY, language="de").set_index("intermediate")["best"]
        assert best.idxmax() == "nli@de"
        assert set(results.power(STUDY, intermediate="nli@en")["language"]) == {"mean-but-en", "mean-others"}
        assert set(results.model(STUDY)["target"]) == {"xnli"}
        by_seed = results.view("gains", STUDY, intermediate="nli@de", language="de")
        assert by_seed["gain"].tolist() == [30, 30, 30]


def test_differences(results: Results) -> None:
    with results:
        found = results.diff(f"{RUN}/0", f"{RUN}/1")
        assert found.words[0] == "They differ only in the seed (0 and 1)."
        assert results.diff(STUDY, STUDY).scores["difference"].eq(0).all()
        key = results.runs(STUDY, seed=0, intermediate="direct")["cell"].iloc[0]
        assert results.diff(key[:12], f"{RUN}/0").differences[0].category == "intermediate"


def test_published_figures(results: Results) -> None:
    with results:
        frame = results.compare("xtreme_r", benchmark="xnli")
        assert set(frame["why"]) == {"ours lacks ar bg el es fr hi ru th tr ur vi zh"}
        assert frame["ours"].isna().all() and pd.api.types.is_float_dtype(frame["theirs"])
        assert results.sql("SELECT COUNT(*) AS n FROM published")["n"].tolist() == [452]
