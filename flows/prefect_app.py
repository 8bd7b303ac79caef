"""The Prefect server as we run it: `python -m flows.prefect_app HOST PORT [with-owner]`.

It is Prefect's own application, asked again where it is busy, behind two checks. Its pages may load nothing from
another host (the new UI asks an analytics host for its settings at each load, whatever Prefect's settings say), and
without a password a request must name this machine, so that no page of another site can speak to the server through a
browser (DNS rebinding).
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from flows.prefect_again import App, Message, Receive, Send, served_again

POLICY = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",  # the timeline of a run compiles its shaders
        "worker-src 'self' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",  # plots are artifacts with a data URL
        "font-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    )
)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
]
_LAST_REQUESTS_SECONDS = 5
WITH_OWNER = "with-owner"  # stop when standard input ends, as it does when its owner is killed
_REFUSED = b"This server answers to 127.0.0.1 and localhost only, since it has no password."


def guarded(app: App, hosts: tuple[str, ...] | None) -> App:
    """`app` with headers that keep its pages to themselves; only for requests to `hosts`, where they are given."""

    async def checked(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
        elif hosts is not None and _host(scope) not in hosts:
            await _refuse(scope, send)
        else:
            await app(scope, receive, _with_headers(send))

    return checked


def _host(scope: Message) -> str:
    """The host that a request names, without its port."""
    named = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
    host, bracket, _ = named.rpartition("]")
    return host.removeprefix("[") if bracket else named.partition(":")[0].lower()


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return sending


async def _refuse(scope: Message, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await send({"type": "http.response.start", "status": 421, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": _REFUSED})


def main(host: str, port: int) -> None:
    """Serve until a signal ends it."""
    import uvicorn
    from prefect.server.api.server import create_app

    open_to_all = bool(os.environ.get("PREFECT_SERVER_API_AUTH_STRING"))
    uvicorn.run(
        guarded(served_again(create_app(final=True)), None if open_to_all else LOOPBACK),  # type: ignore[arg-type]
        host=host,
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,  # seen: an open connection keeps it for ever
    )


def _stop_with_owner() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    if WITH_OWNER in sys.argv[3:]:
        threading.Thread(target=_stop_with_owner, daemon=True).start()
    main(sys.argv[1], int(sys.argv[2]))
