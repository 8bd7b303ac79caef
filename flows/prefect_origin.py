"""Which requests the Prefect server refuses: those that a page of another origin sends through the user's browser.

A browser states where a request comes from: `Origin` with each websocket and each request other than a plain GET,
`Sec-Fetch-Site` with every request to loopback or over TLS. Other clients (Prefect's Python client, curl) send neither.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from urllib.parse import urlsplit

from flows.prefect_fixes.retry_busy import Message

API = "/api"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"(https?)://([^\s/?#@\\]+)")
_DOCUMENTATION = ("/docs", "/redoc", "/openapi.json")  # of the outer application, which Prefect does not protect
_WRONG_HOST = "This server answers only to 127.0.0.1 and localhost."
_FOREIGN = (
    "Refused: the request comes from a page of another origin. Behind a proxy, forward the Host header as the browser "
    "sent it."
)
_CLOSED = "Unauthorized"


def refusal(scope: Message, hosts: tuple[str, ...] | None, auth: str) -> tuple[int, str] | None:
    """HTTP status and text with which to refuse a request; None if it may pass.

    `hosts`: host names that requests may use; None: any. `auth`: the server's `user:password`.
    """
    named = headers(scope, b"host")
    if len(named) > 1 or (hosts is not None and _host_name("".join(named)) not in hosts):
        return 421, _WRONG_HOST
    if _is_foreign(scope, "".join(named)):
        return 403, _FOREIGN
    if scope["type"] == "http" and _is_below(scope["path"], _DOCUMENTATION) and not is_authorized(scope, auth):
        return 401, _CLOSED
    return None


def is_authorized(scope: Message, auth: str) -> bool:
    """Whether a request carries `auth` (`user:password`)."""
    wanted = f"Basic {b64encode(auth.encode()).decode()}"
    given = headers(scope, b"authorization")
    return len(given) == 1 and hmac.compare_digest(given[0].encode(), wanted.encode())


def headers(scope: Message, name: bytes) -> list[str]:
    """Every value of a header."""
    return [value.decode("latin-1") for header, value in scope["headers"] if header == name]


def _is_foreign(scope: Message, host: str) -> bool:
    origins, sites = headers(scope, b"origin"), headers(scope, b"sec-fetch-site")
    if origins and not (len(origins) == 1 and _is_own(origins[0], host)):
        return True
    return any(site not in ("same-origin", "none") for site in sites) and not _opens_a_page(scope)


def _is_own(origin: str, host: str) -> bool:
    """Whether an origin is the host that the request addresses. The scheme may differ: a proxy may add TLS."""
    found = _ORIGIN.fullmatch(origin)
    if found is None:  # including `null`: a sandboxed frame, a file, a redirect from elsewhere
        return False
    default = _DEFAULT_PORTS[found[1]]
    address = _address(found[2], default)
    return address is not None and address == _address(host, default)


def _address(host: str, default_port: int) -> tuple[str, int] | None:
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname, default_port if parts.port is None else parts.port) if parts.hostname else None
    except ValueError:
        return None


def _host_name(host: str) -> str | None:
    address = _address(host, 0)
    return address and address[0]


def _opens_a_page(scope: Message) -> bool:
    """Whether a link on another page was followed to a page of the UI; the other page cannot read the response."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and headers(scope, b"sec-fetch-mode") == ["navigate"]
        and headers(scope, b"sec-fetch-dest") == ["document"]
        and not _is_below(scope["path"], (API,))
    )


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)
