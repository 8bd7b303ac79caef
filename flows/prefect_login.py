"""Log in to the UI by a link: `/xtransfer/login#CODE`, where CODE works once, within an hour.

Prefect's UI keeps `user:password` in the browser's local storage, which pages of other origins or ports cannot read,
and sends it with each request; no cookie is involved. The page behind the link stores it there, so nobody has to type
it. The part of a URL after `#` is never sent to a server or logged, and a link that other users saw in a browser's
arguments has been used by then.
"""

from __future__ import annotations

import secrets
import time
import urllib.request
from base64 import b64encode

from flows.prefect_fixes.retry_busy import Message, Receive, Send
from flows.prefect_origin import API, is_authorized
from xtransfer.base.errors import SourceError

LOGIN = "/xtransfer/login"
CODES = "/xtransfer/codes"
_SECONDS = 3600
_LONGEST_BODY = 1000
_PAGE = b"""<!doctype html>
<meta charset="utf-8"><title>xtransfer</title>
<p id="text">Logging in&hellip;</p>
<script>
const code = location.hash.slice(1)
history.replaceState(null, "", location.pathname)
fetch(location.pathname, {method: "POST", body: code}).then(async answer => {
  if (!answer.ok) throw new Error(await answer.text())
  localStorage.setItem("prefect-password", await answer.text())
  location.replace("/v2/deployments")
}).catch(error => { document.getElementById("text").textContent = error.message })
</script>
"""
_USED = b"This link was used before or has expired. Run `xtransfer serve` again in a terminal to get a new one."


class Login:
    """Serves the page and its codes; `auth`: the server's `user:password`."""

    def __init__(self, auth: str) -> None:
        self._auth = auth
        self._codes: dict[str, float] = {}  # code → when it expires

    def serves(self, scope: Message) -> bool:
        """Whether a request is for the login page or its codes."""
        return scope["type"] == "http" and scope["path"] in (LOGIN, CODES)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        asked = (scope["method"], scope["path"])
        if asked == ("GET", LOGIN):
            await answer(send, 200, _PAGE, b"text/html; charset=utf-8")
        elif asked == ("POST", LOGIN):
            if self._is_good(await _body(receive)):
                await answer(send, 200, b64encode(self._auth.encode()))
            else:
                await answer(send, 403, _USED)
        elif asked == ("POST", CODES):
            if is_authorized(scope, self._auth):
                await answer(send, 200, self._new().encode())
            else:
                await answer(send, 401, b"Unauthorized")
        else:
            await answer(send, 405, b"Method Not Allowed")

    def _new(self) -> str:
        code = secrets.token_urlsafe(32)
        now = time.monotonic()
        self._codes = {old: end for old, end in self._codes.items() if end > now} | {code: now + _SECONDS}
        return code

    def _is_good(self, code: str) -> bool:
        return self._codes.pop(code, 0.0) > time.monotonic()


async def answer(send: Send, status: int, body: bytes, kind: bytes = b"text/plain; charset=utf-8") -> None:
    """Send a complete response that no cache may keep."""
    shown = [(b"content-type", kind), (b"cache-control", b"no-store"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": shown})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> str:
    body, more = b"", True
    while more and len(body) <= _LONGEST_BODY:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body.decode("latin-1")


def link(url: str, auth: str) -> str:
    """A new login link for our server whose API is at `url`; raises SourceError if it gives none."""
    address = url.removesuffix(API)
    credentials = {"Authorization": f"Basic {b64encode(auth.encode()).decode()}"}
    request = urllib.request.Request(address + CODES, method="POST", headers=credentials)  # noqa: S310 - http by design
    try:
        with urllib.request.urlopen(request, timeout=30) as found:  # noqa: S310
            return f"{address}{LOGIN}#{found.read().decode()}"
    except OSError as error:
        raise SourceError(f"the Prefect server at {address} gave no login link ({error})") from error
