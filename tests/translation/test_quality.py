"""Measures of translation quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.translation.made import made
from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Progress, no_progress
from xtransfer.translation.quality import against_people


def pair(number: int, first: str, second: str) -> dict[str, Any]:
    return {"id": str(number), "group": "g", "first": first, "second": second, "label": 1}


class Mirror:
    """Spells each sentence backwards, to German only unless `both` ways."""

    def __init__(self, both: bool) -> None:
        self.both = both

    def translate(
        self, sentences: Sequence[str], source: str, target: str, progress: Progress = no_progress
    ) -> list[str]:
        if target != "de" and not self.both:
            raise RequestError("to German only")
        return [one[::-1] for one in sentences]


def test_quality_is_told_with_its_measures() -> None:
    rows = [pair(number, f"word {number} and more", f"another {number}") for number in range(150)]
    people = [{**row, "first": row["first"][::-1]} for row in rows]
    _, facts = made(rows, "pair", Mirror(both=True), "de", people)
    assert facts["compared"] == 300 and 0 < facts["bleu"] < 100 and facts["exact_match"] == 50.0
    assert "tok:13a" in facts["bleu_signature"] and "version:" in facts["chrf_signature"]
    assert facts["round_trip_chrf"] == 100.0 and facts["round_trip_sentences"] == 200
    _, facts = made(rows, "pair", Mirror(both=False), "de")
    assert facts["round_trip_chrf"] is None and facts["round_trip_sentences"] == 0 and "bleu" not in facts
    chinese = against_people([("狗在花园里睡觉", "狗在花园里跑步")], "zh")
    assert "tok:zh" in chinese["bleu_signature"] and 0 < chinese["bleu"] < 100
    assert against_people([], "zh")["bleu"] is None
