"""Every benchmark against one list of what a declaration must be and what must be possible with it."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.benchmarks.fixtures import NUM_ROWS, chosen, write_mirror
from tests.training.tiny import make_encoder
from xtransfer import kinds
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import LANGUAGES
from xtransfer.benchmarks import BUILT_IN, get, index
from xtransfer.benchmarks.spec import SPLITS, Benchmark, Row, SplitName
from xtransfer.data.load import load_rows
from xtransfer.kinds import KINDS
from xtransfer.kinds.check import fault
from xtransfer.metrics import metrics
from xtransfer.metrics.metrics import METRICS
from xtransfer.recipes.recipe import Recipe
from xtransfer.scoring.score import Score, score
from xtransfer.training.finetune import finetune

NAMES = pytest.mark.parametrize("name", BUILT_IN)
TOKENS = 48
STEPS = Recipe(steps=2, batch_size=4, max_length=TOKENS, learning_rate=1e-3)


@NAMES
def test_declaration_is_complete(name: str) -> None:
    benchmark = BUILT_IN[name]
    assert fault(benchmark) is None
    predicted = KINDS[benchmark.kind].decode is not None or KINDS[benchmark.kind].retrieval is not None
    assert benchmark.metric in METRICS if predicted else benchmark.metric == ""
    assert set(benchmark.also) <= set(METRICS) - {benchmark.metric}
    assert benchmark.licence
    assert set(benchmark.columns) == set(KINDS[benchmark.kind].fields)
    assert len(set(benchmark.languages)) == len(benchmark.languages) > 0
    assert set(benchmark.languages) <= set(LANGUAGES)
    assert benchmark.roles
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*", benchmark.name)


@NAMES
def test_roles_agree_with_the_splits(name: str) -> None:
    benchmark = BUILT_IN[name]
    assert ("target" in benchmark.roles) <= benchmark.has("test")
    assert ("intermediate" in benchmark.roles) <= benchmark.has("train")
    if "target" in benchmark.roles:
        assert benchmark.languages_of("test") == benchmark.languages
        trained = KINDS[benchmark.kind].head is not None and not kinds.retrieves(benchmark)
        assert benchmark.has("train", "en") == trained
        assert trained <= benchmark.has("dev", "en")
        assert kinds.calibrated(benchmark) <= benchmark.has("dev")


@NAMES
def test_labels_and_chance_agree(name: str) -> None:
    benchmark = BUILT_IN[name]
    assert set((benchmark.label_values or {}).values()) <= set(range(max(len(benchmark.labels), 10)))
    if benchmark.kind == "pair":
        assert len(benchmark.labels) > 1
        assert benchmark.chance == pytest.approx(100 / len(benchmark.labels))
    if benchmark.kind == "choice":
        assert 100 / benchmark.chance in (pytest.approx(number) for number in (2, 3, 4, 5))
    if benchmark.kind == "tags":
        assert bool(benchmark.labels) != bool(benchmark.labels_from)


@NAMES
def test_every_split_of_every_language_has_a_place(name: str) -> None:
    benchmark = BUILT_IN[name]
    for split in SPLITS if not benchmark.union else ():
        for code in benchmark.languages_of(split):
            source = benchmark.source_of(split, code)
            assert all(source.splits_of(split, code))
            assert not any("{" in (config or "") for config in source.configs_of(code))
            assert source.path == "lab" or re.fullmatch(r"[\w-]+/[\w.-]+", source.path_of(code))
            assert source.revision is None or re.fullmatch(r"[0-9a-f]{40}|refs/[\w/]+", source.revision)
            assert not source.path.startswith("local/") or benchmark.how_to_get


@pytest.fixture(scope="session")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained encoder that reads `TOKENS` tokens."""
    return make_encoder(tmp_path_factory.mktemp("conformance"), positions=TOKENS + 2)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(folder))
    return folder


@NAMES
def test_made_up_rows_are_read_trained_on_and_scored(name: str, mirror: Path, encoder: Path, tmp_path: Path) -> None:
    """From rows in the source's own columns to a score, through the loader, the kind and the metric."""
    if BUILT_IN[name].source.path != "lab":
        write_mirror(mirror, BUILT_IN[name])
    benchmark = get(name)
    checkpoint = encoder
    if KINDS[benchmark.kind].head is not None:
        checkpoint = tmp_path / "trained"
        trained = chosen(benchmark, "train")[0]
        rows = _loaded(benchmark, trained, "train")[:NUM_ROWS]
        facts = finetune(encoder, [(benchmark, rows)], STEPS, 0, checkpoint, tmp_path / "state")
        assert facts["steps"] == 2 and math.isfinite(facts["loss_first"]) and facts["loss_first"] > 0
        assert _weights(checkpoint) != _weights(encoder)
    if not benchmark.metric:
        return
    split = next(split for split in ("test", "dev", "train") if benchmark.has(split))
    (tmp_path / "scored").mkdir()
    languages = chosen(benchmark, split)
    scores = score(checkpoint, benchmark, languages, split, TOKENS, tmp_path / "scored", limit=NUM_ROWS)
    assert [(one.language, one.metric) for one in scores] == [
        (code, metric) for code in languages for metric in (benchmark.metric, *benchmark.also)
    ]
    assert all(METRICS[one.metric].minimum <= one.value <= METRICS[one.metric].maximum for one in scores)
    _check_predictions(benchmark, tmp_path / "scored" / "predictions.parquet", scores)


def _loaded(benchmark: Benchmark, language: str, split: SplitName) -> list[Row]:
    rows = load_rows(benchmark, language, split)
    fields = {"id", "group", *KINDS[benchmark.kind].fields}
    assert rows and all(set(row) == fields for row in rows)
    return rows


