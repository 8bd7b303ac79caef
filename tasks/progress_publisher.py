"""Prefect artifacts that are updated while a study runs: overall progress, and the state of each stage.

One thread makes at most one request every few seconds, whatever the number of stages. A failed request is skipped: a
study does not depend on its display.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import Artifact
from prefect.context import FlowRunContext

from tasks.artifacts import artifact_key
from tasks.progress_state import Board

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds between two requests
_AT_FIRST = 0.5  # seconds: Prefect's UI does not look again for the artifacts of a run that had none
_MOST_ROWS = 200  # of the table while the run goes on; the final one has every stage
_PATIENCE = 10.0  # seconds: limit of one request, and of the wait for the last ones


class Client(Protocol):
    """The part of Prefect's client that is used here."""

    def create_artifact(self, artifact: ArtifactCreate) -> Artifact: ...
    def request(
        self, method: Literal["PATCH"], path: Literal["/artifacts/{id}"], *, json: object, path_params: dict[str, UUID]
    ) -> object: ...


class Page:
    """One artifact: created with its first contents, updated in place afterwards."""

    def __init__(self, client: Client, key: str, kind: str, flow_run: UUID | None) -> None:
        self._client = client
        self._key, self._kind, self._flow_run = key, kind, flow_run
        self._id: UUID | None = None
        self._last: tuple[float | str, str] | None = None

    def show(self, data: float | str, description: str) -> bool:
        """Send the contents if they changed; returns whether a request was made."""
        if (data, description) == self._last:
            return False
        if self._id is None:
            made = ArtifactCreate(
                key=self._key, type=self._kind, data=data, description=description, flow_run_id=self._flow_run
            )
            self._id = self._client.create_artifact(made).id
        else:  # not `update_artifact`: Prefect stores an event with the full contents per call
            changed = {"data": data, "description": description}
            self._client.request("PATCH", "/artifacts/{id}", json=changed, path_params={"id": self._id})
        self._last = (data, description)
        return True


class Live:
    """Publishes a board as two artifacts, alternately."""

    def __init__(self, board: Board, client: Client, study: str, flow_run: UUID | None) -> None:
        key = artifact_key(study)
        self._board = board
        self._study = study
        self._progress = Page(client, f"{key}-progress", "progress", flow_run)
        self._stages = Page(client, f"{key}-stages", "table", flow_run)
        self._turn = 0

    def tick(self) -> None:
        """At most one request: progress and table alternate."""
        self._turn += 1
        pages = (self._show_progress, self._show_stages)
        first, second = pages if self._turn % 2 else pages[::-1]
        if not first():
            second()

    def end(self) -> None:
        """Publish the final contents of both; the table then has every stage."""
        self._show_progress()
        self._show_stages(None)

    def _show_progress(self) -> bool:
        return self._progress.show(self._board.percent(), f"{self._study}: {self._board.words()}")

    def _show_stages(self, most: int | None = _MOST_ROWS) -> bool:
        if self._board.is_empty:
            return False
        title = f"Stages of {self._study}, failed and running ones first"
        return self._stages.show(json.dumps(self._board.rows(most)), title)


@contextmanager
def live(study: str) -> Iterator[Board]:
    """A board that is published as artifacts of the running flow until this context ends."""
    board = Board()
    over = threading.Event()
    context = FlowRunContext.get()
    flow_run = context.flow_run.id if context is not None and context.flow_run is not None else None
    client = get_client(httpx_settings={"timeout": _PATIENCE}, sync_client=True)
    shown = Live(board, client, study, flow_run)
    writer = threading.Thread(target=_write, args=(client, shown, over), name="live artifacts", daemon=True)
    writer.start()
    try:
        yield board
    finally:
        board.stopped()
        over.set()
        writer.join(_PATIENCE)


def _write(client: AbstractContextManager[object], shown: Live, over: threading.Event) -> None:
    with client:
        pause = _AT_FIRST
        while not over.wait(pause):
            _attempt(shown.tick)
            pause = EVERY
        _attempt(shown.end)


def _attempt(publish: Callable[[], None]) -> None:
    try:
        publish()
    except Exception as error:  # any fault of the server or the network: the study goes on
        log.info("progress not shown in Prefect: %s", error)
