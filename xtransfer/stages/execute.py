"""Run one stage in this process: served from the store, or made under its lease and committed whole."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from xtransfer.errors import DataError, RequestError, StageError, StoreError, XTransferError
from xtransfer.stages import STAGES
from xtransfer.stages.energy import Meter
from xtransfer.stages.spec import Progress, Stage, Work, silent
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.store.disk import is_full_disk


def execute(
    stage: Stage, store: ArtifactStore, progress: Progress = silent, device: str = "cpu"
) -> tuple[Artifact, bool]:
    """The artifact of `stage`, and whether it was there already.

    Raises StageError when it cannot be made; the store then holds nothing of it but the state to go on from.
    """
    if found := store.find(stage.key):
        return found, True
    try:
        with store.lease(stage.key, lambda: progress("waits for the process that makes this", 0, 1)):
            if found := store.find(stage.key) or store.pass_on(stage.key):
                return found, True
            return _make(stage, store, progress, device), False
    except StageError:
        raise
    except XTransferError as error:
        raise StageError(stage.name, str(error)) from error


def _make(stage: Stage, store: ArtifactStore, progress: Progress, device: str) -> Artifact:
    inputs = _inputs(stage, store)
    started = datetime.now(UTC)
    keep_state = True
    try:
        out = store.empty_out(stage.key)
        work = Work(out=out, state=store.state(stage.key), progress=progress, device=device)
        meter = Meter(device)
        facts = STAGES[stage.kind].run(stage.settings, inputs, work)
        if (joules := meter.joules()) is not None:
            facts = {**facts, "energy_joules": joules}
        return store.commit(stage, out, facts, device, started)
    except Exception as error:
        keep_state = not isinstance(error, (RequestError, DataError))  # a wrong request leaves nothing behind
        if is_full_disk(error):
            raise StoreError(f"no space left in {store.root}; free some and run the same command again") from error
        raise
    finally:
        if not store.find(stage.key):
            store.discard(stage.key, keep_state=keep_state)


def _inputs(stage: Stage, store: ArtifactStore) -> dict[str, Path]:
    folders = {name: Path(folder) for name, folder in stage.places.items()}
    for name, key in stage.inputs.items():
        artifact = store.find(key)
        if artifact is None:
            raise StoreError(f"input '{name}' ({key}) is gone from {store.name}; run the study again to make it")
        folders[name] = artifact.folder
    return folders
