"""Keys of Prefect artifacts: the same in every run of a study, so that Prefect keeps a history of each."""

from __future__ import annotations

from xtransfer.digest import digest
from xtransfer.report.files import slug


def artifact_key(study: str) -> str:
    """The study's name as Prefect's keys allow it; names that would fall together keep a digest apart."""
    key = slug(study)
    return key if key == study else f"{key}-{digest(study)[:8]}"
