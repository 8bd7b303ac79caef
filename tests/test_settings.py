"""Passwords in URLs are not repeated in what the program prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import cli
from tests.running import xtransfer
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import current, shown
from xtransfer.store.address import parse

SECRET = "s3cr3t"


@pytest.mark.parametrize("name", ["XTRANSFER_HUB_DIR", "XTRANSFER_BENCHMARKS"])
def test_a_path_that_no_system_takes_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, f"/{'x' * 300}")
    with pytest.raises(RequestError, match=f"{name}: no f"):
        current()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"postgresql+psycopg://me:{SECRET}@host/results", "postgresql+psycopg://me:***@host/results"),
        (f"postgresql://me:{SECRET}/with@signs@host:5432/results", "postgresql://me:***@host:5432/results"),
        (f"postgresql://host/results?user=me&password={SECRET}", "postgresql://host/results?user=me&password=***"),
        (f"s3://bucket/folder?secret_key={SECRET}#part", "s3://bucket/folder?secret_key=***#part"),
        ("sqlite:////home/me/results.db", "sqlite:////home/me/results.db"),
        ("/home/me/artifacts", "/home/me/artifacts"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, said: str) -> None:
    assert shown(url) == said


@pytest.mark.parametrize("url", [f"postgres;://me:{SECRET}@host/results", f"mysql://me:{SECRET}@host/results"])
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_DATABASE_URL", url)
    with pytest.raises(RequestError, match="XTRANSFER_DATABASE_URL") as refused:
        CliRunner().invoke(cli.app, ["results", "runs"], catch_exceptions=False)
    assert SECRET not in str(refused.value)


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://me:{SECRET}@127.0.0.1:9/results"
    done = xtransfer(tmp_path / "home", "results", "runs", XTRANSFER_DATABASE_URL=url)
    assert done.returncode == 1 and "127.0.0.1:9" in done.stderr and SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["HOME", "CACHE", "HUB_DIR", "BENCHMARKS", "STORE"])
def test_homes_of_unknown_users_are_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"XTRANSFER_{name}", "~no-such-user/x")
    with pytest.raises(RequestError, match=f"XTRANSFER_{name}: '~no-such-user/x': the user has no home folder"):
        parse(current().store)
