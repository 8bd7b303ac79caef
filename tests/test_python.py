"""`from xtransfer import Study, plan, run, open_results`: the library asks an entry point to run studies."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from tests.results.numbers import make, record_all, right
from tests.running import ROOT, environment
from xtransfer import Rounds, StudyResult, open_results, plan, run
from xtransfer.analysis.verdict import Verdict
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current
from xtransfer.report.tables import Grid, Number
from xtransfer.results.database import open_database
from xtransfer.running import runners
from xtransfer.running.notebook import gains_table
from xtransfer.running.plot import gains_plot
from xtransfer.running.runners import GROUP, Ran, Runner
from xtransfer.study.study import Study

_CALLS: list[dict[str, Any]] = []
_SAID = "nli@en is the best (95% over <all> looks)."


def pretended(study: Study, **options: Any) -> Ran:
    """A runner that trains nothing: the cells are recorded already."""
    _CALLS.append({"study": study, **options})
    return Ran(
        ("train a", "score b"),
        Path("reports/numbers/report.html").absolute(),
        ("seeds 7",),
        61.0,
        _SAID if study.rounds else "",
    )


def _installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    points = [EntryPoint(f"runner {number}", name, GROUP) for number, name in enumerate(names)]
    monkeypatch.setattr(runners, "entry_points", lambda group: [one for one in points if one.group == group])


@pytest.fixture
def result(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyResult]:
    """Of a recorded study with one degenerate cell, as `run` returns it."""
    made = make(
        home,
        lambda encoder, intermediate, seed: {"en": right(4), "de": right(3 if intermediate == "direct" else 8)},
        train_facts=lambda intermediate, seed: {"degenerate": "<b>the loss</b> never fell" if seed == 2 else None},
        intermediates=("direct", "nli@en"),
    )
    with open_database(current().database_url) as db:
        record_all(db, made)
    _installed(monkeypatch, "tests.test_python:pretended")
    _CALLS.clear()
    yield run(made.plan.study, workers=2, timeout_hours={"train": 1}, keep="scores", out="somewhere", progress=True)


def test_a_runner_gets_what_was_asked(result: StudyResult) -> None:
    (given,) = _CALLS
    assert given == {"study": result.study, "workers": 2, "per_device": None, "devices_per_stage": 1,
                     "timeout_hours": {"train": 1}, "keep": "scores", "budget": None, "out": Path("somewhere"),
                     "progress": True}  # fmt: skip
    with pytest.raises(RequestError, match=r"nowhere\.yaml: cannot be read"):
        run(Path("nowhere.yaml"))
    with pytest.raises(RequestError, match="keep: 'nothing' is not a choice"):
        run("lab", keep="nothing")  # type: ignore[arg-type]


def test_a_result_answers_questions(result: StudyResult, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XTRANSFER_HOME", str(tmp_path / "elsewhere"))  # the result is of where it was run
    assert set(result.gains(language="de", intermediate="nli@en")["gain"]) == {50.0}
    assert set(result.contrasts("nli@en", language="de")["difference"]) == {50.0}
    assert len(result.scores(seed=[0, 1], intermediate="direct")) == 4
    assert list(result.left_out()["seed"]) == [2, 2]
    with pytest.raises(RequestError, match="did you mean 'nli@en'"):
        result.gains(intermediate="nli@eng")
    with pytest.raises(TypeError, match="lang"):
        result.gains(lang="de")  # type: ignore[call-arg]


def test_a_plot_is_shown_and_written(result: StudyResult, tmp_path: Path) -> None:
    plot = result.plot()
    assert plot._repr_html_().startswith('<img alt="gain over direct, xnli on tiny@0" src="data:image/png;base64,')
    assert [one.read_bytes()[:5] for one in plot.save(tmp_path / "a" / "gains.svg")] == [b"<?xml"]
    assert [one.read_bytes()[:4] for one in result.plot("xnli", intervals=True).save(tmp_path / "gains.png")] == [
        b"\x89PNG"
    ]
    assert [one.read_bytes()[:4] for one in plot.save(tmp_path / "gains.pdf")] == [b"%PDF"]
    with pytest.raises(RequestError, match=r"gains\.eps: a plot is written as \.png, \.svg or \.pdf"):
        plot.save(tmp_path / "gains.eps")
    with pytest.raises(RequestError, match="nothing is compared"):
        gains_plot(result.gains(intermediate="direct"), intervals=False, encoder_named=True)


def test_a_notebook_shows_a_result(result: StudyResult, monkeypatch: pytest.MonkeyPatch) -> None:
    page = result._repr_html_()
    assert "numbers, 2 stages ran in 1 min 1 s" in page and "<th>de</th>" in page and "80.0<br>" in page
    assert "2 cells without usable scores" in page and "not part of this run: seeds 7" in page
    assert "report: reports/numbers/report.html" in page  # below the working folder
    assert str(result) == "<StudyResult: numbers, 2 stages ran in 1 min 1 s; report: reports/numbers/report.html>"
    with open_results() as results:
        assert repr(results) == "<Results: numbers>"
        assert "<td>numbers</td>\n      <td>6</td>\n      <td>4</td>" in results._repr_html_()


def test_a_study_by_rounds_has_a_budget_and_shows_what_they_have_shown(result: StudyResult) -> None:
    study = result.study.model_copy(update={"rounds": Rounds(until="likely")})
    by_rounds = run(study, budget="4cells")
    assert _CALLS[-1]["budget"] == "4cells" and _CALLS[-1]["study"].rounds.until == "likely"
    assert by_rounds.rounds == _SAID and repr(by_rounds).endswith(f"report.html> {_SAID}")
    assert "<p>nli@en is the best (95% over &lt;all&gt; looks).</p>" in by_rounds._repr_html_()
    assert result.rounds == "" and "<p></p>" not in result._repr_html_()
    with pytest.raises(RequestError, match="budget '4': write a time, such as 4h"):
        run(study, budget="4")


def test_what_a_notebook_shows_is_escaped() -> None:
    name = "<img src=x>"
    sure = Number(50.0, 10.0, 5.0, 15.0, Verdict("up", "<i>items</i>", "seeds", 3, 3))
    grid = Grid(name, name, [name], ["de"], {(name, "de"): sure}, {name: 3}, {name: 1}, 1)
    page = gains_table(grid)
    assert "<img" not in page and "<i>" not in page and page.count("&lt;img src=x&gt;") == 3
    assert "50.0<br><b>+10.0</b>" in page


def test_without_a_runner_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    _installed(monkeypatch)
    with pytest.raises(RequestError, match=f"no package declares an entry point '{GROUP}'.*pip install"):
        run("lab")
    _installed(monkeypatch, "flows.nothing:run")
    with pytest.raises(RequestError, match=r"'runner 0' \(flows.nothing:run\) cannot be imported"):
        run("lab")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"study": "lba"}, "no study 'lba'; did you mean 'lab'"),
        ({"study": "lab", "workers": 0}, "workers: 0 is not a valid number"),
        ({"study": "lab", "devices_per_stage": -1}, "devices_per_stage: -1 is not a valid number"),
        ({"study": "lab", "budget": "4h"}, "budget: is for a study by rounds"),
        ({"study": "lab-full", "small": True}, "has no small version"),
        ({"study": "lab", "timeout_hours": {"trian": 1}}, "no kind of stage 'trian'; did you mean 'train'"),
    ],
)
def test_wrong_requests_start_nothing(
    asked: dict[str, Any], said: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _installed(monkeypatch, "flows.runner:run")
    with pytest.raises(RequestError, match=said):
        run(**asked)
    assert not home.exists()


def test_a_plan_says_what_it_is() -> None:
    assert repr(plan("lab", small=True)) == "<Plan: lab-small, 12 cells, 20 stages (1 pretrain, 9 train, 10 score)>"


def test_our_own_runner_is_declared_and_takes_what_the_library_gives() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (value,) = project["entry-points"][GROUP].values()
    ours = inspect.signature(EntryPoint("prefect", value, GROUP).load()).parameters
    asked = inspect.signature(Runner.__call__).parameters
    assert {name: one.kind for name, one in ours.items()} == {
        name: one.kind for name, one in asked.items() if name != "self"
    }


_TWICE_IN_A_LOOP = """
import asyncio, os
from xtransfer import run

async def main():  # as in a notebook, whose cells run in an event loop
    before = dict(os.environ)
    for _ in range(2):
        result = run("tests/quick.yaml")
        assert result.ran.stages == () and len(result.scores()) == 44 and result.report.is_file()
    assert dict(os.environ) == before

asyncio.run(main())
"""


def declared_runner(folder: Path) -> str:
    """A folder for PYTHONPATH with the entry points of pyproject.toml, as an installation of it has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    info = folder / "declared_runner-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: declared-runner\nVersion: 1\n")
    lines = [f"{name} = {value}" for name, value in project["entry-points"][GROUP].items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]))
    return str(folder)


@pytest.mark.slow
def test_runs_in_an_event_loop_print_nothing_and_leave_no_setting(own_lab: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TWICE_IN_A_LOOP],
        cwd=ROOT,
        env=environment(own_lab, {"PYTHONPATH": declared_runner(tmp_path / "installed")}),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
