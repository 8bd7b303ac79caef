"""Benchmarks of a user's own file: taken, refused with file and line, and pinned by the code that reads their rows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xtransfer.base.errors import DataError, RequestError, SourceError
from xtransfer.benchmarks import BENCHMARKS, BUILT_IN, get
from xtransfer.benchmarks.spec import SPLITS
from xtransfer.data.check import look
from xtransfer.data.load import available, load_rows
from xtransfer.data.need import Need, Needs
from xtransfer.data.revisions import Pins

DECLARED = """from xtransfer.benchmarks.inference import MNLI
from xtransfer.benchmarks.spec import Benchmark, Source

LABELS = {"good": 0, "bad": 1}
UNUSED = 1


def known(text):
    return text in LABELS


def adapt(row):
    return row if known(row["label"]) else None


REVIEWS = Benchmark(
    name="reviews",
    kind="pair",
    languages=("en", "de"),
    source=Source("./reviews", config="{language}", splits={"train": "train", "test": "test"}),
    columns={"first": "title", "second": "text", "label": "label"},
    labels=("good", "bad"),
    label_values=LABELS,
    metric="accuracy",
    chance=50.0,
    licence="mine",
    adapt=adapt,
)
"""
CSV = 'title,text,label\n"A, b",NA,good\nNone,"two\nlines",bad\nx,y,unsure\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that declares `reviews`, with its folder of data beside it."""
    file = tmp_path / "mine" / "own.py"
    _write(file, DECLARED)
    _write_data(file)
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(file))
    return file


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _write_data(file: Path) -> None:
    for code in ("en", "de"):
        for split in ("train", "test"):
            _write(file.parent / "reviews" / code / f"{split}.csv", CSV)


