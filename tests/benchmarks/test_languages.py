from __future__ import annotations

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.base.languages import LANGUAGES, XTREME, XTREME_R, codes, language


def test_sets_of_the_papers() -> None:
    assert len(set(XTREME)) == len(XTREME) == 40
    assert len(set(XTREME_R)) == len(XTREME_R) == 50
    assert set(XTREME) < set(XTREME_R)


def test_families_of_xtreme_r_are_those_that_the_paper_counts() -> None:
    families = {language(code).family for code in XTREME_R} - {"Isolate"}
    isolates = [code for code in XTREME_R if language(code).family == "Isolate"]
    assert len(families) == 14
    assert isolates == ["eu", "ko"]


def test_table_reads_as_written() -> None:
    german = language("de")
    assert (german.name, german.family, german.branch, german.script) == (
        "German",
        "Indo-European",
        "Germanic",
        "Latin",
    )
    assert language("sw").branch == "Niger-Congo"
    assert all(code == known.code for code, known in LANGUAGES.items())


def test_codes_are_checked() -> None:
    assert codes("ar bg  de") == ("ar", "bg", "de")
    with pytest.raises(RequestError, match="no language 'xx'"):
        codes("ar xx")
