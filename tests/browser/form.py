"""The form of a deployment as a person fills it in."""

from __future__ import annotations

import re
from typing import Any

_STILL = 20  # looks, a tenth of a second apart, in which nothing of a form moves


class Form:
    """A deployment's custom run."""

    def __init__(self, page: Any, deployment: str) -> None:
        self.page = page
        page.goto("/v2/deployments")
        page.get_by_role("link", name=deployment, exact=True).click()
        page.get_by_role("button", name="Run", exact=True).click()
        page.get_by_role("menuitem", name=re.compile("custom run", re.IGNORECASE)).click()
        page.get_by_role("heading", name="Parameters").wait_for()

    def field(self, *titles: str) -> Any:
        """The box below a field's title; several titles lead through the boxes that fields lie in."""
        found = self.page.locator("form")
        for title in titles:
            exactly = re.compile(rf"^{re.escape(title)}( \(Optional\))?$")
            label = found.locator("label").filter(has_text=exactly).first
            found = label.locator("xpath=../../following-sibling::fieldset[1]")
        return found

    def fill(self, value: str, *titles: str) -> None:
        """Fill in a text or a number, of an optional one too."""
        field = self.field(*titles)
        field.locator("input, textarea").first.fill(value)

    def choose(self, kind: str, *titles: str) -> None:
        """Switch a field of several kinds (`int` or `None`) to one of them."""
        self.field(*titles).get_by_role("tab", name=kind, exact=True).click()

    def select(self, value: str, *titles: str) -> None:
        """Choose from a field's list of values."""
        self.field(*titles).get_by_role("combobox").or_(self.field(*titles).get_by_role("button")).first.click()
        self.page.get_by_role("option", name=value, exact=True).click()

    def add(self, title: str, *values: str) -> None:
        """Add items to a list."""
        field = self.field(title)
        for value in values:
            field.get_by_role("button", name="Add item").click()
            field.get_by_role("textbox").last.fill(value)

    def look_at(self, *titles: str) -> None:
        """Bring a field into the middle of the window."""
        self.field(*titles).evaluate("field => field.scrollIntoView({block: 'center'})")

    def ends_at(self) -> float:
        """How far the form reaches down the page, in pixels, once it is drawn: its fields come after its frame, and
        shrink to what they hold."""
        form = self.page.locator("form")
        form.locator("fieldset").first.wait_for()
        still = 0
        before = None
        while still < _STILL:
            self.page.wait_for_timeout(100)
            box = form.bounding_box()
            still = still + 1 if box == before else 0
            before = box
        return float(box["y"] + box["height"] + self.page.evaluate("window.scrollY"))

    def submit(self) -> None:
        self.page.get_by_role("button", name="Submit").click()
