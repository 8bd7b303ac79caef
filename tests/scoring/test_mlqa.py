from __future__ import annotations

import json
from pathlib import Path

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.metrics import mlqa, squad
from xtransfer.metrics.metrics import get

FIXTURE = json.loads(Path(__file__).with_name("mlqa.json").read_text(encoding="utf-8"))
LANGUAGES = list(FIXTURE["totals"])


@pytest.mark.parametrize("code", LANGUAGES)
def test_same_numbers_as_the_official_scorer(code: str) -> None:
    rows = FIXTURE[code]
    assert len(rows) >= 48
    for answers, prediction, exact, f1 in rows:
        if prediction is not None:
            assert mlqa.exact_match(answers, prediction, code) == exact, (answers, prediction)
            assert mlqa.f1(answers, prediction, code) == f1, (answers, prediction)
    golds, predictions = [row[0] for row in rows], [row[1] for row in rows]
    totals = [get(name).compute(golds, predictions, code) for name in ("mlqa_exact_match", "mlqa_f1")]
    assert totals == FIXTURE["totals"][code]
    items = [get("mlqa_f1").per_item(gold, one, code) for gold, one in zip(golds, predictions, strict=True)]
    assert sum(items) / len(items) == pytest.approx(totals[1])


def test_rules_differ_by_language_and_from_squads() -> None:
    for code in LANGUAGES:
        rows = [row for row in FIXTURE[code] if row[1] is not None]
        others = [other for other in LANGUAGES if other != code]
        assert any(mlqa.f1(row[0], row[1], other) != row[3] for row in rows for other in others), code
    assert any(squad.f1(row[0], row[1]) != row[3] for row in FIXTURE["zh"] if row[1] is not None)


def test_rules_by_hand() -> None:
    assert mlqa.normal("La «Casa» de los 3", "es") == "casa de 3"
    assert mlqa.normal("约3.5亿 Yen", "zh") == "约 35 亿 yen"
    assert mlqa.normal("اللغة والمدرسة", "ar") == "لغة و مدرسة"
    assert mlqa.normal("Der Die DAS Haus", "de") == "haus"
    assert mlqa.normal("गंगा नदी।", "hi") == "गंगा नदी"


def test_a_language_without_rules_is_refused() -> None:
    with pytest.raises(RequestError, match="no rules for language 'fr'"):
        get("mlqa_f1").compute([["x"]], ["x"], "fr")
