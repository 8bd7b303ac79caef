"""The smaller flows, one after the other on one server: what one has made is the next one's input, and none is made
twice."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.running import MINUTES, ROOT, Ran, environment, xtransfer
from tests.warm import programs

pytestmark = pytest.mark.slow

SCRIPT = """
import json, sys
from dataclasses import replace
from pathlib import Path
from flows.prefect_server import prefect_api
from xtransfer.translation import engines

marian = engines.get("lab-marian")  # less of it: it need not translate well, but so that some rows pass their checks
less = replace(marian, recipe=marian.recipe.model_copy(update={"steps": 150}))
engines.ENGINES = {"lab-marian": less, "back": replace(less, name="back", to_english=True)}

with prefect_api(Path(sys.argv[1])):
    from prefect.client.orchestration import get_client
    from flows.finetune_target import finetune_target
    from flows.train_intermediate import train_intermediate
    from flows.translate_data import translate_data

    little = dict(rows=48, recipe={"epochs": 1, "batch_size": 16, "max_length": 64})
    after = {f"after_{name}": value for name, value in little.items()}
    made = [
        translate_data("lab-nli", ["tr"], "lab-marian", rows=48, way_back="back"),
        train_intermediate("lab-mini@0", "lab-nli@tr~lab-marian", [3], **little),
        finetune_target("lab-mini@0", "lab-inference", "lab-nli@tr~lab-marian", [3], **little, **after),
        finetune_target("lab-mini@0", "lab-inference", "lab-nli@tr~lab-marian", [3], **little, **after),
    ]
    try:
        translate_data("lab-nli", ["zh"], "lab-marian")
    except Exception as error:
        refused = f"{type(error).__name__}: {error}"
    try:
        train_intermediate("lab-mini@0", "lab-nli@en", [3], **little, options=["timeout_hours.train=1e-5"])
    except Exception as error:
        late = f"{type(error).__name__}: {error}"
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/latest/filter", json={}).json()
        pages = {page["key"]: json.loads(page["data"]) for page in found if page["type"] == "table"}
        texts = {page["key"].rsplit("-", 1)[-1]: page["data"] for page in found if page["type"] == "markdown"}
        names = [run.name for run in client.read_flow_runs(sort="START_TIME_ASC", limit=50)]
print(json.dumps({"made": made, "refused": refused, "late": late, "pages": pages, "texts": texts, "names": names}))
"""


@pytest.fixture(scope="module")
def ran(small_lab: Ran, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("made") / "home"
    small_lab.give_encoder(home / "artifacts")
    command = [str(programs() / "python"), "-c", SCRIPT, str(home)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(home, {}), capture_output=True, text=True, timeout=15 * MINUTES, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    found: dict[str, Any] = {"home": home, **json.loads(done.stdout.splitlines()[-1])}
    return found


def test_what_was_made_is_in_the_store_under_its_key(ran: dict[str, Any]) -> None:
    listed = xtransfer(ran["home"], "store", "ls").stdout
    assert [len(made) for made in ran["made"]] == [2, 1, 1, 1]
    for made in ran["made"]:
        for name, key in made.items():
            assert name in listed and key[:8] in listed


def test_a_second_run_makes_nothing(ran: dict[str, Any]) -> None:
    assert ran["made"][2] == ran["made"][3]
    made = Path(ran["home"]) / "artifacts"
    assert (
        len(list(made.glob("*/*/manifest.json"))) == 7
    )  # encoder, two translators, translation and its way back, two trainings


def test_what_was_made_lately_is_kept_though_no_study_needs_it(ran: dict[str, Any]) -> None:
    done = xtransfer(ran["home"], "store", "gc", "--yes")
    assert done.returncode == 0 and done.stdout.startswith("to remove: 0 artifacts"), done.stderr
    assert len(list((Path(ran["home"]) / "artifacts").glob("*/*/manifest.json"))) >= 7


def test_pages_say_what_was_made(ran: dict[str, Any]) -> None:
    by_artifact = {row["artifact"]: row for page in ran["pages"].values() for row in page if "artifact" in row}
    translation = by_artifact["translate lab-nli to tr by lab-marian"]
    assert translation["key"] == ran["made"][0]["translate lab-nli to tr by lab-marian"]
    assert translation["cached"] == "" and translation["seconds"] > 0
    last = by_artifact["train lab-inference after lab-nli@tr~lab-marian seed 3"]
    assert last["cached"] == "yes"  # the second run's page


def test_pages_show_quality_and_sentences_of_a_translation(ran: dict[str, Any]) -> None:
    pages = {key.rsplit("-", 1)[-1]: page for key, page in ran["pages"].items() if key.startswith("lab-nli-by")}
    (quality,) = pages["quality"]
    assert quality["language"] == "tr" and quality["rows"] == 48 and 0 < quality["chrF2"] <= 100
    assert 0 < quality["round trip"] <= 100
    assert quality["BLEU"] is not None and quality["sentences per second"] > 0
    assert ran["texts"]["sentences"].startswith("### tr") and "  → " in ran["texts"]["sentences"]
    dropped = sum(row["rows"] for row in pages.get("drops", []))
    assert dropped == 48 - quality["kept"] and bool(dropped) == ("dropped" in ran["texts"])


def test_the_command_shows_the_same_and_makes_nothing_again(ran: dict[str, Any]) -> None:
    asked = ("translate", "lab-nli", "--to", "de,tr", "--engine", "parallel", "--rows", "48", "--json")
    said = json.loads(xtransfer(ran["home"], *asked).stdout)
    assert [row["kept"] for row in said["quality"]] == [48, 48] and said["dropped"] == []
    assert len(said["sentences"]) == 10 and len(said["artifacts"]) == 2


def test_names_say_what_on_what_in_which_language(ran: dict[str, Any]) -> None:
    assert ran["names"][:3] == [
        "lab-nli to tr by lab-marian, first 48",
        "lab-mini@0 on lab-nli@tr~lab-marian, seeds 3",
        "lab-mini@0 on lab-inference after lab-nli@tr~lab-marian, seeds 3",
    ]


def test_what_cannot_be_made_is_refused_with_what_can(ran: dict[str, Any]) -> None:
    assert ran["refused"].startswith("RequestError") and "translates to de, tr" in ran["refused"]


def test_what_takes_too_long_is_ended(ran: dict[str, Any]) -> None:
    assert ran["late"].startswith("NotMade") and "train lab-nli@en seed 3" in ran["late"] and "took over" in ran["late"]
