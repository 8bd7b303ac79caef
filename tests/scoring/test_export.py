"""Predictions as the public scorer reads them: order, words and numbers, and nothing written where some lack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.scoring.finished import RECIPE, Outcome, files, finish
from xtransfer import benchmarks
from xtransfer.analysis import export as exporting
from xtransfer.analysis.export import Submission, export
from xtransfer.analysis.layout import FORMS, Answers
from xtransfer.base.errors import DataError, RequestError
from xtransfer.base.settings import current
from xtransfer.benchmarks import get
from xtransfer.data.load import load_rows
from xtransfer.metrics.aggregate import SUITES, XTREME, XTREME_R, Member, Suite
from xtransfer.results.database import open_database
from xtransfer.store.artifacts import ArtifactStore

TATOEBA = next(one for one in XTREME.members if one.benchmark == "tatoeba")
# The first labels that the public script's repository has (838c13b, mock_test_data)
TATOEBA_LABELS = {
    "sw": [114, 81, 80, 97, 95, 100, 98, 76, 107, 109],
    "ar": [669, 982, 957, 832, 543, 320, 702, 752, 519, 919],
}


def text(benchmark: str, values: Mapping[str, Any], labels: tuple[str, ...] = (), **more: Any) -> str:
    answers = Answers(f"{benchmark}/de", labels, list(values), list(values.values()), **more)
    return FORMS[benchmark].text(answers)


def test_labels() -> None:
    labels = ("entailment", "neutral", "contradiction")
    assert text("xnli", {"0": 2, "1": 0, "2": 1}, labels) == "contradiction\nentailment\nneutral\n"
    assert text("paws-x", {"0": 1, "1": 0}, ("different", "paraphrase")) == "1\n0\n"
    assert text("xcopa", {"0": 1, "1": 0}) == '{"label": 1}\n{"label": 0}\n'


def test_tags() -> None:
    assert text("panx", {"0": ["B-LOC", "I-LOC"], "1": ["O"]}) == "B-LOC\nI-LOC\n\nO\n"
    with pytest.raises(DataError, match=r"panx/de: the prediction for '1' is \[\], expected a tag for each word"):
        text("panx", {"0": ["O"], "1": []})


@pytest.mark.parametrize("benchmark", ["xquad", "mlqa", "tydiqa"])
def test_answers(benchmark: str) -> None:
    values = {"a-1": "", "a-2": "„Zürich“\n中文\u2028", "a-3": "ن"}
    written = text(benchmark, values)
    assert written.isascii() and json.loads(written) == values


def test_entities() -> None:
    values = {"m1": [f"Q{number}" for number in range(20)], "m2": []}
    assert json.loads(text("mewsli-x", values)) == values
    with pytest.raises(DataError, match="at most 20"):
        text("mewsli-x", {"m1": ["Q1"] * 21})


def test_mined_pairs_have_the_foreign_sentence_first() -> None:
    values = {"de-1": ["en-7", "en-9"], "de-2": [], "en-8": ["de-3"], "en-7": ["de-1"], "en-5": None}
    assert text("bucc", values) == "de-1\ten-7\nde-1\ten-9\nde-3\ten-8\n"
    assert text("bucc", {"de-1": []}) == ""
    with pytest.raises(DataError, match=r"the prediction for 'de-1' is .* expected ids from the other side"):
        text("bucc", {"de-1": ["de-2"]})


def test_tatoeba_follows_the_sorted_english_sentences() -> None:
    english = ["we go", "a dog", "Zoe!", " I see", "i see"]
    rows = [{"id": str(number), "source": one, "target": ""} for number, one in enumerate(english)]
    right = text("tatoeba", {row["id"]: row["id"] for row in rows}, rows=rows)
    assert right.split() == ["3", "2", "1", "4", "0"]  # I see, Zoe!, a dog, i see, we go
    others = {"0": "4", "1": "0", "2": "2", "3": "1", "4": "1"}
    assert text("tatoeba", others, rows=rows).split() == ["1", "2", "0", "1", "4"]
    with pytest.raises(DataError, match="expected the id of a row"):
        text("tatoeba", others | {"2": "9"}, rows=rows)
    with pytest.raises(DataError, match="rows differ from those that were scored"):
        text("tatoeba", dict(reversed(others.items())), rows=rows)


@pytest.mark.parametrize("language", TATOEBA_LABELS)
def test_tatoeba_lines_are_those_of_the_official_labels(
    language: str, hub_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = load_rows(get("tatoeba"), language, "test")
    right = text("tatoeba", {row["id"]: row["id"] for row in rows}, rows=rows)
    assert [int(line) for line in right.split()[:10]] == TATOEBA_LABELS[language]


@pytest.mark.parametrize("value", [3, -1, True, "1", None, 1.0])
@pytest.mark.parametrize("benchmark", ["xnli", "paws-x", "xcopa", "xquad", "bucc", "mewsli-x"])
def test_other_predictions_are_refused(benchmark: str, value: Any) -> None:
    if (benchmark, value) in (("xquad", "1"), ("bucc", None)):
        return
    with pytest.raises(DataError, match=f"{benchmark}/de: the prediction for 'a' is"):
        text(benchmark, {"a": value}, ("one", "two", "three"))


def test_every_benchmark_has_a_form_but_lareqa() -> None:
    assert {one.benchmark for suite in SUITES.values() for one in suite.members} - set(FORMS) == {"lareqa"}
    folders = [form.folder for form in FORMS.values()]
    assert len(set(folders)) == len(folders)


def choices(member: Member, seed: int = 0, count: int = 500) -> dict[str, list[tuple[str, int]]]:
    return {
        code: [(str(number), (number + place + seed) % 3 % 2) for number in range(count)]
        for place, code in enumerate((*member.languages, *member.further))
    }


XCOPA = next(one for one in XTREME_R.members if one.benchmark == "xcopa")


def run(out: Path, suite: Suite = XTREME_R, **filters: Any) -> list[Submission]:
    settings = current()
    with open_database(settings.database_url, read_only=True) as db:
        return export("mine", db, ArtifactStore(settings.store), suite, out, **filters)


def test_a_folder_for_every_encoder_intermediate_and_seed(tmp_path: Path) -> None:
    places = [("direct", 0), ("direct", 1), ("mnli@en+xnli@de~some/engine", 0)]
    finish({place: {"xcopa<siqa,copa": Outcome(choices(XCOPA, place[1]))} for place in places})
    out = tmp_path / "predictions"
    written = run(out)
    names = ["tiny@0_direct_seed-0", "tiny@0_direct_seed-1", "tiny@0_mnli@en+xnli@de~some-engine_seed-0"]
    assert [one.name for one in written] == names
    assert sorted(path.name for path in out.iterdir()) == sorted(["README.md", *names])
    found = files(out / names[1])
    assert sorted(found) == ["metadata.json", *sorted(f"xcopa/test-{code}.jsonl" for code in XCOPA.languages)]
    expected = [value for _, value in choices(XCOPA, 1)["zh"]]
    assert [json.loads(line)["label"] for line in found["xcopa/test-zh.jsonl"].splitlines()] == expected
    metadata = json.loads(found["metadata.json"])
    assert (metadata["encoder"], metadata["intermediate"], metadata["seed"]) == ("tiny@0", "direct", 1)
    assert metadata["not_included"][-1] == "lareqa" and "xcopa" not in metadata["not_included"]
    xcopa = metadata["benchmarks"]["xcopa"]
    assert xcopa["target"] == "xcopa<siqa,copa" and xcopa["source"]["revision"] == get("xcopa").source.revision
    stages = {(one["role"], one["phase"], one["language"]): one for one in xcopa["stages"].values()}
    assert set(stages) == {("target", 0, "en"), ("target", 1, "en"), ("score", None, "")}
    assert [
        one.get("recipe") and {name: one["recipe"][name] for name in RECIPE}
        for _, one in sorted(stages.items(), reverse=True)
    ] == [RECIPE, RECIPE, None]
    assert xcopa["stages"][xcopa["score_stage"]]["role"] == "score"
    again = tmp_path / "again"
    run(again)
    assert files(again) == files(out)
    chosen = tmp_path / "chosen"
    assert [one.name for one in run(chosen, intermediate=["direct"], seed=[1])] == names[1:2]
    assert files(chosen / names[1]) == found


def test_nothing_is_written_where_predictions_are_missing(tmp_path: Path) -> None:
    partly = choices(XCOPA)
    del partly["ht"], partly["qu"]
    partly["zh"] = partly["zh"][:499]
    finish(
        {
            ("direct", 0): {"xcopa": Outcome(choices(XCOPA))},
            ("direct", 1): {"xcopa": Outcome(partly)},
            ("direct", 2): {"xcopa": Outcome(failed="no memory")},
        }
    )
    with pytest.raises(RequestError) as error:
        run(tmp_path / "out")
    said = str(error.value)
    assert "seed 1: xcopa: no predictions for ht qu; 499 items in zh, but the label files have 500" in said
    assert "seed 2: xcopa: no predictions, the cell is failed" in said and "seed 0" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]
    assert len(run(tmp_path / "out", seed=[0])) == 1


def test_tatoeba_from_the_source_that_was_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": str(number), "source": one, "target": "x"} for number, one in enumerate(["b", "c", "a"])]
    pin = benchmarks.get("tatoeba").name + " at some revision"
    monkeypatch.setattr(exporting, "load_rows", lambda benchmark, language, split: rows)
    monkeypatch.setattr(exporting.Pins, "data", lambda self, benchmark, split, languages: pin)
    found = {code: [("0", "2"), ("1", "1"), ("2", "0")] for code in TATOEBA.languages}
    finish({("direct", 0): {"tatoeba:layer7": Outcome(found, settings={"data": pin})},
            ("direct", 1): {"tatoeba-r": Outcome(found, settings={"data": "another"})},
            ("direct", 2): {"tatoeba": Outcome({code: part[1:] for code, part in found.items()})}})  # fmt: skip
    (one,) = run(tmp_path / "out", XTREME, seed=[0])
    assert files(tmp_path / "out" / one.name)["tatoeba/test-sw.tsv"] == b"0\n2\n1\n"
    with pytest.raises(DataError, match="its data or declaration changed after it was scored"):
        run(tmp_path / "other", XTREME, seed=[1])
    with pytest.raises(DataError, match="tatoeba/af: only some of the source's rows were scored"):
        run(tmp_path / "other", XTREME, seed=[2])
    with pytest.raises(RequestError, match=r"tatoeba: no predictions for az lt pl ro uk \(tatoeba-r has them\)"):
        run(tmp_path / "other", XTREME_R, target=["tatoeba"])
    assert not (tmp_path / "other").exists()


def test_wrong_requests(tmp_path: Path) -> None:
    finish({("direct", 0): {"xcopa": Outcome(choices(XCOPA)), "xcopa<copa": Outcome(choices(XCOPA)),
                            "xcopa:first9": Outcome(choices(XCOPA)),
                            "xcopa:dev": Outcome(choices(XCOPA))}})  # fmt: skip
    out = tmp_path / "out"
    with pytest.raises(RequestError, match=r"scores xcopa with several targets \(xcopa, xcopa<copa\)"):
        run(out)
    assert len(run(out, target=["xcopa<copa"])) == 1
    with pytest.raises(RequestError, match="out: already exists"):
        run(out, target=["xcopa"])
    with pytest.raises(RequestError, match=r"none of the selected cells has a target of xtreme \(xnli, paws-x"):
        run(tmp_path / "new", XTREME)
    with pytest.raises(RequestError, match="none of the selected cells has a target of xtreme-r"):
        run(tmp_path / "new", target=["xcopa:dev"])
    with pytest.raises(RequestError, match="no seed '7'"):
        run(tmp_path / "new", seed=[7])
    with pytest.raises(RequestError, match="no encoder 'tini@0'; did you mean 'tiny@0'"):
        run(tmp_path / "new", encoder=["tini@0"])
    assert not (tmp_path / "new").exists()


def test_names_of_folders() -> None:
    commit = "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089"
    long = "+".join(f"benchmark-{number}@en" for number in range(40))
    names = [
        Submission("mine", encoder, intermediate, 1, {}, ()).name
        for encoder, intermediate in (
            (f"some/encoder@{commit}", "direct"),
            ("../x", "direct"),
            ("x@0", long),
            ("x@0", long + "x"),
        )
    ]
    assert names[0] == "some-encoder@e73636d4_direct_seed-1"
    assert not names[1].startswith(".") and "/" not in names[1]
    assert names[2] != names[3] and all(len(name) < 150 for name in names)
