"""A person runs studies from Prefect's pages: fills in a form, watches, reads the answer, schedules and cancels."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import WINDOW
from tests.browser.conftest import Served
from tests.browser.form import Form
from tests.running import MINUTES, stages_of, wait_for

pytestmark = pytest.mark.slow
_RUN_SECONDS = 15 * MINUTES  # of a machine that does much else; a quiet one takes one
_CANCEL_SECONDS = 60  # 2 to 4 s were measured; this machine may be busy
_LOOKS = 200  # a third of a second apart
_LOOKS_AT_ARTIFACTS = 20
_SUBMITS = 5
_BUSY = 503  # what a server says that is to be asked again


def fill_in(form: Form, name: str, encoder: Path) -> None:
    """A study of seconds in the laboratory."""
    form.fill(name, "name")
    form.fill("Does German text first help to find translations?", "question")
    form.add("encoders", str(encoder))
    form.add("intermediates", "direct", "lab-text@de")
    form.add("targets", "lab-retrieval")
    recipes = (
        "intermediate_rows=480",
        "intermediate_recipe.learning_rate=5e-4",
        "intermediate_recipe.max_length=64",
        "target_recipe.max_length=64",
    )
    form.add("settings", *recipes)


def submitted(form: Form) -> None:
    """Submit, again where the server is busy, and go to the page of the run. The notice that links there is gone within
    seconds."""
    for _ in range(_SUBMITS):
        with form.page.expect_response(re.compile("/create_flow_run$"), timeout=5 * MINUTES * 1000) as answer:
            form.submit()
        if answer.value.status != _BUSY:
            break
    assert answer.value.ok, f"{answer.value.status}: {answer.value.text()}"
    form.page.goto(f"/v2/runs/flow-run/{answer.value.json()['id']}")


def shows(page: Any, state: str) -> None:
    """Wait until the run's page shows that state; one that was seen to stand still is loaded again."""
    text = page.locator("main").get_by_text(state, exact=True).first
    looks = itertools.count(1)

    def is_shown() -> bool:
        if next(looks) % _LOOKS == 0:
            page.reload()
        return bool(text.is_visible())

    wait_for(is_shown, _RUN_SECONDS)


def artifact(page: Any, key: str) -> None:
    """From a run's page to an artifact of it; the page does not look again for artifacts by itself."""
    page.get_by_role("tab", name="Artifacts").click()
    found = page.get_by_role("link").filter(has=page.get_by_role("heading", name=key, exact=True))
    looks = itertools.count(1)

    def is_there() -> bool:
        if next(looks) % _LOOKS_AT_ARTIFACTS == 0:
            page.reload()
        return bool(found.is_visible())

    wait_for(is_there, _RUN_SECONDS)
    found.click()
    page.get_by_role("link", name=re.compile("^[0-9a-f]{8}$")).first.click()
    page.get_by_role("tabpanel", name="Artifact").wait_for()


def test_a_study_is_filled_in_run_and_read(page: Any, served: Served, encoder: Path, tmp_path: Path) -> None:
    form = Form(page, "own-study")
    fill_in(form, "from-a-form", encoder)
    form.look_at("name")
    page.screenshot(path=tmp_path / "form.png")
    submitted(form)
    shows(page, "Completed")
    run = page.url
    page.screenshot(path=tmp_path / "run.png")

    artifact(page, "from-a-form-gains")
    page.get_by_role("row").filter(has_text="lab-text@de").first.wait_for()
    page.screenshot(path=tmp_path / "gains.png")

    page.goto(run)
    artifact(page, "from-a-form-heat-map-1")
    plot = page.get_by_role("tabpanel").get_by_role("img")
    plot.wait_for()
    assert plot.evaluate("image => image.naturalWidth") > 200
    page.screenshot(path=tmp_path / "heat-map.png")

    page.goto(run)
    artifact(page, "from-a-form-answer")
    page.get_by_text("Does German text first help to find translations?").first.wait_for()
    page.screenshot(path=tmp_path / "answer.png")

    page.goto(run)
    artifact(page, "from-a-form-samples")
    assert page.get_by_role("row").count() > 5
    page.screenshot(path=tmp_path / "samples.png")

    page.goto(run)
    artifact(page, "from-a-form-stages")
    page.get_by_role("row").filter(has_text="train lab-text@de seed 0").filter(has_text="done").wait_for()
    page.screenshot(path=tmp_path / "stages.png")

    page.goto(run)
    artifact(page, "from-a-form-progress")
    page.get_by_text("100%").first.wait_for()


