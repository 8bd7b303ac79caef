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
from xtransfer.study.stage_settings import Corpus, TranslatorSettings

FOLDER = "local/multi30k-en-de-fr-cs/default"


def columns(rows: list[dict[str, str]]) -> dict[str, list[str]]:
    return {code: [row[code] for row in rows] for code in rows[0]}


def settings(**values: Any) -> TranslatorSettings:
    return TranslatorSettings(
        **{"corpus": Corpus(name="multi30k", pin="pin"), "languages": ("en", "de", "fr"), **values},
        num_texts=50,
        recipe=RECIPE.model_copy(update={"steps": 20}),
        seed=0,
    )


def test_a_translator_says_how_good_it_is_on_the_test_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path / "hub"))
    write(tmp_path / "hub", f"{FOLDER}/train", columns(texts(50)))
    work = Work(out=tmp_path / "out", state=tmp_path / "state")
    with pytest.raises(SourceError, match=r"no local/multi30k-en-de-fr-cs/default/test-\*"):
        translator.run(settings(), work)  # before it trains, not after
    assert not work.out.exists()
    write(tmp_path / "hub", f"{FOLDER}/test", columns(texts(9, seed=2)))
    facts = translator.run(settings(to_english=True), work)
    assert list(facts["quality"]) == ["de-en", "fr-en"] and facts["quality"]["fr-en"]["compared"] == 9


def test_a_translator_of_the_laboratory_has_no_test_split(tmp_path: Path) -> None:
    asked = settings(corpus=Corpus(name="lab-translation", pin="pin"), languages=("en", "de"))
    assert "quality" not in translator.run(asked, Work(out=tmp_path / "out", state=tmp_path / "state"))
