"""What may pass is tried again, later and later; what is wrong is not."""

from __future__ import annotations

import errno
import pickle
from typing import Any

import pytest

from xtransfer.base.errors import (
    DataError,
    DeviceLost,
    LeaseLost,
    RequestError,
    SourceError,
    StageError,
    StageHeld,
    StageKilled,
    StageTimeout,
    StoreError,
    TransientStageError,
)
from xtransfer.base.retry import pause, stage_error


class _Response:
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


class HubError(Exception):
    """As the hub's client raises it."""

    def __init__(self, status_code: int) -> None:
        super().__init__(f"{status_code} from the hub")
        self.response = _Response(status_code)


class OfflineModeIsEnabled(ConnectionError):
    """As the hub's client raises it where no network is wanted."""


def _from(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


PASSING = [
    _from(SourceError("the hub is out of order"), HubError(503)),
    _from(SourceError("too many"), HubError(429)),
    _from(SourceError("slow"), TimeoutError("no answer")),
    _from(SourceError("away"), ConnectionRefusedError(errno.ECONNREFUSED, "refused")),
    OSError(errno.EIO, "Input/output error"),
    _from(RuntimeError("could not read"), OSError(errno.ESTALE, "Stale file handle")),
    LeaseLost("gone"),
]
WRONG = [
    RequestError("no such benchmark"),
    DataError("row 3: no label"),
    _from(SourceError("not there"), HubError(404)),
    _from(SourceError("gated"), HubError(403)),
    SourceError("there is no folder"),
    StoreError("no space left"),
    OSError(errno.ENOSPC, "No space left on device"),
    FileNotFoundError(errno.ENOENT, "no such file"),
    OfflineModeIsEnabled("offline"),
    ValueError("a bug"),
    _from(DataError("row 3"), HubError(503)),  # what is wrong with the data stays wrong
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_passes_is_tried_four_times_more(error: BaseException) -> None:
    failed = stage_error("train x", error)
    assert isinstance(failed, TransientStageError) and failed.stage == "train x"
    pauses = [pause(failed, tries) for tries in range(1, 6)]
    assert pauses[-1] is None
    waits = [one for one in pauses if one is not None]
    assert len(waits) == 4 and waits == sorted(waits) and waits[0] > 1


@pytest.mark.parametrize("error", WRONG, ids=str)
def test_what_is_wrong_is_not_tried_again(error: BaseException) -> None:
    failed = stage_error("train x", error)
    assert type(failed) is StageError and pause(failed, 1) is None


def test_pauses_differ_from_run_to_run() -> None:
    failed = TransientStageError("x", "away")
    assert len({pause(failed, 1) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    "kind, again", [(StageKilled, 1), (DeviceLost, 4), (StageTimeout, 0), (StageHeld, 0), (StageError, 0)]
)
def test_how_often_each_is_tried(kind: type[StageError], again: int) -> None:
    failed = kind("train x", "why")
    assert [pause(failed, tries) for tries in range(1, again + 2)] == [0.0] * again + [None]
    copied: Any = pickle.loads(pickle.dumps(failed))
    assert type(copied) is kind and (copied.stage, copied.reason) == ("train x", "why")


@pytest.mark.parametrize(
    "said, kind",
    [
        ("CUDA error: no CUDA-capable device is detected", DeviceLost),
        ("Unable to determine the device handle: GPU is lost. Reboot the system to recover this GPU", DeviceLost),
        ("CUDA error: uncorrectable ECC error encountered", DeviceLost),
        ("CUDA error: device-side assert triggered", StageError),
        ("CUDA out of memory", StageError),
    ],
)
def test_a_lost_device_is_known_by_what_cuda_says(said: str, kind: type[StageError]) -> None:
    assert type(stage_error("train x", RuntimeError(said))) is kind