def test_a_wrong_value_is_refused_in_the_form(page: Any, served: Served, encoder: Path, tmp_path: Path) -> None:
    form = Form(page, "own-study")
    fill_in(form, "Mine", encoder)
    form.fill("-1", "seeds")
    form.submit()
    assert form.field("seeds").locator("input:invalid").count() == 1  # the browser itself says why
    form.fill("0", "seeds")
    form.submit()
    page.get_by_text("does not match").first.wait_for()
    form.look_at("name")
    page.screenshot(path=tmp_path / "refused.png")
    assert page.url.partition("?")[0].endswith("/run")


def cancel(page: Any, served: Served) -> None:
    """Cancel the run whose page is shown, and see that its processes end."""
    menu = page.locator("main").get_by_role("button", name="Open menu").first
    item = page.get_by_role("menuitem", name="Cancel")

    def is_open() -> bool:  # a page that is loading yet may close it again
        if not (shown := item.is_visible()):
            menu.click()
        return bool(shown)

    wait_for(is_open)
    item.click()
    page.get_by_role("alertdialog").or_(page.get_by_role("dialog")).get_by_role(
        "button", name="Cancel Flow Run"
    ).click()
    wait_for(lambda: not stages_of(served.home), _CANCEL_SECONDS)
    shows(page, "Cancelled")
    assert not stages_of(served.home)


def test_a_form_fits_two_screens_and_says_nothing_of_none(page: Any, served: Served) -> None:
    for name in ("study", "own-study", "evaluation", "translation", "intermediate", "target"):
        assert Form(page, name).ends_at() <= 2 * WINDOW["height"], name
        assert page.get_by_text('Property is type "None"').count() == 0


def test_an_untouched_form_runs_the_default_which_is_watched_and_cancelled(
    page: Any, served: Served, tmp_path: Path
) -> None:
    submitted(Form(page, "study"))
    wait_for(lambda: bool(stages_of(served.home)), _RUN_SECONDS)
    shows(page, "Running")
    run = page.url
    page.screenshot(path=tmp_path / "running.png")
    artifact(page, "lab-progress")
    page.get_by_text(re.compile(r"lab: \d+ of 74 stages done")).first.wait_for()
    page.goto(run)
    cancel(page, served)
    page.screenshot(path=tmp_path / "cancelled.png")


@pytest.mark.storm
def test_a_schedule_without_parameters_runs_the_default(page: Any, served: Served, tmp_path: Path) -> None:
    page.goto("/v2/deployments")
    page.get_by_role("link", name="study", exact=True).click()
    page.get_by_role("button", name="Schedule", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.locator("[name='schedule.interval_value']").fill("1")  # minute
    dialog.get_by_role("button", name="Save").click()
    page.get_by_text("Every 1 minute", exact=True).wait_for()
    page.screenshot(path=tmp_path / "scheduled.png")
    wait_for(lambda: bool(stages_of(served.home)), _RUN_SECONDS)
    page.locator("main").get_by_role("button", name="Open menu").last.click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("alertdialog").or_(page.get_by_role("dialog")).get_by_role("button", name="Delete").click()
    page.get_by_text("Every 1 minute", exact=True).wait_for(state="hidden")
    running = page.locator("main").get_by_role("listitem").filter(has_text="auto-scheduled").filter(has_text="Running")
    running.get_by_role("link", name="lab", exact=True).first.click()
    page.wait_for_url("**/flow-run/**")
    shows(page, "Running")
    cancel(page, served)
