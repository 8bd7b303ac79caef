from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.mirror import write
from xtransfer.data.check import Finding, Reading, look
from xtransfer.data.need import Need, Needs
from xtransfer.planning import needs
from xtransfer.study.builtin import STUDIES
from xtransfer.study.study import Study

XCOPA = {
    "premise": ["p", "q"],
    "question": ["cause", "effect"],
    "choice1": ["x", "z"],
    "choice2": ["y", "w"],
    "idx": [0, 1],
    "label": [1, 0],
}
PLACE = "cambridgeltl/xcopa/sw/test"
NEED = Need("xcopa", "test", "sw")


def _one(need: Need = NEED, reading: Reading = "all") -> Finding:
    (found,) = look(Needs((need,)), reading)
    return found


def _xcopa(**changes: list[Any]) -> dict[str, list[Any]]:
    return {**XCOPA, **changes}


def _many(**changes: list[Any]) -> dict[str, list[Any]]:
    return {**{name: values * 25 for name, values in XCOPA.items()}, "idx": list(range(50)), **changes}


def test_what_is_there_is_counted(mirror: Path) -> None:
    write(mirror, PLACE, XCOPA)
    for reading in ("all", "here", "none"):
        assert _one(reading=reading) == Finding("rows", "xcopa", "test", "sw", "mirror", "ok", 2, "")


@pytest.mark.parametrize(
    ("columns", "state", "says"),
    [
        (_xcopa(label=[-1, -1]), "hidden", "xcopa/sw/test: labels are hidden (all are missing or -1)"),
        (_many(label=[1] * 50), "hidden", "xcopa/sw/test: labels are hidden (all 50 rows have 1)"),
        ({name: values for name, values in XCOPA.items() if name != "label"}, "hidden", "no column label"),
        ({name: values[:0] for name, values in XCOPA.items()}, "empty", "has no rows"),
        (_xcopa(label=[1, 5]), "unfit", "xcopa/sw/test, row 1"),
        (_xcopa(choice2=["y", " "]), "unfit", "row 1, column 'choice1' and 'choice2'"),
        (_xcopa(premise=[1, 2]), "unfit", "row 0, column 'premise': is 1, expected a text"),
    ],
)
def test_what_cannot_be_used_says_why(mirror: Path, columns: dict[str, list[Any]], state: str, says: str) -> None:
    write(mirror, PLACE, columns)
    found = _one()
    assert (found.state, found.rows) == (state, None) and says in found.note
    assert not found.ok
    assert _one(reading="none").state == ("empty" if state == "empty" else "ok")  # without reading rows


def test_what_is_missing_names_the_file(mirror: Path) -> None:
    write(mirror, PLACE, XCOPA)
    other = _one(Need("xcopa", "test", "et"))
    assert other.state == "missing" and "has no file et/test-*.parquet; add it" in other.note
    far = _one(Need("farstail", "test", "fa"))
    assert (far.origin, far.state) == ("hub", "missing") and "XTRANSFER_HUB_DIR" in far.note
    file = mirror / f"{PLACE}-00000-of-00001.parquet"
    file.write_bytes(file.read_bytes()[:60])
    assert "damaged" in _one(reading="none").note
    assert _one().state == "missing" and "put complete files there" in _one().note


def test_licensed_data_say_where_to_ask(mirror: Path) -> None:
    found = _one(Need("ccg", "train", "en"))
    assert found.state == "missing" and "LDC2005T13" in found.note


def test_constant_tags_are_hidden_labels(mirror: Path) -> None:
    columns = {"tokens": [["a", "b"]] * 50, "ner_tags": [[0, 0]] * 50}
    write(mirror, "unimelb-nlp/wikiann/sw/test", columns)
    assert _one(Need("panx", "test", "sw")).state == "hidden"
    columns["ner_tags"][7] = [1, 0]
    write(mirror, "unimelb-nlp/wikiann/sw/test", columns)
    assert _one(Need("panx", "test", "sw")).state == "ok"
    columns["ner_tags"][9] = [1]
    write(mirror, "unimelb-nlp/wikiann/sw/test", columns)
    assert "row 9: tokens has 2 entries and tags has 1" in _one(Need("panx", "test", "sw")).note


def test_a_study_needs_what_its_stages_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)
    wanted = needs.of_study(STUDIES["natural-nli"].with_settings({"languages": ["en", "sw"]}))
    assert Need("xnli", "test", "sw") in wanted.rows and Need("lingnli-b", "train", "en") in wanted.rows
    assert not [need for need in wanted.rows if need.split == "dev" or need.language == "de"]
    assert (wanted.encoders, wanted.corpora) == (("xlm-roberta-base",), ())
    assert wanted.lacking == {"xcopa": ("en",)}
    assert needs.of_study(STUDIES["natural-nli"].shrunk()).corpora == ("mirror-text",)


def test_a_study_that_selects_reads_the_dev_split() -> None:
    recipe = STUDIES["lab"].target_recipe.model_copy(update={"select": "best"})
    study = Study(
        name="s",
        encoders=("lab-mini@0",),
        intermediates=("direct",),  # type: ignore[arg-type]
        targets=("lab-inference",),  # type: ignore[arg-type]
        languages=("de",),
        target_recipe=recipe,
    )
    assert needs.of_study(study).rows == (
        Need("lab-inference", "train", "en"),
        Need("lab-inference", "dev", "en"),
        Need("lab-inference", "test", "de"),
    )


def test_encoders_and_text_are_pieces_too(mirror: Path) -> None:
    asked = Needs((), ("lab-mini@0", "someone/encoder", "./nowhere"), ("lab", "mirror-text"))
    found = {one.name: one for one in look(asked)}
    assert {name: one.state for name, one in found.items()} == {
        "lab": "ok",
        "mirror-text": "missing",
        "lab-mini@0": "ok",
        "someone/encoder": "missing",
        "./nowhere": "missing",
    }
    assert "local/text-*" in found["mirror-text"].note and "is not a folder" in found["./nowhere"].note
    assert "someone/encoder/config.json" in found["someone/encoder"].note


def test_real_test_labels_are_given_out(hub_dir: Path) -> None:
    found = [one for one in look(needs.of_benchmarks(["xnli"])) if one.split == "test"]
    assert len(found) == 15 and all((one.state, one.rows) == ("ok", 5010) for one in found)