def _pin_of(text: str, beside: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The pin of `reviews` as another file declares it, at a place of its own (a file is run once per process)."""
    other = beside.parent.parent / name / "own.py"
    _write(other, text)
    _write_data(other)
    monkeypatch.setenv("XTRANSFER_BENCHMARKS", str(other))
    return Pins().data("reviews", "train", ["en"])


def test_what_a_file_declares_stands_in_the_index(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(BENCHMARKS) == [*BUILT_IN, "reviews"]
    assert get("mnli") is BUILT_IN["mnli"]  # imported by the file, not declared again
    assert available(get("reviews")) is None
    monkeypatch.delenv("XTRANSFER_BENCHMARKS")
    assert "reviews" not in BENCHMARKS


def test_rows_come_from_the_folder_beside_the_file(file: Path) -> None:
    assert load_rows(get("reviews"), "de", "train") == [
        {"id": "0", "group": "0", "first": "A, b", "second": "NA", "label": 0},
        {"id": "1", "group": "1", "first": "None", "second": "two\nlines", "label": 1},
    ]
    lines = '{"title": "a", "text": "b", "label": "bad"}\n{"title": "c", "text": "d", "label": "good"}\n'
    _write(file.parent / "reviews" / "de" / "test.jsonl", lines)
    (file.parent / "reviews" / "de" / "test.csv").unlink()
    assert [row["label"] for row in load_rows(get("reviews"), "de", "test")] == [1, 0]


def test_missing_and_broken_files_are_named(file: Path) -> None:
    data = file.parent / "reviews" / "en" / "test.csv"
    data.write_text("title,text,label\na,b\n")
    with pytest.raises(DataError, match=r"en/test.csv, line 2: 2 values, but the header names 3 columns"):
        load_rows(get("reviews"), "en", "test")
    data.write_text("title,label\na,good\n")
    with pytest.raises(DataError, match="no column text"):
        load_rows(get("reviews"), "en", "test")
    data.unlink()
    with pytest.raises(SourceError, match=r"has no file en/test\.… of type \.parquet, \.csv, \.tsv"):
        load_rows(get("reviews"), "en", "test")
    assert "en/test.… of type .parquet" in str(available(get("reviews")))


def test_the_pin_follows_the_code_and_not_the_place(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Pins().data("reviews", "train", ["en"])
    same = DECLARED.replace("UNUSED = 1", "UNUSED = 2").replace('licence="mine"', 'licence="ours"')
    assert _pin_of(same, file, "same", monkeypatch) == before
    for number, (old, new) in enumerate(
        [
            ('row if known(row["label"]) else None', 'row if not known(row["label"]) else None'),
            ("return text in LABELS", "return text not in LABELS"),  # what `adapt` calls
            ('"bad": 1}', '"bad": 1, "awful": 1}'),  # what that reads
            ('second": "text"', 'second": "title"'),
        ]
    ):
        assert old in DECLARED
        assert _pin_of(DECLARED.replace(old, new), file, f"changed-{number}", monkeypatch) != before


MAPPED = (
    DECLARED.replace("LABELS = {", "import json, numpy, pathlib\nOLD = {")
    .replace(
        "UNUSED = 1",
        """HERE = pathlib.Path(__file__).parent
LABELS = json.loads((HERE / "labels.json").read_text())
NUMBERS = numpy.arange(5000)
NUMBERS[2500] = len((HERE / "middle.txt").read_text())
NAMES = {"b", "a", "c", *LABELS}
UNUSED = (HERE / "unused.txt").read_text()
seen = []
""",
    )
    .replace(
        "return text in LABELS", "seen.append(text)\n    return text in LABELS and text in NAMES and NUMBERS[0] == 0"
    )
)


def _pin_of_mapped(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, label: str = "bad", unused: str = "x", middle: str = "x"
) -> str:
    beside = folder.parent.parent / name
    beside.mkdir()
    (beside / "labels.json").write_text(f'{{"good": 0, "{label}": 1}}')
    (beside / "unused.txt").write_text(unused)
    (beside / "middle.txt").write_text(middle)
    return _pin_of(MAPPED, folder, name, monkeypatch)


def test_the_pin_follows_values_that_the_code_reads(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _pin_of_mapped(file, "first", monkeypatch)
    assert len(load_rows(get("reviews"), "en", "train")) == 2
    assert Pins().data("reviews", "train", ["en"]) == before, "what `adapt` notes changes no row"
    assert _pin_of_mapped(file, "second", monkeypatch, label="worse") != before
    assert _pin_of_mapped(file, "third", monkeypatch, middle="xx") != before
    assert _pin_of_mapped(file, "fourth", monkeypatch, unused="y") == before


def test_comments_docstrings_and_blanks_change_no_pin(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Pins().data("reviews", "train", ["en"])
    said = DECLARED.replace(
        "def adapt(row):\n", 'def adapt(row):\n    """Rows with a known label."""\n\n    # others go\n'
    )
    assert said != DECLARED and _pin_of(said, file, "said", monkeypatch) == before


def test_values_are_described_alike_in_every_process() -> None:
    import subprocess
    import sys

    said = "from xtransfer.benchmarks.values import described as d; "
    said += "print(d({'a': {'x', 'y', 'z', 1}, 'b': [frozenset('abcdef'), (1.5, None, print, object())]}))"
    ran = {subprocess.run([sys.executable, "-c", said], capture_output=True, text=True).stdout for _ in range(3)}
    assert len(ran) == 1 and "'x'" in ran.pop()


def test_what_training_does_not_read_leaves_its_pin(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Pins().data("reviews", "train", ["en"])
    scored = Pins().data("reviews", "test", ["en"])
    for code, split in (("de", "test"), ("en", "test"), ("de", "train")):
        _write(file.parent / "reviews" / code / f"{split}.csv", CSV.replace("x,y", f"{code},{split}"))
    assert Pins().data("reviews", "train", ["en"]) == before
    assert Pins().data("reviews", "test", ["en"]) != scored
    for number, (old, new) in enumerate(
        [
            ('metric="accuracy"', 'metric="f1"'),
            ('metric="accuracy"', 'metric="accuracy", also=("f1",)'),
            (', "test": "test"', ""),
            (', "test": "test"', ', "test": "test", "dev": "test"'),
            ('languages=("en", "de")', 'languages=("en",)'),
        ]
    ):
        assert old in DECLARED
        assert _pin_of(DECLARED.replace(old, new), file, f"unread-{number}", monkeypatch) == before, new
    _pin_of(DECLARED.replace('metric="accuracy"', 'metric="f1"'), file, "metric", monkeypatch)
    metric = Pins().data("reviews", "test", ["en"])
    _pin_of(DECLARED, file, "the-same", monkeypatch)
    assert Pins().data("reviews", "test", ["en"]) != metric


def test_the_pin_follows_the_bytes(file: Path) -> None:
    before = Pins().data("reviews", "train", ["en"])
    (file.parent / "reviews" / "en" / "train.csv").write_text(CSV.replace("x,y", "x,z"))
    assert Pins().data("reviews", "train", ["en"]) != before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\nraise ValueError('no')\n", r"own\.py, line 2: ValueError: no"),
        ("x = 1\n\ny = = 2\n", r"own\.py, line 3: SyntaxError"),
        (DECLARED.replace("Source(", "Sauce("), r"own\.py, line 20: NameError: name 'Sauce'"),
        ("x = 1\n", "declares no benchmark"),
        ("from xtransfer.benchmarks.inference import MNLI\n", "declares no benchmark"),
        ("from xtransfer.benchmarks import get\n\nX = get('mnli')\n", "declares no benchmark"),
        (DECLARED.replace('"reviews"', '"mnli"'), "the name 'mnli' is taken"),
        (DECLARED.replace('"de"', '"xx"'), "'reviews': no language 'xx'"),
        (DECLARED.replace('"accuracy"', '"acuracy"'), "'reviews': no metric 'acuracy'"),
        (DECLARED.replace('splits={"train": "train", "test": "test"}', ""), "its source has no splits"),
    ],
)
def test_broken_files_are_refused_with_their_place(text: str, said: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(RequestError, match=said):
        get("reviews")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"pair"', '"pairs"', "no kind 'pairs'; did you mean 'pair'"),
        ('"first": "title"', '"premise": "title"', "columns: kind pair also needs first"),
        ('"accuracy"', '"tag_f1"', "metric: tag_f1 scores tags, and kind pair predicts"),
        ('"bad": 1', '"bad": 2', "label_values: 'bad' has id 2, expected one of 0 (good)"),
    ],
)
def test_declarations_that_do_not_fit_are_found_before_a_row_is_read(old: str, new: str, said: str, file: Path) -> None:
    file.write_text(DECLARED.replace(old, new))
    for reading in ("all", "none"):
        (found,) = look(Needs((Need("reviews", "test", "de"),)), reading)
        assert found.state == "unfit" and f"reviews: {said}" in found.note
    with pytest.raises(DataError, match=re.escape(f"reviews: {said}")):
        load_rows(get("reviews"), "de", "test")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name="reviews"', 'name=["reviews"]', "name: must be text"),
        ('"./reviews"', "None", "source.path: must be text"),
        ('"./reviews"', '"./{0.__class__}"', "in its path, config or splits; '{language}' is the only name in braces"),
        ('config="{language}"', 'config={"en": "en"}', "'de' in its path, config or splits"),
        ('config="{language}"', "config=()", "an empty list of configs or splits"),
        ('"test": "test"', '"test": []', "an empty list of configs or splits"),
        ('"second": "text"', '"second": ()', "field 'second' has an empty list of columns"),
        ("LABELS = {", "raise SystemExit(3)\nLABELS = {", "line 4: SystemExit: 3"),
    ],
)
def test_values_of_other_types_are_refused_with_their_field(old: str, new: str, said: str, file: Path) -> None:
    assert old in DECLARED
    file.write_text(DECLARED.replace(old, new))
    with pytest.raises(RequestError, match=re.escape(said)) as refused:
        get("reviews")
    assert str(file) in str(refused.value)


def test_lists_are_read_as_tuples(file: Path) -> None:
    file.write_text(DECLARED.replace('("en", "de")', '["en", "de"]').replace('"test": "test"', '"test": ["test"]'))
    assert get("reviews").languages == ("en", "de")
    assert len(load_rows(get("reviews"), "en", "test")) == 2


def test_a_file_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("/nowhere/own.py", "https://example.org/own.py"):
        monkeypatch.setenv("XTRANSFER_BENCHMARKS", place)
        with pytest.raises(RequestError, match=r"XTRANSFER_BENCHMARKS: no file .*own\.py|no file .*https"):
            get("mnli")


def test_functions_print_alike_in_every_process(file: Path) -> None:
    """What a pin is made of holds no address of an object in memory."""
    from xtransfer.data.revisions import _declaration

    for benchmark in BENCHMARKS.values():
        for split in SPLITS:
            lines = _declaration(benchmark, split, benchmark.languages_of(split))
            assert not any("0x" in line for line in lines), benchmark.name
