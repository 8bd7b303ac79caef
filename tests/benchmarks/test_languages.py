from __future__ import annotations

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.base.languages import (
    FLORES,
    LANGUAGES,
    NO_FAMILY,
    SCRIPTS,
    TABLE,
    XTREME,
    XTREME_R,
    Language,
    codes,
    language,
    meant,
)
from xtransfer.translation import checks

# Names in the README of fairseq's examples/xlmr, without romanized text and fonts
XLM_R = codes(
    "af sq am ar hy as az eu be bn bs br bg my ca zh hr cs da nl en eo et tl fi fr gl ka de el gu ha he hi hu is id ga "
    "it ja jv kn kk km ko ku ky lo la lv lt mk mg ms ml mr mn ne no or om ps fa pl pt pa ro ru sa gd sr sd si sk sl so "
    "es su sw sv ta te th tr uk ur ug uz vi cy fy xh yi"
)
INFERENCE = {
    "AfriXNLI": "en fr am ee ha ig rw ln lg om sn st sw tw wo xh yo zu",
    "AmericasNLI": "ay bzd cni gn hch nah oto quy shp tar",
    "IndicXNLI": "as bn gu hi kn ml mr or pa ta te",
    "XNLI 2.0": "sa bho or",
}


def test_sets_of_the_papers() -> None:
    assert len(set(XTREME)) == len(XTREME) == 40
    assert len(set(XTREME_R)) == len(XTREME_R) == 50
    assert set(XTREME) < set(XTREME_R)
    assert len(set(XLM_R)) == 93


@pytest.mark.parametrize("name", INFERENCE)
def test_data_sets_of_inference_are_covered(name: str) -> None:
    assert set(codes(INFERENCE[name])) <= set(TABLE)


def test_xtreme_r_has_the_number_of_families_that_its_paper_counts() -> None:
    families = {language(code).family for code in XTREME_R} - NO_FAMILY
    assert len(families) == 14
    assert [code for code in XTREME_R if language(code).family in NO_FAMILY] == ["eu"]


def test_table_reads_as_written() -> None:
    german = language("de")
    assert (german.name, german.family, german.branch, german.script) == (
        "German",
        "Indo-European",
        "Germanic",
        "Latin",
    )
    assert language("sw").branch == "Atlantic-Congo"
    assert str(language("sa")) == "Sanskrit, Indo-European (Indo-Aryan), Devanagari"
    assert all(code == known.code for code, known in LANGUAGES.items())


def test_table_is_whole() -> None:
    assert set(SCRIPTS.values()) == {one.script for one in TABLE.values()} == set(checks._CHARACTERS)
    assert len({one.name for one in TABLE.values()}) == len(TABLE) == len(LANGUAGES)
    assert all(one.name and one.family for one in TABLE.values())
    assert {one.code for one in TABLE.values() if one.branch != one.family} == {
        one.code for one in TABLE.values() if one.family == "Indo-European"
    }
    kinds = {SCRIPTS.get(flores[4:], "Han") for flores in FLORES.values()}
    assert kinds <= set(SCRIPTS.values()) and all(meant(flores) == code for code, flores in FLORES.items()
                                                  if code != "qu")  # fmt: skip


def test_codes_are_checked() -> None:
    assert codes("ar bg  de") == ("ar", "bg", "de")
    with pytest.raises(RequestError, match="no language 'xx'; codes are ISO 639-1"):
        codes("ar xx")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("cn", "zh"), ("jp", "ja"), ("zh-CN", "zh"), ("zh_Hant", "zh"), ("zho", "zh"), ("chi", "zh"), ("cmn", "zh"),
        ("iw", "he"), ("in", "id"), ("ji", "yi"), ("deu", "de"), ("ger", "de"), ("deu_Latn", "de"), ("DE", "de"),
        ("swa", "sw"), ("swh", "sw"), ("fil", "tl"), ("nb", "no"), ("pt-BR", "pt"), ("arb", "ar"), ("ewe", "ee"),
        ("cz", "cs"), ("ua", "uk"), ("German", "de"), ("Swahli", "sw"),
    ],
)  # fmt: skip
def test_another_code_is_refused_with_the_one_to_write(written: str, code: str) -> None:
    with pytest.raises(RequestError, match=f"no language '{written}'; did you mean '{code}'"):
        language(written)


def test_a_code_has_one_meaning() -> None:
    from xtransfer.base.languages import _MEANT

    names = {one.name.lower() for one in TABLE.values()}
    assert not (set(_MEANT) - names) & set(TABLE)


def test_a_script_is_given_by_code_or_name() -> None:
    one, other = (Language("rap", "Rapanui", "Austronesian", script) for script in ("Latn", "Latin"))
    assert one == other and one.script == "Latin" and one.branch == "Austronesian"
