"""Labels that a file beside the data lists: CCGbank's, whose categories nobody may publish whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.mirror import write
from xtransfer.base.errors import DataError
from xtransfer.benchmarks import get
from xtransfer.data.load import available, load_rows
from xtransfer.data.revisions import Pins
from xtransfer.kinds import KINDS

LABELS = "N\nNP/N\n(S\\NP)/NP\n"


@pytest.fixture
def ccgbank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    for split in ("train", "validation"):
        columns = {"tokens": [["the", "cat"], ["see"]], "tags": [["NP/N", "N"], ["(S\\NP)/NP"]]}
        write(tmp_path, f"local/ccgbank/default/{split}", columns)
    (tmp_path / "local/ccgbank/labels.txt").write_text(LABELS, encoding="utf-8")
    return tmp_path / "local/ccgbank"


def test_labels_of_the_file_number_the_tags(ccgbank: Path) -> None:
    ccg = get("ccg")
    assert ccg.labels == ("N", "NP/N", "(S\\NP)/NP")
    rows = load_rows(ccg, "en", "train")
    assert [row["tags"] for row in rows] == [[1, 0], [2]]
    assert KINDS["tags"].gold(ccg, rows[1]) == ["(S\\NP)/NP"]


def test_another_inventory_is_another_pin(ccgbank: Path) -> None:
    before = Pins().data("ccg", "train", ["en"])
    assert before == Pins().data("ccg", "train", ["en"])
    (ccgbank / "labels.txt").write_text("NP/N\nN\n(S\\NP)/NP\n", encoding="utf-8")
    assert Pins().data("ccg", "train", ["en"]) != before


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (None, r"labels\.txt is missing; write every label"),
        ("\n", r"labels\.txt: is empty"),
        ("N\nN\n", "lists a label twice"),
    ],
)
def test_files_that_do_not_do(ccgbank: Path, labels: str | None, said: str) -> None:
    file = ccgbank / "labels.txt"
    file.unlink()
    if labels is not None:
        file.write_text(labels, encoding="utf-8")
    with pytest.raises(DataError, match=said):
        get("ccg")


def test_a_tag_that_is_not_listed(ccgbank: Path) -> None:
    (ccgbank / "labels.txt").write_text("N\nNP/N\n", encoding="utf-8")
    with pytest.raises(
        DataError,
        match=r"ccg/en/train, row 1, column 'tags': tag '\(S\\\\NP\)/NP' is not valid, expected one of 'N'",
    ):
        load_rows(get("ccg"), "en", "train")


def test_without_the_folder_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    assert get("ccg").labels == ()
    assert "LDC2005T13" in get("ccg").how_to_get
    assert "is in no mirror" in str(available(get("ccg")))
