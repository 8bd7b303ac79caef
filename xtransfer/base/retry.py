"""Decides which errors of a stage are temporary and when to retry. Errors in requests and data are permanent."""

from __future__ import annotations

import errno
import random

from xtransfer.base import hub
from xtransfer.base.errors import (
    DataError,
    DeviceLost,
    LeaseLost,
    RequestError,
    StageError,
    TransientStageError,
    XTransferError,
)

_PAUSES = (5.0, 30.0, 120.0, 300.0)  # seconds before each retry: enough for outages of some minutes
_JITTER = 0.25  # of a pause, up or down, so that machines that failed together do not retry together
_ERRNO = (
    errno.EIO,
    errno.ESTALE,
    errno.EREMOTEIO,
    errno.ETIMEDOUT,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EPIPE,
)  # of disks, file servers and the network
_OFF = ("OfflineModeIsEnabled",)  # offline mode is set
_LOST_DEVICE = (
    "no cuda-capable device is detected",
    "cuda-capable device(s) is/are busy or unavailable",
    "uncorrectable ecc error",
    "gpu is lost",
    "device has been lost",
    "unrecoverable nvlink error",
    "cuda driver initialization failed",
)  # CUDA's messages for a device that no longer responds


def stage_error(stage: str, error: BaseException) -> StageError:
    """Returns the failure of `stage` as an error whose class says whether to retry."""
    if isinstance(error, StageError):
        return error
    reason = str(error) if isinstance(error, XTransferError) else f"{type(error).__name__}: {error}"
    if is_device_lost(error):
        return DeviceLost(stage, reason)
    return (TransientStageError if is_transient(error) else StageError)(stage, reason)


def is_transient(error: BaseException) -> bool:
    """Returns whether a hub, disk, database or network failed temporarily."""
    if isinstance(error, (RequestError, DataError)) or _named(error, _OFF):
        return False
    if (
        isinstance(error, LeaseLost)
        or hub.is_transient(error)
        or hub.is_short(error)
        or _named(error, ("ConnectError",))
    ):
        return True
    return any(
        isinstance(cause, ConnectionError)
        or (isinstance(cause, OSError) and cause.errno in _ERRNO)
        or _is_lost_database(cause)
        for cause in hub.causes(error)
    )


def is_device_lost(error: BaseException) -> bool:
    """Returns whether CUDA reports that a device is gone."""
    said = " ".join(str(cause) for cause in hub.causes(error) if isinstance(cause, RuntimeError)).lower()
    return any(text in said for text in _LOST_DEVICE)


def pause(error: StageError, tries: int) -> float | None:
    """Returns the seconds to wait after failure number `tries`; None if the stage should not be retried.

    After a lost device or a killed process, the retry starts immediately.
    """
    if tries > error.tries_more:
        return None
    if not isinstance(error, TransientStageError):
        return 0.0
    return _PAUSES[tries - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - not for security


def _is_lost_database(error: BaseException) -> bool:
    """Returns whether the connection was lost; a rejected statement has other classes."""
    return type(error).__module__.startswith("psycopg") and _named(error, ("OperationalError",))


def _named(error: BaseException, names: tuple[str, ...]) -> bool:
    return any(base.__name__ in names for base in type(error).__mro__)
