"""Pages of other origins try to start, change and read something on `xtransfer serve` through a user's browser."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.browser.conftest import Served

pytestmark = pytest.mark.slow
SITES = ["http://evil.example", "http://127.0.0.1"]  # another name, and only another port of the same
FORBIDDEN = 403
# What a page can do, with and without preflight, and even if it knew the key. Returns what came of each try.
ATTACK = """
async ({base, deployment, basic}) => {
  const api = base + "/api", one = `${api}/deployments/${deployment}`
  const run = JSON.stringify({parameters: {study: "lab-full"}, job_variables: {command: "touch pwned"}})
  const json = {"content-type": "application/json"}, text = {"content-type": "text/plain"}
  const key = {Authorization: "Basic " + basic}
  const post = (url, headers, body, more) => () => fetch(url, {method: "POST", headers, body, ...more})
  const tries = {
    "start, JSON": post(one + "/create_flow_run", json, run),
    "start, JSON and key": post(one + "/create_flow_run", {...json, ...key}, run),
    "start, text": post(one + "/create_flow_run", text, run),
    "start, no type": post(one + "/create_flow_run", {}, new Blob([run])),
    "start, blind": post(one + "/create_flow_run", {}, new Blob([run]), {mode: "no-cors", credentials: "include"}),
    "start, beacon": async () => ({status: navigator.sendBeacon(one + "/create_flow_run", run) ? 0 : 1}),
    "pause, text": post(one + "/pause_deployment", text, ""),
    "pause, blind": post(one + "/pause_deployment", {}, undefined, {mode: "no-cors"}),
    "pause, key": post(one + "/pause_deployment", key, undefined),
    "change, key": () => fetch(one, {method: "PATCH", headers: {...json, ...key}, body: '{"description": "pwned"}'}),
    "read, JSON": post(api + "/flows/filter", json, "{}"),
    "read, key": post(api + "/flows/filter", {...json, ...key}, "{}"),
    "read, plain": () => fetch(api + "/admin/settings"),
    "read, health": () => fetch(api + "/health"),
    "read, settings of the UI": () => fetch(base + "/ui-settings"),
    "a code": post(base + "/xtransfer/codes", key, ""),
  }
  const found = {}
  for (const [name, tried] of Object.entries(tries)) {
    try { found[name] = (await tried()).status } catch { found[name] = "failed" }
  }
  const token = atob(basic)
  const socket = (path, protocols) => new Promise(done => {
    const opened = new WebSocket(api.replace("http", "ws") + path, protocols)
    opened.onopen = () => {
      opened.send(JSON.stringify({type: "auth", token}))
      if (!protocols.length) done("open")
    }
    opened.onmessage = message => done(JSON.parse(message.data).type)
    opened.onerror = () => done("failed")
    setTimeout(() => done("silent"), 20000)
  })
  for (const path of ["/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled",
                      "/work_pools/local/workers/connect"]) {
    for (const protocols of [[], ["prefect"]]) {
      found[`socket ${path} ${protocols}`] = await socket(path, protocols)
    }
  }
  const framed = fill => new Promise(done => {
    const frame = document.body.appendChild(document.createElement("iframe"))
    frame.name = "frame" + document.querySelectorAll("iframe").length
    frame.onload = () => frame.contentDocument?.URL === "about:blank" || done()
    fill(frame)
    setTimeout(done, 5000)
  })
  const form = (action, method, enctype) => framed(frame => {
    const made = document.body.appendChild(document.createElement("form"))
    const field = made.appendChild(document.createElement("input"))
    Object.assign(made, {action, method, enctype, target: frame.name})
    field.name = '{"parameters": {"study": "lab-full"}, "name": "'
    field.value = '"}'
    made.submit()
  })
  await form(one + "/create_flow_run", "post", "text/plain")
  await form(one + "/create_flow_run", "post", "application/x-www-form-urlencoded")
  await form(one + "/pause_deployment", "post", "text/plain")
  await form(one, "get", "text/plain")
  await framed(frame => { frame.src = base + "/v2/deployments" })
  await framed(frame => { frame.src = api + "/health" })
  for (const kind of ["script", "img"]) {
    await new Promise(done => {
      const made = document.createElement(kind)
      made.onload = made.onerror = done
      made.src = base + "/ui-settings"
      document.body.appendChild(made)
    })
  }
  return found
}
"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title><body>")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server with a page, under whatever name."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def api(served: Served) -> Iterator[httpx.Client]:
    user, _, password = served.key.partition(":")
    with httpx.Client(base_url=f"{served.address}/api", auth=(user, password), timeout=60) as client:
        yield client