def _weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def _check_predictions(benchmark: Benchmark, file: Path, scores: list[Score]) -> None:
    """Every row has a prediction of the gold answer's shape, and perfect ones would score 100."""
    written = pq.read_table(file).to_pylist()
    for code in {one.language for one in scores}:
        own = [row for row in written if row["language"] == code]
        golds = [json.loads(row["gold"]) for row in own]
        predictions = [json.loads(row["prediction"]) for row in own]
        assert {len(own)} == {one.n for one in scores if one.language == code}
        for one in scores:
            metric = metrics.get(one.metric)
            perfect = [_perfect(metric, gold) for gold in golds]
            assert {type(value) for value in predictions} <= {type(value) for value in perfect}
            assert metric.compute(golds, perfect, code) == pytest.approx(100), metric.name
            if one.language == code:
                assert metric.compute(golds, predictions, code) == pytest.approx(one.value, abs=1e-9)


def _perfect(metric: metrics.Metric, gold: object) -> object:
    if metric.shape == "answers":
        return gold[0] if gold else ""  # type: ignore[index]
    return gold


def test_a_benchmark_retrieves_if_its_kind_does() -> None:
    def kinds_that(are: Callable[[Benchmark], bool]) -> set[str]:
        return {one.kind for one in BUILT_IN.values() if are(one)}

    assert kinds_that(kinds.calibrated) == {"mining"}
    assert kinds_that(lambda one: kinds.retrieves(one)) == {
        "answers",
        "bitext",
        "entities",
        "mining",
        "nearness",
        "ranking",
    }
    assert not kinds.retrieves(replace(get("xnli"), kind="pare"))


def test_kinds_are_read_without_what_computes_with_them() -> None:
    """Plans read kinds, and a plan should not wait for torch."""
    heavy = ("torch", "transformers", "numpy")
    code = f"import sys, xtransfer.kinds.check; sys.exit(' '.join({{*{heavy}}} & set(sys.modules)) or 0)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_every_kind_has_a_benchmark() -> None:
    assert {benchmark.kind for benchmark in BUILT_IN.values()} == set(KINDS)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "pare"}, "did you mean 'pair'"),
        ({"columns": {"first": "premise", "label": "label"}}, "also needs second"),
        ({"columns": {**get("mnli").columns, "third": "x"}}, "has no field third"),
        ({"labels": ()}, "kind pair needs at least two"),
        ({"labels": ("a", "a", "b")}, "labels: a, a, b has a name twice"),
        ({"label_values": {"yes": 0, "no": 3}}, "'no' has id 3, expected one of 0 (entailment), 1 (neutral)"),
        ({"label_values": {"yes": -1}}, "'yes' has id -1, expected one of"),
        ({"label_values": {"yes": "0"}}, "'yes' has id '0', expected one of"),
        ({"metric": "acuracy"}, "no metric 'acuracy'; did you mean 'accuracy'?"),
        ({"metric": "tag_f1"}, "tag_f1 scores tags, and kind pair predicts texts; use accuracy"),
        ({"also": ("spearman",)}, "spearman scores numbers, and kind pair predicts texts"),
        ({"metric": "", "roles": ("target",)}, "metric: a target needs one; kind pair can use accuracy"),
        (
            {"union": (get("mnli"), get("copa"))},
            "copa is of kind choice with labels none, and mnli of kind pair",
        ),
        ({"union": (get("mnli"), replace(get("snli"), metric="f1"))}, "f1 scores answers"),
    ],
)
def test_a_declaration_that_does_not_fit_its_kind_is_told(changes: dict[str, object], said: str) -> None:
    assert said in str(fault(replace(get("mnli"), **changes)))


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("xquad", {"metric": "mlqa_f1"}, "mlqa_f1 has no rules for el, ru, th, tr; use f1, exact_match"),
        ("squad2", {"metric": "f1"}, "f1 cannot score questions without an answer (no_answer); use squad2_f1"),
        ("squad2", {"also": ("mlqa_f1",)}, "mlqa_f1 cannot score questions without an answer"),
        ("stsb", {"metric": "accuracy"}, "accuracy scores texts, and kind sts predicts numbers; use spearman"),
        ("bucc", {"metric": "p@1"}, "p@1 scores rankings, and kind mining predicts sets; use bitext_f1"),
        ("udpos", {"metric": "map@20"}, "map@20 scores rankings, and kind tags predicts tags"),
        ("wikipedia", {"metric": "accuracy"}, "kind mlm is only trained on"),
        ("stsb", {"labels": ("a", "b")}, "kind sts has no labels"),
    ],
)
def test_a_metric_that_cannot_score_is_told(name: str, changes: dict[str, object], said: str) -> None:
    assert said in str(fault(replace(get(name), **changes)))


def test_index_refuses_doubles() -> None:
    with pytest.raises(RequestError, match="xnli is used more than once"):
        index(get("xnli"), replace(get("mnli"), name="xnli"))


def test_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(RequestError, match="did you mean 'xnli'"):
        get("xnly")


def test_english_of_xcopa_is_copa() -> None:
    xcopa = get("xcopa")
    assert xcopa.source_of("dev", "en").path == "aps/super_glue"
    assert xcopa.source_of("dev", "sw").path == "cambridgeltl/xcopa"
    assert xcopa.has("train", "en")
    assert not xcopa.has("train", "sw")
    assert not xcopa.has("test", "en")


def test_english_training_rows_of_xnli_are_mnli() -> None:
    xnli = get("xnli")
    assert xnli.languages_of("train") == ("en",)
    assert xnli.source_of("train", "en").path == "nyu-mll/multi_nli"
    assert xnli.source_of("test", "en").configs_of("en") == ("en",)
