"""A run that lives is taken for one: by the lock that it holds, and by its heartbeats."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from prefect.settings.models.flows import FlowsSettings

from flows.prefect_fixes import dead_runs as marking
from flows.run_lock import dead, forget, hold, running


def test_a_run_that_is_tried_again_is_known_to_run(home: Path) -> None:
    folder = home / "prefect" / "runs"
    folder.mkdir(parents=True)
    (folder / "one").write_text('{"host": "another machine", "pid": 99999999}' + " " * 100 + "}")
    hold(None, SimpleNamespace(id="one"), None)
    assert running(home) == ["one"] and dead(home) == []
    forget(home, "one")
    assert running(home) == []


def test_a_run_with_the_heartbeats_of_prefect_itself_is_not_taken_for_dead() -> None:
    """As those of other machines are, and other people's: one heartbeat may be lost on the way."""
    assert 2 * FlowsSettings.model_fields["heartbeat_frequency"].default < marking._SILENT_SECONDS
