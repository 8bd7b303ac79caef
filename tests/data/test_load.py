from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.data.mirror import COLUMNS, PAIR, write
from xtransfer.base.errors import DataError, RequestError, StoreError
from xtransfer.benchmarks import get
from xtransfer.benchmarks.spec import Benchmark, Row, Source
from xtransfer.data.load import load, load_rows, read_rows, save_rows


def test_rows_are_canonical(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", COLUMNS)
    assert load_rows(PAIR, "de", "train") == [
        {"id": "0", "group": "0", "first": "p0", "second": "h0", "label": 0},
        {"id": "1", "group": "1", "first": "p1", "second": "h1", "label": 2},
        {"id": "2", "group": "2", "first": "p2", "second": "h2", "label": 1},
    ]


def test_declared_ids_groups_and_label_values(mirror: Path) -> None:
    columns = {**COLUMNS, "label": ["n", "c", "e"], "pair": [7, 8, 9], "premise": ["A  b", "a B", "c"]}
    write(mirror, "someone/things/de/train", columns)
    benchmark = replace(PAIR, id="pair", group="premise", label_values={"e": 0, "n": 1, "c": 2})
    rows = load_rows(benchmark, "de", "train")
    assert [row["id"] for row in rows] == ["7", "8", "9"]
    assert [row["label"] for row in rows] == [1, 2, 0]
    assert rows[0]["group"] == rows[1]["group"] != rows[2]["group"]


@pytest.mark.parametrize("missing", [None, "", " "])
def test_rows_without_a_group_do_not_make_one_together(mirror: Path, missing: str | None) -> None:
    write(mirror, "someone/things/de/train", {**COLUMNS, "passage": ["p", missing, missing], "pair": [0, 1, 2]})
    names = [row["group"] for row in load_rows(replace(PAIR, id="pair", group="passage"), "de", "train")]
    assert len(set(names)) == 3 and names[0] == "p"


@pytest.mark.parametrize("missing", [None, "", float("nan")])
def test_a_row_without_an_id_is_refused(mirror: Path, missing: object) -> None:
    ids = ["a", missing, "c"] if missing == "" else [1.0, missing, 3.0]
    write(mirror, "someone/things/de/train", {**COLUMNS, "pair": ids})
    with pytest.raises(DataError, match="things/de/train, row 1, column 'pair': no id"):
        load_rows(replace(PAIR, id="pair"), "de", "train")


def test_ids_of_parallel_languages_agree_whatever_their_type(mirror: Path) -> None:
    """pandas writes whole numbers as 1.0 where any is missing."""
    write(mirror, "someone/things/de/train", {**COLUMNS, "pair": [1, 2, 3]})
    write(mirror, "someone/things/sw/train", {**COLUMNS, "pair": [1.0, 2.0, 3.0]})
    german, swahili = (load_rows(replace(PAIR, id="pair"), code, "train") for code in ("de", "sw"))
    assert [row["id"] for row in german] == [row["id"] for row in swahili] == ["1", "2", "3"]


def test_truth_values_are_labels_where_they_are_declared(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", {**COLUMNS, "label": [True, False, True]})
    declared = replace(PAIR, labels=("no", "yes"), label_values={False: 0, True: 1})
    assert [row["label"] for row in load_rows(declared, "de", "train")] == [1, 0, 1]
    with pytest.raises(DataError, match="label True is not valid"):
        load_rows(PAIR, "de", "train")


def test_consecutive_rows_are_grouped_in_the_main_source_only(mirror: Path) -> None:
    write(mirror, "someone/things/de/test", COLUMNS)
    write(mirror, "someone/else/default/train", COLUMNS)
    other = Source("someone/else", splits={"train": "train"}, languages=("en",))
    benchmark = replace(PAIR, group=2, sources={"train": other})
    assert [row["group"] for row in load_rows(benchmark, "de", "test")] == ["0", "0", "1"]
    assert [row["group"] for row in load_rows(benchmark, "en", "train")] == ["0", "1", "2"]


def test_rows_without_an_agreed_label_are_dropped_and_counted(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", {**COLUMNS, "label": [0, -1, 1]})
    loaded = load(replace(PAIR, no_label=(-1,)), "de", "train")
    assert [row["id"] for row in loaded.rows] == ["0", "2"]
    assert dict(loaded.dropped) == {"no label that annotators agreed on": 1}


def test_adapt_makes_columns_and_drops_rows(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", {"pair": ["a|b", "none", "c|d"], "label": [0, 1, 2]})

    def split(row: Row) -> Row | None:
        premise, _, hypothesis = row["pair"].partition("|")
        return {"premise": premise, "hypothesis": hypothesis, "label": row["label"]} if hypothesis else None

    loaded = load(replace(PAIR, adapt=split), "de", "train")
    assert [(row["id"], row["first"], row["second"]) for row in loaded.rows] == [
        ("0", "a", "b"),
        ("2", "c", "d"),
    ]
    assert dict(loaded.dropped) == {"left out by the declaration": 1}


def test_several_columns_make_choices(mirror: Path) -> None:
    columns = {
        "premise": ["p"],
        "question": ["cause"],
        "choice1": ["x"],
        "choice2": ["y"],
        "idx": [3],
        "label": [1],
    }
    write(mirror, "cambridgeltl/xcopa/sw/test", columns)
    (row,) = load_rows(get("xcopa"), "sw", "test")
    assert row == {
        "id": "3",
        "group": "3",
        "context": "p",
        "question": "cause",
        "choices": ["x", "y"],
        "label": 1,
    }


def test_shares_are_disjoint_and_whole(mirror: Path) -> None:
    texts = [f"premise {number // 3}" for number in range(60)]
    texts[0], texts[1], texts[2] = "Premise 0", "premise  0", "PREMISE 0"
    columns = {
        "premise": texts,
        "hypothesis": [f"h{number}" for number in range(60)],
        "label": [0, 1, 2] * 20,
    }
    write(mirror, "someone/things/de/train", columns)
    one, other = (load_rows(replace(PAIR, share=(part, 2, "premise")), "de", "train") for part in (0, 1))
    assert len(one) + len(other) == 60
    assert min(len(one), len(other)) >= 12
    assert not {row["first"].casefold() for row in one} & {row["first"].casefold() for row in other}
    assert not {row["id"] for row in one} & {row["id"] for row in other}


def _numbered(count: int) -> dict[str, list[Any]]:
    names = [str(number) for number in range(count)]
    return {"premise": names, "hypothesis": names, "label": [number % 3 for number in range(count)]}


def test_limit_takes_a_part_that_is_nested_and_the_same_in_every_language(mirror: Path) -> None:
    for code in PAIR.languages:
        write(mirror, f"someone/things/{code}/train", _numbered(100))
    ten = [row["id"] for row in load_rows(PAIR, "de", "train", 10)]
    assert len(ten) == 10
    assert ten != [str(number) for number in range(10)]
    assert [row["id"] for row in load_rows(PAIR, "sw", "train", 20)][:10] == ten
    assert len(load_rows(PAIR, "de", "train", 1000)) == 100


def test_limit_cuts_no_group_where_groups_are_whole(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", _numbered(40))
    whole = replace(PAIR, group=4, whole_groups=True)
    rows = load_rows(whole, "de", "train", 10)
    assert len(rows) == 8
    assert len({row["group"] for row in rows}) == 2
    assert len(load_rows(whole, "de", "train", 1)) == 4
    assert len(load_rows(replace(PAIR, group=4), "de", "train", 10)) == 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"premise": ["p0", " ", "p2"]}, r"things/de/train, row 1, column 'premise': is ' ', expected text"),
        ({"premise": ["p0", None, "p2"]}, r"row 1, column 'premise': is None, expected a text"),
        ({"premise": [5, 6, 7]}, r"row 0, column 'premise': is 5, expected a text"),
        (
            {"label": [0, 3, 1]},
            r"row 1, column 'label': label 3 is not valid, expected one of 0, 1, 2 \(entailment, neutral",
        ),
        ({"label": [0, -1, 1]}, r"row 1, column 'label': label -1 is not valid, expected one of"),
        ({"label": ["0", " 1", "x"]}, r"row 2, column 'label': label 'x' is not valid, expected one of"),
        ({"label": [[0], [1], [2]]}, r"row 0, column 'label': label \[0\] is not valid, expected one of"),
        ({"label": ["0", "1", "0_1"]}, r"row 2, column 'label': label '0_1' is not valid, expected one of"),
        ({"label": [-1, -1, -1]}, r"things/de/train: labels are hidden \(all are missing or -1\)"),
        ({"label": [None, None, None]}, r"labels are hidden"),
    ],
)
def test_rows_that_do_not_fit_name_their_place(mirror: Path, change: dict[str, list[Any]], says: str) -> None:
    write(mirror, "someone/things/de/train", {**COLUMNS, **change})
    with pytest.raises(DataError, match=says):
        load_rows(PAIR, "de", "train")


def test_constant_labels_are_taken_for_hidden(mirror: Path) -> None:
    columns = {**_numbered(50), "label": [0] * 50}
    write(mirror, "someone/things/de/train", columns)
    with pytest.raises(DataError, match="labels are hidden \\(all 50 rows have 0\\)"):
        load_rows(PAIR, "de", "train")
    write(mirror, "someone/things/sw/train", {name: values[:49] for name, values in columns.items()})
    assert len(load_rows(PAIR, "sw", "train")) == 49


def test_a_missing_column_is_named(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", {"premise": ["p"], "hypothesis": ["h"]})
    with pytest.raises(DataError, match="no column label \\(labels are hidden, or have another name\\)"):
        load_rows(PAIR, "de", "train")
    write(mirror, "someone/things/sw/train", {"premise": ["p"], "label": [0]})
    with pytest.raises(DataError, match="no column hypothesis; the source has premise, label"):
        load_rows(PAIR, "sw", "train")
    write(mirror, "someone/things/sw/test", {"premise;hypothesis;label": ["p;h;0"]})
    with pytest.raises(DataError, match="no column hypothesis, label, premise; the source has premise;hypothesis"):
        load_rows(PAIR, "sw", "test")


def test_doubled_ids_and_empty_splits_are_refused(mirror: Path) -> None:
    write(mirror, "someone/things/de/train", {**COLUMNS, "pair": [1, 2, 1]})
    with pytest.raises(DataError, match="id '1' is used by 2 rows"):
        load_rows(replace(PAIR, id="pair"), "de", "train")
    write(mirror, "someone/things/sw/train", {name: values[:0] for name, values in COLUMNS.items()})
    with pytest.raises(DataError, match="has no rows"):
        load_rows(PAIR, "sw", "train")


def test_a_choice_out_of_range_is_named(mirror: Path) -> None:
    columns = {
        "premise": ["p"],
        "question": ["why"],
        "choice1": ["x"],
        "choice2": ["y"],
        "idx": [3],
        "label": [1],
    }
    write(mirror, "cambridgeltl/xcopa/sw/test", columns)
    with pytest.raises(DataError, match="xcopa/sw/test, row 0: question is 'why'"):
        load_rows(get("xcopa"), "sw", "test")


def test_unknown_language_and_split_are_requests() -> None:
    with pytest.raises(RequestError, match=r"xnli has no train split in 'de' \(it has one in en\)"):
        load_rows(get("xnli"), "de", "train")
    with pytest.raises(RequestError, match=r"no split of mnli 'test'.*known: dev, train"):
        load_rows(get("mnli"), "en", "test")


LAB = [get(name) for name in ("lab-nli", "lab-inference", "lab-copa", "lab-retrieval")]


@pytest.mark.parametrize("benchmark", LAB, ids=[one.name for one in LAB])
def test_lab_is_parallel(benchmark: Benchmark) -> None:
    german, turkish = (load_rows(benchmark, code, "dev") for code in ("de", "tr"))
    assert [(row["id"], row["group"]) for row in german] == [(row["id"], row["group"]) for row in turkish]
    assert [row.get("label") for row in german] == [row.get("label") for row in turkish]


def test_lab_blocks_stay_whole_and_balanced() -> None:
    rows = load_rows(get("lab-nli"), "de", "train", 100)
    sizes = {name: sum(row["group"] == name for row in rows) for name in {row["group"] for row in rows}}
    assert set(sizes.values()) == {12}
    assert len(rows) == 96
    assert [sum(row["label"] == label for row in rows) for label in range(3)] == [32, 32, 32]


def test_saved_rows_come_back(tmp_path: Path) -> None:
    rows: list[Row] = [{"id": "0", "group": "0", "context": "c", "question": "", "choices": ["x", "y"], "label": 1}]
    save_rows(rows, tmp_path / "rows.parquet")
    assert read_rows(tmp_path / "rows.parquet") == rows
    with pytest.raises(DataError, match="no rows"):
        save_rows([], tmp_path / "none.parquet")
    (tmp_path / "rows.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="damaged"):
        read_rows(tmp_path / "rows.parquet")
