"""Asking the hub: trying again where that helps, and saying what to do where it does not.

Downloads are tried again by huggingface_hub itself: broken off, timed out or refused with 429 or 5xx, five times.
What it does not repeat is questions about a repository, and files that came whole but too short.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
PAUSES = (1.0, 4.0)  # seconds before the second and the third try
_PASSING = (408, 429, 500, 502, 503, 504)
_BROKEN = ("RemoteProtocolError", "ReadError", "ContentDecodingError")  # names: the HTTP library differs by version
_SLOW = ("TimeoutException", "TimeoutError")
_LOG_IN = "log in with `hf auth login` or HF_TOKEN"
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_commit(revision: str) -> bool:
    """Whether it names a commit in full, not a branch or a tag."""
    return _COMMIT.fullmatch(revision) is not None


def patient(
    call: Callable[[], T],
    passing: Callable[[BaseException], bool],
    what: str = "the hub",
    pauses: Sequence[float] = PAUSES,
) -> T:
    """What `call` gives, which is made again after each of `pauses` (seconds) while its error may pass, as `passing`
    says. `what` is asked, for the log."""
    for pause in pauses:
        try:
            return call()
        except Exception as error:
            if not passing(error):
                raise
            log.warning("%s: %s; trying again in %.0f s", what, said(error), pause)
        time.sleep(pause)
    return call()


def may_pass(error: BaseException) -> bool:
    """Whether a question to the hub may be answered a little later: it is busy, slow, or broke off."""
    return status(error) in _PASSING or is_slow(error) or _is_a(error, _BROKEN)


def is_short(error: BaseException) -> bool:
    """Whether a file came whole, as the server says, and is not as long as the hub has it."""
    return any(str(cause).startswith("Consistency check failed") for cause in causes(error))


def is_slow(error: BaseException) -> bool:
    """Whether an answer took too long."""
    return _is_a(error, _SLOW)


def is_unreachable(error: BaseException) -> bool:
    """Whether nobody answered: no network, or none is wanted (HF_HUB_OFFLINE)."""
    return _is_a(error, ("ConnectError", "ConnectionError", "OfflineModeIsEnabled", "LocalEntryNotFoundError"))


def is_gated(error: BaseException) -> bool:
    """Whether terms must be accepted first."""
    return _is_a(error, ("GatedRepoError",))


def status(error: BaseException) -> int | None:
    """The HTTP status that an error came from, where it came from one."""
    for cause in causes(error):
        response = getattr(cause, "response", None)
        if isinstance(getattr(response, "status_code", None), int):
            return int(response.status_code)  # type: ignore[union-attr]
    return None


def advice(error: BaseException) -> str:
    """What to do about an error of the hub, as a clause."""
    code = status(error)
    if is_gated(error):
        return f"it is gated: accept its terms on its page of the hub, then {_LOG_IN}"
    if _is_a(error, ("RevisionNotFoundError",)):
        return "it has no such revision; correct the declaration"
    if _is_a(error, ("RepositoryNotFoundError",)):
        return f"the hub has nothing of this name, or it is private; correct the name, or {_LOG_IN}"
    if code in (401, 403):
        return f"access is refused; {_LOG_IN}, as a user who may read it"
    if code == 404:
        return "the hub does not have it; look at its files there, and correct the declaration"
    if code == 429:
        return f"the hub wants fewer requests; wait some minutes, and {_LOG_IN} for a higher limit"
    if code is not None and code >= 500:
        return "the hub is out of order; try again later"
    if is_slow(error):
        return "the hub is slow; try again, or raise HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT (seconds)"
    if is_short(error) or _is_a(error, _BROKEN):
        return "the download broke off; try again"
    return "set XTRANSFER_HUB_DIR to a mirror that holds it, or run where the hub can be reached"


def said(error: BaseException) -> str:
    """The cause in one line: libraries wrap it, and their texts can be pages."""
    cause = error
    while isinstance(cause.__cause__, Exception):
        cause = cause.__cause__
    text = " ".join(str(cause).split()).partition(" For more information")[0] or "no reason given"
    return f"{type(cause).__name__}: {text[:300]}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it came from."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_a(error: BaseException, names: tuple[str, ...]) -> bool:
    return any(base.__name__ in names for cause in causes(error) for base in type(cause).__mro__)
