"""Runs one stage in this process: takes it from the store, or computes it under its lease and commits it whole."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from xtransfer.base.disk import is_full_disk
from xtransfer.base.errors import (
    DataError,
    LeaseLost,
    RequestError,
    SourceChanged,
    StageHeld,
    StoreError,
    XTransferError,
)
from xtransfer.base.hardware import hardware
from xtransfer.base.retry import stage_error
from xtransfer.base.stage import Progress, Stage, Work, no_progress
from xtransfer.data.pinned import Reading
from xtransfer.stages import STAGES
from xtransfer.stages.curves import followed
from xtransfer.stages.energy import Meter
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.store.lease import Lease

_POLL_SECONDS = 0.5


def execute(
    stage: Stage,
    store: ArtifactStore,
    progress: Progress = no_progress,
    device: str = "cpu",
    devices: Sequence[str] = (),
    *,
    wait: bool = True,
) -> tuple[Artifact, bool]:
    """Returns the artifact of `stage`, and whether it was in the store already.

    If another process is computing it, waits for the result, and takes over if that process dies; raises StageHeld
    instead without `wait`. Raises another StageError if the stage fails; the store then keeps only the state to resume
    from.
    """
    try:
        while (done := _found_or_made(stage, store, progress, device, tuple(devices))) is None:
            if not wait:
                raise StageHeld(stage.name, "another process is computing it")
            progress("waiting for another process that computes this stage", 0, 1)
            time.sleep(_POLL_SECONDS)
    except XTransferError as error:
        raise stage_error(stage.name, error) from error
    return done


def _found_or_made(
    stage: Stage, store: ArtifactStore, progress: Progress, device: str, devices: tuple[str, ...]
) -> tuple[Artifact, bool] | None:
    """Returns the artifact, and whether it was in the store; None while another process computes it."""
    if found := store.find(stage.key):
        return found, True
    with store.lease(stage.key) as lease:
        if lease is None:
            return None
        if found := store.find(stage.key) or store.pass_on(stage.key):  # finished after the first look
            return found, True
        with followed(stage, progress) as told:
            return _make(stage, store, lease, told, device, devices), False


def _make(
    stage: Stage, store: ArtifactStore, lease: Lease, progress: Progress, device: str, devices: tuple[str, ...]
) -> Artifact:
    started, began = datetime.now(UTC), time.monotonic()
    keep_state = True
    try:
        kind = STAGES[stage.kind]
        settings = kind.settings.model_validate(stage.settings)
        folders = _folders(stage, store)
        reading = Reading(settings, stage.places, kind.reads)
        out = store.empty_out(stage.key)
        work = Work(out, store.state(stage.key), reading.watched(progress), device, devices, folders)
        meter = Meter(*(devices or (device,)))
        facts = {**kind.run(settings, work), "processor": hardware(device)}
        if (joules := meter.joules()) is not None:
            facts = {**facts, "energy_joules": joules}
        reading.confirm()
        lease.confirm()
        return store.commit(stage, out, facts, device, started, time.monotonic() - began)
    except Exception as error:
        # an invalid request cannot resume, nor can a run whose sources changed
        keep_state = not isinstance(error, (RequestError, DataError, SourceChanged))
        if is_full_disk(error):
            raise StoreError(
                f"no space left in {store.root}; free some, then run the same command to resume"
            ) from error
        raise
    finally:
        if _is_held(lease):  # after a commit, nothing is left to discard
            store.discard(stage.key, keep_state=keep_state)


def _is_held(lease: Lease) -> bool:
    """Returns whether we still hold the lease and may clean up."""
    try:
        lease.confirm()
    except LeaseLost:
        return False
    return True


def _folders(stage: Stage, store: ArtifactStore) -> dict[str, Path]:
    folders = {digest: Path(folder) for digest, folder in stage.places.items()}
    for name, key in stage.inputs.items():
        artifact = store.find(key)
        if artifact is None:
            raise StoreError(f"input '{name}' ({key}) is missing in {store.name}; run the study again to recompute it")
        folders[key] = artifact.folder
    return folders
