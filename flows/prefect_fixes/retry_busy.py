"""Retries requests inside the Prefect server while its database is busy.

SQLite lets one transaction write at a time. A transaction that has read, and wants to write after another has written,
is rolled back at once, and Prefect answers 503. Its Python client retries; its web pages do not, so a user's click
would be lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]  # as ASGI defines it: the values depend on the key
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_READS = ("GET", "HEAD", "OPTIONS")  # not retried: `/api/ready` answers 503 on purpose
_BUSY = 503
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds; doubled each time
_PATIENCE = 20.0  # seconds from the request, after which the 503 is sent


def served_again(app: App) -> App:
    """`app` with retries: a request that writes gets a 503 only if the server stays busy."""

    async def serving(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _READS:
            await app(scope, receive, send)
            return
        body = await _whole(receive)
        until, pause = time.monotonic() + _PATIENCE, _FIRST_PAUSE
        while await _is_busy(app, scope, _Request(body, receive), send, tell=time.monotonic() >= until):
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    return serving


async def _is_busy(app: App, scope: Message, receive: Receive, send: Send, tell: bool) -> bool:
    """Serve a request; returns whether the answer was 503 and was held back."""
    answer = _Answer(send, tell)
    try:
        await app({**scope}, receive, answer)
    except Exception:  # Prefect answers 503 and then raises, for its log
        if not answer.is_held_back:
            raise
    return answer.is_held_back


async def _whole(receive: Receive) -> list[Message]:
    """The messages of a request, up to its end or its client's disconnect."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


class _Request:
    """Replays a received request, then passes on what follows."""

    def __init__(self, body: list[Message], later: Receive) -> None:
        self._left, self._later = [*body], later

    async def __call__(self) -> Message:
        return self._left.pop(0) if self._left else await self._later()


class _Answer:
    """Passes an answer on, except a 503 that is to be held back."""

    def __init__(self, send: Send, tell: bool) -> None:
        self._send, self._tell = send, tell
        self.is_held_back = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_held_back = message["status"] == _BUSY and not self._tell
        if not self.is_held_back:
            await self._send(message)
