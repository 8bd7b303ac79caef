"""Published figures: possible, sourced, each once, and in agreement with the arithmetic of their papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import pytest
from sqlalchemy import delete, select, update

from xtransfer import benchmarks
from xtransfer.base.errors import DataError, RequestError
from xtransfer.metrics.aggregate import SUITES
from xtransfer.results import published
from xtransfer.results.database import open_database
from xtransfer.results.published import Figure, figures, paper, papers
from xtransfer.results.schema import PublishedRow

EVERY = [one for each in papers().values() for one in each.listed()]
OWN_NAMES = {  # of benchmarks that are none of ours: other data, another scale, or a total of their own
    "lareqa-mgte", "xtreme-r-mgte", "lareqa-xquad-r", "copa-english-test", "stsb-translated-2018", "sts2017-es-es",
    "sts2017-es-en", "snli-translated-2018", "amazon-sentiment", "held-out-translations-of-1000", "eigen-similarity",
    "mr", "cr", "subj", "mpqa", "trec", "sst",
}  # fmt: skip


def value(slug: str, model: str, benchmark: str, metric: str, language: str = "", setting: str = "") -> float:
    found = [
        one.value
        for one in papers()[slug].listed()
        if (one.block.model, one.benchmark, one.metric, one.language) == (model, benchmark, metric, language)
        and setting in ("", one.block.setting)
    ]
    assert len(found) == 1, (slug, model, benchmark, metric, found)
    return found[0]


def qa(slug: str, model: str, benchmark: str) -> float:
    prefix = "mlqa_" if benchmark == "mlqa" else ""
    return fmean(value(slug, model, benchmark, f"{prefix}{metric}") for metric in ("exact_match", "f1"))


def test_every_file_is_read_and_every_figure_has_a_source() -> None:
    assert len(EVERY) == 452 and set(papers()) == {file.stem for file in published.FOLDER.iterdir()}
    for one in EVERY:
        assert one.block.source and one.block.model and one.block.setting


def test_figures_stand_once_over_all_papers() -> None:
    assert len({one.key for one in EVERY}) == len(EVERY)


def test_benchmarks_are_ours_or_have_a_name_of_their_own() -> None:
    groups = {f"{suite.name}:{group}" for suite in SUITES.values() for group in suite.groups}
    ours = set(benchmarks.BENCHMARKS)
    assert {one.benchmark for one in EVERY} <= ours | set(SUITES) | groups | OWN_NAMES
    assert not ours & OWN_NAMES


def test_metrics_and_languages_of_our_benchmarks_are_theirs() -> None:
    for one in EVERY:
        if declared := benchmarks.BENCHMARKS.get(one.benchmark):
            assert one.metric in (declared.metric, *declared.also), one.key
            assert one.language in ("", *declared.languages), one.key


def test_num_languages_are_those_of_the_benchmark_unless_a_note_says_otherwise() -> None:
    for each in papers().values():
        for name, count in each.num_languages.items():
            declared = benchmarks.BENCHMARKS.get(name)
            if declared and count != len(declared.languages):
                assert str(count) in " ".join(each.protocol[name])


def _tolerance(values: Sequence[float], mean: float) -> float:
    """What rounding of the languages and of the mean can make at most."""
    digits = max(len(str(one).partition(".")[2]) for one in values)
    mean_digits = len(str(mean).partition(".")[2])
    return 0.5 * 10**-digits + 0.5 * 10**-mean_digits + 1e-9


def test_means_agree_with_their_languages() -> None:
    groups: dict[tuple[str, ...], list[Figure]] = {}
    for one in EVERY:
        groups.setdefault((one.paper, one.block.model, one.block.setting, one.benchmark, one.metric), []).append(one)
    checked = 0
    for place, several in groups.items():
        mean = [one for one in several if not one.language]
        values = [one.value for one in several if one.language]
        if not mean or not values:
            continue
        assert len(values) == mean[0].num_languages, place
        assert fmean(values) == pytest.approx(mean[0].value, abs=_tolerance(values, mean[0].value)), place
        checked += 1
    assert checked == 9  # BUCC and Tatoeba as it comes, XNLI, MLQA twice, four systems on XCOPA


def test_groups_of_the_leaderboard_agree_with_its_rows() -> None:
    for model in ("X-STILTs", "XLM-R Large"):
        parts = {
            "classification": fmean(value("rembert", model, name, "accuracy") for name in ("xnli", "paws-x")),
            "tagging": fmean(value("rembert", model, name, "tag_f1") for name in ("udpos", "panx")),
            "qa": fmean(qa("rembert", model, name) for name in ("xquad", "mlqa", "tydiqa")),
        }
        for group, expected in parts.items():
            one = next(one for one in papers()["rembert"].listed()
                       if one.block.model == model and one.benchmark == f"xtreme:{group}")  # fmt: skip
            agrees = abs(one.value - expected) <= 0.1 + 1e-9
            assert agrees != one.block.differs_from_parts, (model, group, one.value, expected)
            if one.block.differs_from_parts:
                assert f"{round(expected, 2):g}" in one.block.note


def test_derived_totals_are_what_the_arithmetic_gives() -> None:
    total, gain = (value("phang_2020", "X-STILTs", "xtreme", metric, setting="best intermediate per target")
                   for metric in ("score", "gain"))  # fmt: skip
    assert total == pytest.approx(value("xtreme", "XLM-R Large", "xtreme", "score") + gain)
    seven = sum(value("rembert", "X-STILTs", *place) for place in
                (("xnli", "accuracy"), ("paws-x", "accuracy"), ("udpos", "tag_f1"), ("panx", "tag_f1")))  # fmt: skip
    seven += sum(qa("rembert", "X-STILTs", name) for name in ("xquad", "mlqa", "tydiqa"))
    retrieval = value("phang_2020", "X-STILTs", "xtreme:retrieval", "score")
    assert seven == pytest.approx(508.6) and retrieval == pytest.approx((9 * total - seven) / 2)
    base = fmean([value("xtreme", "XLM-R Large", "bucc", "bitext_f1"),
                  value("xtreme", "XLM-R Large", "tatoeba", "accuracy")])  # fmt: skip
    assert value("phang_2020", "X-STILTs", "xtreme:retrieval", "gain") == pytest.approx(retrieval - base)


@pytest.mark.parametrize("model", ["mBERT-base", "XLM-R-base", "mGTE-MLM-2048", "mGTE-MLM-8192"])
def test_the_average_of_mgte_leaves_exact_match_out(model: str) -> None:
    parts = [one.value for one in papers()["mgte"].listed()
             if one.block.model == model and one.metric != "exact_match" and one.metric != "mlqa_exact_match"
             and one.benchmark != "xtreme-r-mgte"]  # fmt: skip
    assert len(parts) == 10
    assert fmean(parts) == pytest.approx(value("mgte", model, "xtreme-r-mgte", "score"), abs=0.005 + 1e-9)


def test_a_paper_shows_the_nearest_figures_of_others() -> None:
    found = {one.paper for one in figures("xtreme_r")}
    assert found == {"xtreme_r", "mgte", "xcopa", "lareqa"}
    assert {one.block.model for one in figures("phang_2020")} == {"X-STILTs", "XLM-R Large"}
    with pytest.raises(RequestError, match="no paper 'xtremer'; did you mean 'xtreme_r'"):
        figures("xtremer")
    for one in papers().values():
        assert all(paper(other.paper) for other in one.nearest)


def test_chance_values_and_collapsed_runs_are_marked() -> None:
    marked = {(one.paper, one.block.model, one.language) for one in EVERY if one.block.incomparable}
    assert ("mgte", "XLM-R-base", "") in marked and ("xcopa", "XLM-R Large", "qu") in marked
    row = next(one.row() for one in EVERY if one.key[:2] == ("xcopa", "XLM-R Large") and one.language == "ht")
    assert row["note"].endswith("not comparable: theirs is an assumed chance value") and row["n_languages"] is None


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ("{xnli: {accuracy: {mean: 101.0}}}", "101.0 is not between 0 and 100"),
        ("{xnli: {acuracy: {mean: 1.0}}}", "no metric 'acuracy'"),
        ("{xnli: {accuracy: {xx: 1.0}}}", "no language 'xx'"),
    ],
)
def test_an_impossible_figure_is_refused(scores: str, said: str, tmp_path: Path) -> None:
    block = f"{{model: m, setting: s, source: t, trust: paper, scores: {scores}}}"
    file = tmp_path / "mine.yaml"
    file.write_text(f"paper: mine\ntitle: t\nfigures:\n - {block}\n")
    with pytest.raises(DataError, match=f"mine.yaml.*{said}"):
        published._read(file)
    file.write_text(
        f"paper: mine\ntitle: t\nfigures:\n - {block}\n - {block}\n".replace(scores, "{a: {f1: {mean: 1}}}")
    )
    with pytest.raises(DataError, match="listed twice"):
        published._read(file)


def test_the_table_is_made_equal_to_the_files(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'results.db'}"
    with open_database(url) as db, db.begin() as connection:
        stored = connection.execute(select(PublishedRow.__table__)).mappings().all()
        assert sorted(map(str, map(dict, stored))) == sorted(str(one.row()) for one in EVERY)
        connection.execute(delete(PublishedRow).where(PublishedRow.paper == "mgte"))
        connection.execute(update(PublishedRow).where(PublishedRow.paper == "xcopa").values(value=1.0))
    for _ in range(2):
        with open_database(url) as db, db.begin() as connection:
            values = connection.scalars(select(PublishedRow.value).order_by(PublishedRow.value)).all()
            assert values == sorted(one.value for one in EVERY)
