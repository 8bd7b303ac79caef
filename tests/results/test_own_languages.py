"""Results in languages that a benchmark file declares: recorded, grouped, and passed on to where the file is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.results.numbers import Numbers, make, record_all, right
from tests.results.sent import receive, send
from xtransfer.analysis.results import Results
from xtransfer.base import languages
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import LANGUAGES
from xtransfer.results.database import open_database
from xtransfer.results.schema import LanguageRow
from xtransfer.results.upsert import table_of

DECLARED = """from xtransfer.base.languages import Language

RAPANUI = Language("rap", "Rapanui", "Austronesian", "Latn")
TONGAN = Language("to", "Tongan", "Austronesian", "Latn")
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Numbers:
    """A study with two languages of a benchmark file, which this process forgets afterwards."""
    (tmp_path / "own.py").write_text(DECLARED)
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(tmp_path / "own.py"))
    monkeypatch.setenv("XTRANSFER_HOME", str(tmp_path))
    monkeypatch.setattr(languages, "_recorded", {})
    scored = ("en", "rap", "to", "sw")
    return make(tmp_path, lambda encoder, name, seed: {code: right(3 if name == "direct" else 5) for code in scored})


def _without_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on another machine."""
    monkeypatch.delenv("XTRANSFER_BENCHMARKS")
    monkeypatch.setattr(languages, "_recorded", {})
    assert "rap" not in LANGUAGES


def _stored(url: str) -> dict[str, tuple[str, ...]]:
    table = table_of(LanguageRow)
    with open_database(url, read_only=True) as db, db.engine.connect() as connection:
        return {row.code: tuple(row) for row in connection.execute(select(table))}


def _groups(url: str, by: str) -> list[str]:
    with open_database(url, read_only=True) as db:
        return sorted(set(Results(db).gains("numbers", by=by)["language"]))


def test_scores_in_a_declared_language_are_recorded(own: Numbers, url: str) -> None:
    with open_database(url) as db:
        record_all(db, own)
    assert _stored(url)["rap"] == ("rap", "Rapanui", "Austronesian", "Austronesian", "Latin")
    assert _groups(url, "family") == ["family:Austronesian"]


def test_they_are_passed_on(own: Numbers, ours: str, theirs: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_database(theirs) as db:
        record_all(db, own)
    for studies in (None, ["numbers"]):
        send(theirs, file, studies=studies, force=True)
    _without_file(monkeypatch)
    done = receive(ours, file)
    monkeypatch.setattr(languages, "_recorded", {})
    assert done.rows["language"] == 2 and _stored(ours) == _stored(theirs)
    assert _groups(ours, "family") == _groups(theirs, "family") == ["family:Austronesian"]
    assert not any(receive(ours, file).rows.values())


def test_languages_that_differ_are_a_conflict(own: Numbers, ours: str, theirs: str) -> None:
    for url in (ours, theirs):
        with open_database(url) as db:
            record_all(db, own)
    with open_database(theirs) as db, db.begin() as connection:
        for code, family in (("rap", "Isolate"), ("sw", "Niger-Congo")):
            connection.execute(update(LanguageRow).where(LanguageRow.code == code).values(family=family))
    file = Path(theirs.removeprefix("sqlite:///"))
    with pytest.raises(RequestError, match="language rap: family is Austronesian here and Isolate there") as error:
        receive(ours, file)
    assert "language sw" not in str(error.value)
    receive(ours, file, prefer="ours")
    assert _stored(ours)["rap"][2] == "Austronesian"
    receive(ours, file, prefer="theirs")
    assert _stored(ours)["rap"][2] == "Isolate" and _stored(ours)["sw"][2] == "Atlantic-Congo"
