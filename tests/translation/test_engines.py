"""The catalogue of engines: what each translates and how it is named."""

from __future__ import annotations

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.translation.engines import ENGINES, EngineTrainedHere, check, get


def test_a_translator_to_english_is_not_asked_for_other_languages() -> None:
    check("multi30k-marian", "snli-cf", "cs")
    back = get("multi30k-marian-back.float32")
    assert isinstance(back, EngineTrainedHere) and back.directions == (("de", "en"), ("fr", "en"), ("cs", "en"))
    check("multi30k-marian-back", "xnli", "en", "test", source="fr")
    with pytest.raises(RequestError, match="multi30k-marian-back translates to en, not to de"):
        check("multi30k-marian-back", "snli-cf", "de")
    with pytest.raises(RequestError, match="translates to de, fr, cs, not to sw"):
        check("multi30k-marian", "snli-cf", "sw")


def test_the_catalogue() -> None:
    for name, engine in ENGINES.items():
        assert engine.name == name and len(engine.languages) > 1 and engine.languages[0] == "en"
