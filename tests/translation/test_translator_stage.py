"""What the stage `translator` says of itself, on a mirror that a test has written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.mirror import write
from tests.translation.words import RECIPE, texts
from xtransfer.base.errors import SourceError
from xtransfer.base.stage import Work
from xtransfer.stages import translator

FOLDER = "local/multi30k-en-de-fr-cs/default"


def columns(rows: list[dict[str, str]]) -> dict[str, list[str]]:
    return {code: [row[code] for row in rows] for code in rows[0]}


def settings(**values: Any) -> dict[str, Any]:
    recipe = RECIPE.model_copy(update={"steps": 20}).deciding()
    corpus = {"corpus": {"name": "multi30k"}, "num_texts": 50, "languages": ["en", "de", "fr"]}
    return {**corpus, "recipe": recipe, "seed": 0, **values}


def test_a_translator_says_how_good_it_is_on_the_test_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "hub"))
    write(tmp_path / "hub", f"{FOLDER}/train", columns(texts(50)))
    work = Work(out=tmp_path / "out", state=tmp_path / "state")
    with pytest.raises(SourceError, match=r"no local/multi30k-en-de-fr-cs/default/test-\*"):
        translator.run(settings(), {}, work)  # before it trains, not after
    assert not work.out.exists()
    write(tmp_path / "hub", f"{FOLDER}/test", columns(texts(9, seed=2)))
    facts = translator.run(settings(to="en"), {}, work)
    assert list(facts["quality"]) == ["de-en", "fr-en"] and facts["quality"]["fr-en"]["compared"] == 9


def test_a_translator_of_the_laboratory_has_no_test_split(tmp_path: Path) -> None:
    values = {"corpus": {"name": "lab-translation"}, "languages": ["en", "de"]}
    assert "quality" not in translator.run(settings(**values), {}, Work(out=tmp_path / "out", state=tmp_path / "state"))
