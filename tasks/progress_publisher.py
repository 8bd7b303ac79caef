"""Prefect artifacts of a study that change while it runs: how far it is, and what each stage does.

One thread makes at most one request every few seconds, however many stages there are. What Prefect's server does not
take is left out: a study does not depend on being watched.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.context import FlowRunContext

from tasks.artifacts import artifact_key
from tasks.progress_state import Board

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds between two requests
_MOST_ROWS = 200  # of a table that is sent again and again; the last one has them all
_PATIENCE = 10.0  # seconds that one request may take, and that the end of a run waits for the last ones


class Client(Protocol):
    """What is used of Prefect's client."""

    def create_artifact(self, artifact: ArtifactCreate) -> Any: ...
    def request(self, method: Any, path: Any, *, json: Any = None, path_params: Any = None) -> Any: ...


class Page:
    """One artifact: made with its first contents, changed in place afterwards."""

    def __init__(self, client: Client, key: str, kind: str, flow_run: UUID | None) -> None:
        self._client = client
        self._key, self._kind, self._flow_run = key, kind, flow_run
        self._id: UUID | None = None
        self._last: Any = None

    def show(self, data: Any, description: str) -> bool:
        """Send contents that differ from the last ones; whether a request was made."""
        if (data, description) == self._last:
            return False
        if self._id is None:
            made = ArtifactCreate(
                key=self._key, type=self._kind, data=data, description=description, flow_run_id=self._flow_run
            )
            self._id = self._client.create_artifact(made).id
        else:  # not `update_artifact`: it keeps an event with all the contents for each change
            changed = {"data": data, "description": description}
            self._client.request("PATCH", "/artifacts/{id}", json=changed, path_params={"id": self._id})
        self._last = (data, description)
        return True


class Live:
    """Shows a board in two artifacts, in turns."""

    def __init__(self, board: Board, client: Client, study: str, flow_run: UUID | None) -> None:
        key = artifact_key(study)
        self._board = board
        self._study = study
        self._progress = Page(client, f"{key}-progress", "progress", flow_run)
        self._stages = Page(client, f"{key}-stages", "table", flow_run)
        self._turn = 0

    def tick(self) -> None:
        """One request at most: progress and table take turns."""
        self._turn += 1
        pages = (self._show_progress, self._show_stages)
        first, second = pages if self._turn % 2 else pages[::-1]
        if not first():
            second()

    def end(self) -> None:
        """The last contents of both, the table with every stage."""
        self._show_progress()
        self._show_stages(None)

    def _show_progress(self) -> bool:
        return self._progress.show(self._board.percent(), f"{self._study}: {self._board.words()}")

    def _show_stages(self, most: int | None = _MOST_ROWS) -> bool:
        if self._board.is_empty:
            return False
        title = f"Stages of {self._study}: what failed and what runs first"
        return self._stages.show(json.dumps(self._board.rows(most)), title)


@contextmanager
def live(study: str) -> Iterator[Board]:
    """A board that the artifacts of the running flow show until the end of this context."""
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


def _write(client: AbstractContextManager[Any], shown: Live, over: threading.Event) -> None:
    with client:
        while not over.wait(EVERY):
            _heard(shown.tick)
        _heard(shown.end)


def _heard(tell: Callable[[], None]) -> None:
    try:
        tell()
    except Exception as error:  # whatever the server or the way to it has
        log.info("not shown in Prefect: %s", error)
