"""The Prefect server as we run it: `python -m flows.prefect_app SOCKET [with-owner] [any-name]`.

SOCKET is the descriptor of an inherited listening socket.

This is Prefect's own application, with retries while its database is busy, behind three checks:

- It always has a password (PREFECT_SERVER_API_AUTH_STRING), because other users of the machine can reach loopback too.
- Requests from pages of another origin are refused. Unless `any-name` is given, a request must also address the server
  by a name of this machine, against DNS rebinding.
- Its pages may load nothing from another host: the new UI contacts an analytics host at each load, whatever Prefect's
  settings say.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

from flows import password
from flows.prefect_fixes.retry_busy import App, Message, Receive, Send, served_again
from flows.prefect_login import Login, answer
from flows.prefect_origin import refusal

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
    (b"cross-origin-resource-policy", b"same-origin"),
]
_LAST_REQUESTS_SECONDS = 5
WITH_OWNER = "with-owner"  # stop when standard input closes, as it does when the owner is killed
ANY_NAME = "any-name"  # answer to any host name, as behind a proxy
CORS = "PREFECT_SERVER_CORS_ALLOWED_ORIGINS"


def guarded(app: App, hosts: tuple[str, ...] | None, auth: str) -> App:
    """`app` for requests that pass `flows.prefect_origin`, with login links and headers that protect its pages.

    `hosts`: host names that requests may use; None: any. `auth`: the server's `user:password`.
    """
    login = Login(auth)

    async def checked(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await app(scope, receive, send)
        elif refused := refusal(scope, hosts, auth):
            await _refuse(scope, send, *refused)
        else:
            await (login if login.serves(scope) else app)(scope, receive, _with_headers(send))

    return checked


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return sending


async def _refuse(scope: Message, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await answer(send, status, reason.encode())


def main(listener: socket.socket, hosts: tuple[str, ...] | None) -> None:
    """Serve until a signal ends it."""
    auth = os.environ.get(password.SERVER)
    if not auth:
        raise SystemExit(f"{password.SERVER} is not set: this server needs a password")
    # Prefect's default allows pages of every origin; its own pages need no permission
    host, port = listener.getsockname()[:2]
    os.environ[CORS] = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(
        guarded(served_again(create_app(final=True)), hosts, auth),
        log_level="warning",
        timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,  # an open connection was seen to keep it running for ever
    )
    uvicorn.Server(config).run(sockets=[listener])


def _stop_with_owner() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    if WITH_OWNER in sys.argv[2:]:
        threading.Thread(target=_stop_with_owner, daemon=True).start()
    main(socket.socket(fileno=int(sys.argv[1])), None if ANY_NAME in sys.argv[2:] else LOOPBACK)
