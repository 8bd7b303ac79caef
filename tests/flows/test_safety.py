"""Who may speak to the server, and how a password comes to it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from flows import cli, password
from flows.prefect_app import LOOPBACK, POLICY, guarded
from flows.prefect_server import Place, prefect_api
from flows.private import read_json, write_json
from tests.running import xtransfer
from xtransfer.errors import RequestError


async def _app(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"page"})


def _answer(host: str, hosts: tuple[str, ...] | None, kind: str = "http") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    asyncio.run(guarded(_app, hosts)({"type": kind, "headers": [(b"host", host.encode())]}, receive, send))
    return sent


@pytest.mark.parametrize("host", ["127.0.0.1:4200", "localhost", "LOCALHOST:1", "[::1]:4200"])
def test_this_machine_may_speak_to_the_server(host: str) -> None:
    start = _answer(host, LOOPBACK)[0]
    assert start["status"] == 200
    assert dict(start["headers"])[b"content-security-policy"].decode() == POLICY


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4200", "127.0.0.1.evil.example", "", "[::2]:4200"])
def test_a_name_of_another_site_is_refused(host: str) -> None:
    assert _answer(host, LOOPBACK)[0]["status"] == 421
    assert _answer(host, LOOPBACK, "websocket") == [{"type": "websocket.close", "code": 1008}]


def test_with_a_password_any_name_will_do() -> None:
    assert _answer("gpu-7.example", None)[0]["status"] == 200


def test_pages_may_reach_no_other_host() -> None:
    assert "http" not in POLICY and "*" not in POLICY and "connect-src 'self'" in POLICY


def _file(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "password"
    file.touch(mode=mode)
    file.chmod(mode)
    file.write_text(text)
    return file


@pytest.mark.parametrize(("text", "sent"), [("me:secret\n", "me:secret"), ("secret\nmore\n", "admin:secret")])
def test_a_password_comes_from_a_file(text: str, sent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (password.SERVER, password.CLIENT):
        monkeypatch.setenv(name, "")  # so that it is undone
    assert password.require(_file(tmp_path, text))
    assert os.environ[password.SERVER] == os.environ[password.CLIENT] == sent


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("secret", 0o644, "chmod 600"),
        ("secret", 0o660, "others may read"),
        ("\n", 0o600, "is empty"),
        (":", 0o600, "user:password"),
    ],
)
def test_a_file_that_is_no_safe_password_is_refused(text: str, mode: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=said):
        password.require(_file(tmp_path, text, mode))


def test_other_addresses_need_a_password(home: Path) -> None:
    with pytest.raises(RequestError, match="ssh -L"):
        CliRunner().invoke(cli.app, ["serve", "--host", "0.0.0.0"], catch_exceptions=False)


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RequestError, match=f"--port {port}"), prefect_api(home, place=Place(port=port)):
            pass


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"),
     ("::", "[::1]"), ("fd00::2", "[fd00::2]"), ("gpu-7.example", "gpu-7.example")],
)  # fmt: skip
def test_an_address_names_a_host_that_answers(host: str, shown: str) -> None:
    assert Place(host).shown_host == shown


def test_no_password_is_an_argument() -> None:
    done = xtransfer(Path("unused"), "serve", "--help")
    options = {word for word in done.stdout.split() if word.startswith("--")}
    assert {option for option in options if "password" in option} == {"--password-file"}


def test_a_state_file_is_private_and_a_damaged_one_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    write_json(file, {"url": "x"})
    assert file.stat().st_mode & 0o077 == 0 and read_json(file) == {"url": "x"}
    file.write_text('{"url": ')
    assert read_json(file) == {}