@pytest.fixture
def opened(browser: Any, served: Served) -> Iterator[Any]:
    """A page in a browser whose user is logged in."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.link())
    page.wait_for_url("**/v2/deployments")
    yield page
    context.close()


def _deployment(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/deployments/name/run-named-study/study").json()
    return found


def _attack(page: Any, served: Served, api: httpx.Client) -> dict[str, Any]:
    basic = b64encode(served.key.encode()).decode()
    found: dict[str, Any] = page.evaluate(
        ATTACK, {"base": served.address, "deployment": _deployment(api)["id"], "basic": basic}
    )
    return found


@pytest.mark.parametrize("site", SITES)
def test_a_page_of_another_origin_starts_changes_and_reads_nothing(
    opened: Any, served: Served, api: httpx.Client, port: int, site: str
) -> None:
    before = _deployment(api)
    runs = api.post("/flow_runs/count", json={}).json()
    opened.goto(f"{site}:{port}/")
    answers: list[tuple[int, str]] = []
    opened.on("response", lambda response: answers.append((response.status, response.url)))
    found = _attack(opened, served, api)
    assert {name: one for name, one in found.items() if one != "failed"} == {"start, blind": 0, "pause, blind": 0,
                                                                             "start, beacon": 0}  # fmt: skip
    ours = [(status, url) for status, url in answers if url.startswith(served.address)]
    assert len(ours) > 5 and {status for status, _ in ours} == {FORBIDDEN}, ours
    after = _deployment(api)
    assert (after["paused"], after["description"]) == (False, before["description"])
    assert api.post("/flow_runs/count", json={}).json() == runs


def test_the_same_from_its_own_page_works(opened: Any, served: Served, api: httpx.Client) -> None:
    """So that what the others try is right."""
    found = _attack(opened, served, api)
    worked = {name for name, one in found.items() if one in (200, 201, 204, "auth_success")}
    assert {"start, JSON and key", "pause, key", "change, key", "read, key", "read, health", "a code"} <= worked
    assert {f"socket {path} prefect" for path in ("/events/in", "/events/out", "/logs/out")} <= worked
    assert found["start, JSON"] == found["pause, text"] == found["read, JSON"] == 401  # no cookie logs a page in
    assert _deployment(api)["paused"] and api.post("/flow_runs/count", json={}).json() > 0


def test_a_link_on_another_page_opens_the_ui_and_nothing_of_the_api(opened: Any, served: Served, port: int) -> None:
    statuses = []
    for path in ("/v2/deployments", "/api/health"):
        opened.goto(f"http://evil.example:{port}/")
        opened.evaluate("url => { document.body.innerHTML = `<a href='${url}'>a link</a>` }", served.address + path)
        with opened.expect_response(served.address + path) as answer:
            opened.get_by_text("a link").click()
        statuses.append(answer.value.status)
    assert statuses == [200, FORBIDDEN]


def test_a_name_that_was_pointed_at_this_machine_is_refused(opened: Any, served: Served) -> None:
    answer = opened.goto(f"http://rebound.example:{urlsplit(served.address).port}/v2/deployments")
    assert answer.status == 421


def test_a_link_logs_in_once(browser: Any, served: Served) -> None:
    link = served.link()
    for text in ("Deployments", "This link was used before"):
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        page.get_by_text(text).first.wait_for()
        context.close()
