"""What the Prefect server refuses: requests by pages of another origin, and login codes that are wrong or used."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from flows import prefect_login
from flows.prefect_app import LOOPBACK, POLICY, guarded
from flows.prefect_login import CODES, LOGIN

AUTH = "xtransfer:secret"
BASIC = {"authorization": "Basic " + b64encode(AUTH.encode()).decode()}
OWN = "127.0.0.1:4200"
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"page"})


class Server:
    """The guard around an application that answers 200 to everything."""

    def __init__(self, hosts: tuple[str, ...] | None = LOOPBACK) -> None:
        self._app = guarded(_app, hosts, AUTH)

    def sent(
        self,
        headers: dict[str, str] | list[tuple[str, str]],
        method: str = "GET",
        path: str = "/api/deployments/filter",
        body: bytes = b"",
        kind: str = "http",
    ) -> list[dict[str, Any]]:
        """What it sends for a request that names 127.0.0.1:4200, where `headers` does not say otherwise."""
        pairs = list(headers.items()) if isinstance(headers, dict) else headers
        if not any(name == "host" for name, _ in pairs):
            pairs = [("host", OWN), *pairs]
        scope = {
            "type": kind,
            "path": path,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in pairs],
        } | ({"method": method} if kind == "http" else {})
        found: list[dict[str, Any]] = []

        async def send(message: Any) -> None:
            found.append(dict(message))

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        asyncio.run(self._app(scope, receive, send))
        return found

    def status(self, headers: Any, method: str = "GET", path: str = "/api/deployments/filter") -> int:
        status: int = self.sent(headers, method, path)[0]["status"]
        return status

    def post(self, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
        start, rest = self.sent(headers, "POST", path, body)
        return start["status"], rest["body"].decode()


FOREIGN: list[dict[str, str]] = [
    {"origin": "http://evil.example"},
    {"origin": "https://evil.example:4200"},
    {"origin": "http://127.0.0.1.evil.example:4200"},
    {"origin": "http://127.0.0.1:8000"},  # a server of another user of this machine
    {"origin": "http://127.0.0.1"},
    {"origin": "https://127.0.0.1"},
    {"origin": "http://localhost:4200"},  # of another name, which may be another server's
    {"origin": "http://[::1]:4200"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "127.0.0.1:4200"},
    {"origin": "file://"},
    {"origin": "chrome-extension://abc"},
    {"origin": "http://user@127.0.0.1:4200"},
    {"origin": "http://127.0.0.1:4200/"},
    {"origin": "http://127.0.0.1:4200 http://evil.example"},
    {"origin": "http://127.0.0.1:x"},
    {"origin": "http://[127.0.0.1:4200"},
    {"origin": "http://127.0.0.1:4200", "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "of-another-kind"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    LINK,  # below /api
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_origin_is_refused(headers: dict[str, str], method: str) -> None:
    """With the password too, and behind any name."""
    assert Server().status(headers, method) == 403
    assert Server(None).status({**headers, **BASIC}, method) == 403


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_websocket_of_another_origin_is_closed_before_it_opens(headers: dict[str, str]) -> None:
    closed = [{"type": "websocket.close", "code": 1008}]
    assert Server().sent({**headers, **BASIC}, kind="websocket", path="/api/events/in") == closed


def test_several_origins_hosts_or_sites_are_refused() -> None:
    own = f"http://{OWN}"
    assert Server().status([("origin", own), ("origin", own)]) == 403
    assert Server().status([("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]) == 403
    assert Server(None).status([("host", "evil.example"), ("host", OWN), ("origin", own)]) == 421


def test_a_refusal_lets_no_page_read_it() -> None:
    names = [name for name, _ in Server().sent({"origin": "http://evil.example"}, "OPTIONS")[0]["headers"]]
    assert not [name for name in names if name.startswith(b"access-control")]


SERVED: list[dict[str, str]] = [
    {},  # curl, Prefect's Python client
    {"origin": "http://127.0.0.1:4200", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"},
    {"origin": "https://127.0.0.1:4200"},
    {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    {"host": "LOCALHOST:4200", "origin": "http://localhost:4200"},
    {"host": "localhost", "origin": "http://localhost"},
    {"host": "[::1]:4200", "origin": "http://[::1]:4200"},
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("headers", SERVED, ids=str)
def test_its_own_pages_and_other_clients_are_served(headers: dict[str, str], method: str) -> None:
    assert Server().status(headers, method) == 200
    assert Server().sent(headers, kind="websocket") == [{"type": "websocket.accept"}]


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "gpu.example", "origin": "https://gpu.example"},  # a proxy with TLS
        {"host": "gpu.example:443", "origin": "https://gpu.example"},
        {"host": "gpu.example", "origin": "http://gpu.example:80"},
        {"host": "gpu.example:8443", "origin": "https://gpu.example:8443"},
    ],
    ids=str,
)
def test_behind_a_proxy_its_origin_is_the_host_that_it_passes_on(headers: dict[str, str]) -> None:
    assert Server(None).status(headers, "POST") == 200


def test_a_link_from_elsewhere_opens_a_page_of_the_ui() -> None:
    page = "/v2/runs/flow-run/1"
    assert Server().status(LINK, path=page) == 200
    assert Server().status({**LINK, "sec-fetch-site": "same-site"}, path=page) == 200
    for other in ({"sec-fetch-dest": "iframe"}, {"sec-fetch-mode": "no-cors"}, {"origin": "null"}):
        assert Server().status({**LINK, **other}, path=page) == 403
    assert Server().status(LINK, "POST", page) == 403
    for path in ("/api", "/api/", "/api/flows/1"):
        assert Server().status(LINK, path=path) == 403
    assert Server().sent(LINK, path=page, kind="websocket") == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("host", ["127.0.0.1:4200", "localhost", "LOCALHOST:1", "[::1]:4200"])
def test_this_machine_may_speak_to_the_server(host: str) -> None:
    start = Server().sent({"host": host})[0]
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-security-policy"].decode() == POLICY
    assert dict(start["headers"])[b"cross-origin-resource-policy"] == b"same-origin"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4200", "127.0.0.1.evil.example", "", "[::2]:4200", "["])
def test_a_name_of_another_site_is_refused(host: str) -> None:
    """As after DNS rebinding, where the origin is the host."""
    for headers in ({"host": host}, {"host": host, "origin": f"http://{host}", **BASIC}):
        assert Server().status(headers) == 421
        assert Server().sent(headers, kind="websocket") == [{"type": "websocket.close", "code": 1008}]


def test_behind_a_proxy_any_name_will_do() -> None:
    assert Server(None).status({"host": "gpu-7.example"}) == 200


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"])
def test_the_documentation_of_the_api_needs_the_password(path: str) -> None:
    assert Server().status({}, path=path) == 401
    assert Server().status({"authorization": BASIC["authorization"] + "x"}, path=path) == 401
    assert Server().status(BASIC, path=path) == 200


def test_a_code_logs_in_once() -> None:
    server = Server()
    page = server.sent({}, path=LOGIN)
    assert page[0]["status"] == 200 and (b"cache-control", b"no-store") in page[0]["headers"]
    assert server.post(CODES, {})[0] == server.post(CODES, {"authorization": "Basic x"})[0] == 401
    status, code = server.post(CODES, BASIC)
    assert status == 200 and len(code) > 40
    assert server.post(LOGIN, {}, b"wrong")[0] == server.post(LOGIN, {})[0] == 403
    assert server.post(LOGIN, {"origin": "http://evil.example"}, code.encode())[0] == 403
    assert server.post(LOGIN, {"origin": f"http://{OWN}"}, code.encode()) == (200, b64encode(AUTH.encode()).decode())
    status, said = server.post(LOGIN, {}, code.encode())
    assert status == 403 and "xtransfer serve" in said
    assert server.status({}, "DELETE", LOGIN) == server.status({}, "GET", CODES) == 405


def test_a_code_that_is_too_old_logs_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server()
    now = 1000.0
    monkeypatch.setattr(prefect_login.time, "monotonic", lambda: now)
    early, late = server.post(CODES, BASIC)[1], server.post(CODES, BASIC)[1]
    now += 3500
    assert server.post(LOGIN, {}, early.encode())[0] == 200
    now += 101
    assert server.post(LOGIN, {}, late.encode())[0] == 403
