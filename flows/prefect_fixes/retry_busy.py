"""Requests that the Prefect server could not serve at the moment are served again, before anybody is told.

SQLite lets one transaction write at a time. One that has read, and wants to write after another wrote meanwhile, is
undone at once, whatever it might wait, and Prefect answers 503: ask again. Its Python client does that. Its pages do
not, and the click of a person would be lost.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_READS = ("GET", "HEAD", "OPTIONS")  # `/api/ready` answers 503 on purpose
_BUSY = 503
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds; each is twice the one before
_PATIENCE = 20.0  # seconds from the request, after which its sender is told


def served_again(app: App) -> App:
    """`app`, of which a request that writes is told that the server is busy only when it stays so."""

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
    """Serve a request; whether that it is busy was all that there was to say, and was not said."""
    answer = _Answer(send, tell)
    try:
        await app({**scope}, receive, answer)
    except Exception:  # Prefect raises, for its log, what it has answered
        if not answer.is_held_back:
            raise
    return answer.is_held_back


async def _whole(receive: Receive) -> list[Message]:
    """What a request says, to its end or to where its sender went."""
    messages = [await receive()]
    while messages[-1]["type"] == "http.request" and messages[-1].get("more_body"):
        messages.append(await receive())
    return messages


class _Request:
    """A request that was received, and what comes after it."""

    def __init__(self, body: list[Message], later: Receive) -> None:
        self._left, self._later = [*body], later

    async def __call__(self) -> Message:
        return self._left.pop(0) if self._left else await self._later()


class _Answer:
    """Passes an answer on, unless it is that the server is busy and that is not to be told."""

    def __init__(self, send: Send, tell: bool) -> None:
        self._send, self._tell = send, tell
        self.is_held_back = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_held_back = message["status"] == _BUSY and not self._tell
        if not self.is_held_back:
            await self._send(message)
