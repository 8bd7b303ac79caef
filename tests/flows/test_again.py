"""A server that is busy for a moment: who asks is not told, unless it stays so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from flows.prefect_fixes import retry_busy
from flows.prefect_fixes.retry_busy import served_again


class Busy:
    """An application that is busy for the first `times` requests, and says so as Prefect does."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message.get("more_body", False)
        self.bodies.append(body)
        is_busy = len(self.bodies) <= self.times
        await send({"type": "http.response.start", "status": 503 if is_busy else 201, "headers": []})
        await send({"type": "http.response.body", "body": b"busy" if is_busy else b"made"})
        if is_busy:
            raise RuntimeError("database is locked")  # for the log


def _asked(app: Busy, method: str = "POST") -> list[Any]:
    sent: list[Any] = []
    parts = [{"type": "http.request", "body": b"a ", "more_body": True}, {"type": "http.request", "body": b"form"}]

    async def send(message: Any) -> None:
        sent.append(message.get("status") or message["body"])

    async def receive() -> Any:
        return parts.pop(0)

    asyncio.run(served_again(app)({"type": "http", "method": method}, receive, send))
    return sent


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_busy, "_FIRST_PAUSE", 0.0)


def test_what_writes_is_served_again_until_it_is_done() -> None:
    app = Busy(3)
    assert _asked(app) == [201, b"made"]
    assert app.bodies == [b"a form"] * 4


def test_a_server_that_stays_busy_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_busy, "_PATIENCE", 0.0)
    with pytest.raises(RuntimeError, match="locked"):
        _asked(app := Busy(1))
    assert len(app.bodies) == 1


def test_what_reads_is_told_at_once() -> None:
    with pytest.raises(RuntimeError, match="locked"):
        _asked(app := Busy(1), "GET")
    assert len(app.bodies) == 1


def test_an_error_of_another_kind_is_raised_once() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    with pytest.raises(ZeroDivisionError):
        asyncio.run(served_again(broken)({"type": "http", "method": "POST"}, receive, receive))  # type: ignore[arg-type]
