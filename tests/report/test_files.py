"""Files of a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.report.files import copied, write


def test_a_report_is_copied_whole(tmp_path: Path) -> None:
    page = write(tmp_path / "one" / "report.html", "page")
    write(tmp_path / "one" / "tables" / "gains.tex", "table")
    assert copied(page, tmp_path / "two") == tmp_path / "two" / "report.html"
    assert (tmp_path / "two" / "report.html").read_text() == "page"
    assert (tmp_path / "two" / "tables" / "gains.tex").read_text() == "table"


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    page = write(tmp_path / "one" / "report.html", "page")
    taken = write(tmp_path / "taken", "a file")
    with pytest.raises(RequestError, match=r"taken: the report cannot be written .*; name another folder"):
        copied(page, taken)
