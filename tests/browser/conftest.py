"""One `xtransfer serve` and one browser for a file; what a failing test saw is kept."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.prefect_guard import KEY
from flows.prefect_login import link
from tests.browser.chromium import WINDOW, NoBrowser, chromium
from tests.running import MINUTES, ROOT, environment
from tests.training.tiny import make_encoder
from tests.warm import programs
from xtransfer.lab.text import parallel_text

_START_SECONDS = 5 * MINUTES


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained encoder that has read the laboratory's languages; pretraining one would take minutes."""
    text = [sentence for meaning in parallel_text(500) for sentence in meaning.values()]
    return make_encoder(tmp_path_factory.mktemp("encoder"), positions=66, text=text)


@dataclass(frozen=True)
class Served:
    """A home that is served, and the address of its pages."""

    home: Path
    address: str

    @property
    def key(self) -> str:
        """What Prefect's client says to the server: `user:password`."""
        return (self.home / "prefect" / KEY).read_text().strip()

    def link(self) -> str:
        """A new link to log in with, as `xtransfer serve` prints it in a terminal."""
        return link(f"{self.address}/api", self.key)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        with chromium() as found:
            yield found
    except NoBrowser as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def served(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`xtransfer serve` on a free port, ended as by Ctrl-C."""
    home = tmp_path_factory.mktemp("served")
    said = home / "serve.txt"
    with said.open("wb") as output:
        serve = subprocess.Popen(
            [str(programs() / "xtransfer"), "serve", "--port", "0", "--workers", "1"],
            cwd=ROOT,
            env=environment(home, {"OMP_NUM_THREADS": "1"}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Served(home, _address(serve, said))
    finally:
        serve.send_signal(signal.SIGINT)
        try:
            serve.wait(2 * MINUTES)
        finally:
            serve.kill()


def _address(serve: subprocess.Popen[bytes], said: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while not (found := re.search(r"Prefect UI\s+(http://\S+)", said.read_text())):
        assert serve.poll() is None and time.monotonic() < deadline, said.read_text()
        time.sleep(0.5)
    return found[1]


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """A page of somebody who has logged in, in a session of its own; none of its requests may leave this machine."""
    context = browser.new_context(viewport=WINDOW, base_url=served.address, reduced_motion="reduce")
    context.set_default_timeout(MINUTES * 1000)
    requests: list[str] = []
    context.on("request", lambda request: requests.append(request.url))
    opened = context.new_page()
    opened.goto(served.link())
    opened.wait_for_url("**/v2/deployments")
    yield opened
    context.close()
    own = (served.address, "data:", "blob:")
    assert requests and not [url for url in requests if not url.startswith(own)]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    values = getattr(item, "funcargs", {})
    if call.when == "call" and outcome.get_result().failed and {"page", "tmp_path"} <= set(values):
        folder = values["tmp_path"]
        values["page"].screenshot(path=folder / "failed.png", full_page=True)
        (folder / "failed.html").write_text(values["page"].content())
        print(f"what the page showed: {folder}/failed.png and failed.html")
