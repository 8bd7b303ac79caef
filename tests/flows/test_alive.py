"""The lock of a flow run: held while its process lives, whatever an earlier try has left in the file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from flows.alive import dead, forget, hold, running


def test_a_run_that_is_tried_again_is_known_to_run(home: Path) -> None:
    folder = home / "prefect" / "runs"
    folder.mkdir(parents=True)
    (folder / "one").write_text('{"host": "another machine", "pid": 99999999}' + " " * 100 + "}")
    hold(None, SimpleNamespace(id="one"), None)
    assert running(home) == ["one"] and dead(home) == []
    forget(home, "one")
    assert running(home) == []
