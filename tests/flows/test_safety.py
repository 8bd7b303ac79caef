"""How a password comes to the server, and what it listens on."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from flows import cli, password
from flows.prefect_app import POLICY
from flows.prefect_guard import ADDRESS, KEY
from flows.prefect_server import Place, _running, prefect_api
from flows.private import read_json, write_json
from tests.running import xtransfer
from xtransfer.base.errors import RequestError


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
        ("secret", 0o660, "other users can read"),
        ("\n", 0o600, "is empty"),
        (":", 0o600, "user:password"),
    ],
)
def test_a_file_that_is_no_safe_password_is_refused(text: str, mode: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=said):
        password.require(_file(tmp_path, text, mode))


def test_a_key_is_new_each_time_and_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(password.CLIENT, "")  # so that it is undone
    file = tmp_path / "key"
    old = password.make_key(file)
    file.chmod(0o644)
    key = password.make_key(file)
    assert key != old and len(key) > 40 and file.stat().st_mode & 0o777 == 0o600
    assert password.give(file) == os.environ[password.CLIENT] == key


def test_other_addresses_need_a_password(home: Path) -> None:
    with pytest.raises(RequestError, match="ssh -L"):
        CliRunner().invoke(cli.app, ["serve", "--host", "0.0.0.0"], catch_exceptions=False)


def test_a_port_that_is_taken_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RequestError, match=f"--port {port}"), prefect_api(home, place=Place(port=port)):
            pass


def test_the_port_of_a_server_that_was_killed_is_not_trusted(home: Path) -> None:
    """Another user may have it by now, who would be sent the password."""
    folder = home / "prefect"
    folder.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as other:
        said = {"url": f"http://127.0.0.1:{other.getsockname()[1]}/api", "has_key": True}
        for pid in (None, "1", 2**22 + 1, os.getpid()):
            write_json(folder / ADDRESS, {**said, "pid": pid})
            assert _running(folder) is None
        other.settimeout(0)
        with pytest.raises(BlockingIOError):  # nobody has asked it anything
            other.accept()


@pytest.mark.slow
def test_a_server_of_a_run_has_a_key_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(password.CLIENT, "of:another-server")
    with prefect_api(home) as url:
        key = (home / "prefect" / KEY).read_text().strip()
        assert os.environ[password.CLIENT] == key and password.SERVER not in os.environ
        assert (home / "prefect").stat().st_mode & 0o077 == 0
        count = f"{url}/flow_runs/count"
        assert httpx.post(count, json={}).status_code == 401
        assert httpx.post(count, json={}, auth=httpx.BasicAuth(*key.split(":"))).status_code == 200
        own = httpx.post(count, json={}, headers={"origin": url.removesuffix("/api")})
        assert (own.status_code, own.headers["access-control-allow-origin"]) == (401, url.removesuffix("/api"))
        monkeypatch.setenv(password.SERVER, "me:a-password")
        with pytest.raises(RequestError, match="wait until the run ends"):
            _running(home / "prefect")
    assert os.environ[password.CLIENT] == "of:another-server"


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
