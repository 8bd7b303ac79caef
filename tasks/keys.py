"""Keys of Prefect artifacts: the same in every run of a study or a watch, so that Prefect keeps a history of each."""

from __future__ import annotations

from xtransfer.base.digest import digest
from xtransfer.report.files import slug


def artifact_key(name: str) -> str:
    """A name as Prefect's keys allow it; names that would fall together keep a digest apart."""
    key = slug(name)
    return key if key == name else f"{key}-{digest(name)[:8]}"
