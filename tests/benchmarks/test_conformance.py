"""Every benchmark against one list of what a declaration must be."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from xtransfer.benchmarks import BENCHMARKS, get, index
from xtransfer.benchmarks.spec import CALIBRATED, RETRIEVAL, SPLITS, Benchmark
from xtransfer.errors import RequestError
from xtransfer.kinds import KINDS
from xtransfer.languages import LANGUAGES
from xtransfer.scoring.metrics import METRICS

ALL = pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=list(BENCHMARKS))


@ALL
def test_declaration_is_complete(benchmark: Benchmark) -> None:
    assert benchmark.metric in METRICS
    assert benchmark.licence
    assert set(benchmark.columns) == set(KINDS[benchmark.kind].fields)
    assert len(set(benchmark.languages)) == len(benchmark.languages) > 0
    assert set(benchmark.languages) <= set(LANGUAGES)
    assert benchmark.roles


@ALL
def test_roles_agree_with_the_splits(benchmark: Benchmark) -> None:
    assert ("target" in benchmark.roles) <= benchmark.has("test")
    assert ("intermediate" in benchmark.roles) <= benchmark.has("train")
    if "target" in benchmark.roles:
        assert benchmark.languages_of("test") == benchmark.languages
        trained = KINDS[benchmark.kind].head is not None
        assert benchmark.has("train", "en") == benchmark.has("dev", "en") == trained


@ALL
def test_labels_and_chance_agree(benchmark: Benchmark) -> None:
    if benchmark.kind == "pair":
        assert len(benchmark.labels) > 1
        assert benchmark.chance == pytest.approx(100 / len(benchmark.labels))
        assert set((benchmark.label_values or {}).values()) <= set(range(len(benchmark.labels)))
    if benchmark.kind == "choice":
        assert benchmark.chance == 50.0


@ALL
def test_every_split_of_every_language_has_a_place(benchmark: Benchmark) -> None:
    for split in SPLITS:
        for code in benchmark.languages_of(split):
            source = benchmark.source_of(split, code)
            assert all(source.splits_of(split, code))
            assert not any("{" in (config or "") for config in source.configs_of(code))
            assert source.path == "lab" or re.fullmatch(r"[\w-]+/[\w.-]+", source.path)
            assert source.revision is None or re.fullmatch(r"[0-9a-f]{40}|refs/[\w/]+", source.revision)


def test_kinds_are_what_declarations_think_they_are() -> None:
    """Plans are made without torch, so which kinds retrieve is said twice."""
    retrieving = {name for name, kind in KINDS.items() if kind.retrieval is not None}
    assert retrieving == set(RETRIEVAL) & set(KINDS)
    calibrated = {name for name in retrieving if KINDS[name].retrieval.calibrate is not None}
    assert calibrated == set(CALIBRATED) & set(KINDS)


def test_index_refuses_doubles() -> None:
    with pytest.raises(RequestError, match="more than one is named xnli"):
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
