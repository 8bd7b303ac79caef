"""A proxy before a server, that lets chosen requests go wrong on the way."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Fault = Literal["busy", "cut", "short", "slow"]  # 503; connection closed; half of the answer's bytes; a second later
_DROPPED = {"transfer-encoding", "content-length", "connection"}


@dataclass
class Faulty:
    """The proxy: `fault` says what happens to a request (method, path); `seen` are those that came."""

    endpoint: str
    fault: Callable[[str, str], Fault | None] = lambda method, path: None
    seen: list[tuple[str, str]] = field(default_factory=list)

    def first(self, count: int, fault: Fault, *, method: str = "", path: str = "") -> None:
        """Lets the first `count` requests of a method whose path contains `path` go wrong, then none."""
        left = [count]

        def decide(asked: str, where: str) -> Fault | None:
            if method not in ("", asked) or path not in where or left[0] == 0:
                return None
            left[0] -= 1
            return fault

        self.fault = decide


@contextmanager
def faulty(upstream: str) -> Iterator[Faulty]:
    """A proxy on loopback before the HTTP server at `upstream`."""
    target = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            proxy.seen.append((self.command, self.path))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fault = proxy.fault(self.command, self.path)
            if fault == "cut":
                self.close_connection = True
                return
            if fault == "busy":
                self._answer(503, [], b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>")
                return
            if fault == "slow":
                time.sleep(1)
            connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers))
            there = connection.getresponse()
            content = there.read()
            own = [(name, value) for name, value in there.getheaders() if name.lower() not in _DROPPED]
            if self.command == "HEAD":
                own.append(("Content-Length", there.getheader("Content-Length") or "0"))
            self._answer(there.status, own, content, cut=fault == "short" and len(content) > 1)
            connection.close()

        def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool = False) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.close_connection = True

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass  # noqa: N815 - names of http.server

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy = Faulty(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
