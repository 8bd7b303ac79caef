"""Languages that a user's benchmark file declares: known wherever codes are, and refused with their file if invalid."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.results.plans import planned
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import LANGUAGES, TABLE, language
from xtransfer.benchmarks import get
from xtransfer.data.load import load_rows
from xtransfer.translation.checks import fault
from xtransfer.translation.quality import against_people

RAPANUI = 'RAPANUI = Language(code="rap", name="Rapanui", family="Austronesian", script="Latn")\n'
HEAD = "from xtransfer.base.languages import Language\nfrom xtransfer.benchmarks.spec import Benchmark, Source\n\n"
BENCHMARK = """
REVIEWS = Benchmark(
    name="reviews",
    kind="pair",
    languages=("en", "rap"),
    source=Source("./reviews", config="{language}", splits={"train": "train", "dev": "dev", "test": "test"}),
    columns={"first": "title", "second": "text", "label": "label"},
    labels=("good", "bad"),
    label_values={"good": 0, "bad": 1},
    metric="accuracy",
)
"""


def write(folder: Path, text: str, name: str = "own.py") -> Path:
    file = folder / name
    file.write_text(HEAD + text)
    for code in ("en", "rap"):
        for split in ("train", "dev", "test"):
            data = folder / "reviews" / code / f"{split}.csv"
            data.parent.mkdir(parents=True, exist_ok=True)
            data.write_text("title,text,label\n" + "".join(f"{code} {n},{split},{'good' if n % 2 else 'bad'}\n"
                                                            for n in range(20)))  # fmt: skip
    return file


def test_a_file_declares_a_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(write(tmp_path, RAPANUI + BENCHMARK)))
    assert get("reviews").languages == ("en", "rap")
    assert language("rap").script == "Latin" and "rap" in LANGUAGES and len(LANGUAGES) == len(TABLE) + 1
    assert len(load_rows(get("reviews"), "rap", "test")) == 20
    plan = planned("s", ["reviews"], ["direct", "reviews@rap"])
    assert [cell.intermediate.slug for cell in plan.cells] == ["direct", "reviews@rap"]
    with pytest.raises(RequestError, match=r"has no rows in 'de' \(it has en, rap\)"):
        planned("s", ["reviews"], ["reviews@de"])
    monkeypatch.delenv("XTRANSFER_BENCHMARKS")
    assert "rap" not in LANGUAGES


def test_languages_may_stand_in_a_file_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write(tmp_path, BENCHMARK), write(tmp_path, RAPANUI, "languages.py"), write(tmp_path, RAPANUI, "same.py")]
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", ":".join(map(str, files)))
    assert get("reviews").languages == ("en", "rap")


def test_two_files_that_differ_are_refused_with_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = write(tmp_path, RAPANUI.replace("Austronesian", "Isolate"), "other.py")
    files = [write(tmp_path, RAPANUI + BENCHMARK), other]
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", ":".join(map(str, files)))
    said = (
        r"other\.py: language 'rap' is declared as Rapanui, Isolate, Latin, and in .*own\.py as Rapanui, Austronesian"
    )
    for ask in (lambda: get("reviews"), lambda: language("rap")):
        with pytest.raises(RequestError, match=said):
            ask()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"rap"', '"de"', r"'de' is known as German, Indo-European \(Germanic\), Latin; remove the declaration"),
        ('"rap"', '"deu"', r"'deu' is known as 'de' \(German, .*\); use that code"),
        ('"rap"', '"rap-CL"', "a code has two or three letters"),
        ('"rap"', "7", "must be text"),
        ('"Rapanui"', '" "', "name or family is empty"),
        ('"Latn"', '"Latim"', "no script 'Latim'; did you mean 'Latin'"),
        ('"Austronesian"', '"a\\nb"', "must be text on one line"),
        (', script="Latn"', "", r"line 4: TypeError: .*missing 1 required positional argument: 'script'"),
    ],
)
def test_what_is_no_language_is_refused(
    old: str, new: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(write(tmp_path, RAPANUI.replace(old, new) + BENCHMARK)))
    with pytest.raises(RequestError, match=rf"own\.py.*{said}"):
        get("reviews")


def test_what_no_file_declares_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(write(tmp_path, BENCHMARK)))
    with pytest.raises(RequestError, match=r"'reviews': no language 'rap'; .* can declare a language"):
        get("reviews")
    sources = BENCHMARK.replace('"en", "rap"', '"en",').replace(
        "    columns",
        '    sources={"train": Source("x/y", languages=("cn",), splits={"train": "train"})},\n    columns',
    )
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(write(tmp_path, sources, "sources.py")))
    with pytest.raises(RequestError, match=r"'reviews': no language 'cn'; did you mean 'zh' \(Chinese\)\?"):
        get("reviews")


def test_texts_in_a_script_without_a_list_of_characters_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cherokee = 'CHEROKEE = Language("chr", "Cherokee", "Iroquoian", "Cher")\n'
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(write(tmp_path, cherokee + RAPANUI + BENCHMARK)))
    assert language("chr").script == "Cher"
    text = "\u13e3\u13b3\u13a9 \u13a6\u13ec\u13c2\u13af\u13cd\u13d7 \u13e3\u13b3\u13a9"
    assert fault(["The house with 300 rooms."], [text], "en", "chr", negation=True) is None
    assert against_people([(text, text)], "chr")["exact_match"] == 100.0
