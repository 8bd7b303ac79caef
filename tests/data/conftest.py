from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty mirror that XTRANSFER_HUB_DIR names."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(folder))
    return folder
