"""Calls to the hub: retries temporary failures, and gives advice for others.

huggingface_hub itself retries downloads five times if they break off, time out, or get status 429 or 5xx. It does not
retry queries about a repository, or files that arrive complete but too short.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")
_ASK_AGAIN = 30.0  # seconds
_ANSWERED: dict[str, tuple[bool, float]] = {}  # address → whether it answered, and when it was last asked
PAUSES = (1.0, 4.0)  # seconds before the second and the third attempt
_PASSING = (408, 429, 500, 502, 503, 504)
_BROKEN = ("RemoteProtocolError", "ReadError", "ContentDecodingError")  # by name: the HTTP library differs by version
_SLOW = ("TimeoutException", "TimeoutError")
_LOG_IN = "log in with `hf auth login` or HF_TOKEN"
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_commit(revision: str) -> bool:
    """Returns whether a revision is a full commit hash, not a branch or tag."""
    return _COMMIT.fullmatch(revision) is not None


def patient(
    call: Callable[[], T],
    passing: Callable[[BaseException], bool],
    what: str = "the hub",
    pauses: Sequence[float] = PAUSES,
) -> T:
    """Returns the result of `call`, retried after each of `pauses` (seconds) while `passing` accepts its error.

    `what` names in the log what is called.
    """
    for pause in pauses:
        try:
            return call()
        except Exception as error:
            if not passing(error):
                raise
            log.warning("%s: %s; retrying in %.0f s", what, said(error), pause)
        time.sleep(pause)
    return call()


def answers() -> bool:
    """Returns whether the hub can be reached; one that could not is asked again after a while."""
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return False
    answered, asked = _ANSWERED.get(constants.ENDPOINT, (False, -math.inf))
    if not answered and time.monotonic() >= asked + _ASK_AGAIN:
        try:
            get_session().head(constants.ENDPOINT, timeout=constants.HF_HUB_ETAG_TIMEOUT)
            answered = True
        except Exception:  # any error means no answer
            answered = False
        _ANSWERED[constants.ENDPOINT] = answered, time.monotonic()
    return answered


def is_transient(error: BaseException) -> bool:
    """Returns whether a query to the hub may succeed later: it is busy, slow, or broke off."""
    return status(error) in _PASSING or is_slow(error) or _is_a(error, _BROKEN)


def is_short(error: BaseException) -> bool:
    """Returns whether a file arrived complete according to the server, but is shorter than the hub says."""
    return any(str(cause).startswith("Consistency check failed") for cause in causes(error))


def is_slow(error: BaseException) -> bool:
    """Returns whether a response took too long."""
    return _is_a(error, _SLOW)


def is_unreachable(error: BaseException) -> bool:
    """Returns whether no server answered: no network, or offline mode (HF_HUB_OFFLINE)."""
    return _is_a(error, ("ConnectError", "ConnectionError", "OfflineModeIsEnabled", "LocalEntryNotFoundError"))


def is_gated(error: BaseException) -> bool:
    """Returns whether the hub requires accepting terms first."""
    return _is_a(error, ("GatedRepoError",))


def status(error: BaseException) -> int | None:
    """Returns the HTTP status behind an error, or None."""
    for cause in causes(error):
        response = getattr(cause, "response", None)
        if isinstance(getattr(response, "status_code", None), int):
            return int(response.status_code)  # type: ignore[union-attr]
    return None


def advice(error: BaseException) -> str:
    """Returns what to do about a hub error, as a clause."""
    code = status(error)
    if is_gated(error):
        return f"it is gated: accept its terms on its hub page, then {_LOG_IN}"
    if _is_a(error, ("RevisionNotFoundError",)):
        return "this revision does not exist; correct it in the declaration"
    if _is_a(error, ("RepositoryNotFoundError",)):
        return f"it does not exist on the hub, or is private; correct the name, or {_LOG_IN}"
    if code in (401, 403):
        return f"access was denied; {_LOG_IN} as a user with read access"
    if code == 404:
        return "the file does not exist on the hub; check its files there and correct the declaration"
    if code == 429:
        return f"the hub limits requests; wait some minutes, or {_LOG_IN} for a higher limit"
    if code is not None and code >= 500:
        return "the hub returned a server error; try again later"
    if is_slow(error):
        return "the hub is slow; try again, or raise HF_HUB_ETAG_TIMEOUT and HF_HUB_DOWNLOAD_TIMEOUT (seconds)"
    if is_short(error) or _is_a(error, _BROKEN):
        return "the download was interrupted; try again"
    return "set XTRANSFER_HUB_DIR to a mirror that has it, or run where the hub can be reached"


def said(error: BaseException) -> str:
    """Returns the root cause in one line; libraries wrap it, and their messages can be pages long."""
    if status(error) is None and _is_a(error, ("OfflineModeIsEnabled", "LocalEntryNotFoundError")):  # pages
        return "the hub does not answer, and the local cache does not have it"
    cause = error
    while isinstance(cause.__cause__, Exception):
        cause = cause.__cause__
    text = " ".join(str(cause).split()).partition(" For more information")[0] or "no reason given"
    return f"{type(cause).__name__}: {text[:300]}"


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields an error and the errors that caused it."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__


def _is_a(error: BaseException, names: tuple[str, ...]) -> bool:
    return any(base.__name__ in names for cause in causes(error) for base in type(cause).__mro__)
