"""The pages in Prefect of translations: quality, what was left out and why, and some sentences."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger
from prefect.artifacts import create_table_artifact

from tasks.keys import artifact_key
from xtransfer.errors import XTransferError
from xtransfer.report import translated
from xtransfer.store.artifacts import Artifact


def publish_translations(title: str, artifacts: Sequence[Artifact]) -> None:
    """Show the tables of `report.translated` that have rows; what cannot be read any more is logged."""
    tables = {
        "quality": (translated.quality, f"How good {title} is"),
        "drops": (translated.drops, f"Rows that {title} leaves out, by reason"),
        "dropped": (translated.dropped, f"Some rows that {title} leaves out"),
        "sentences": (translated.samples, f"Some sentences of {title}"),
    }
    key = artifact_key(title)
    for name, (rows, description) in tables.items():
        try:
            found = rows(artifacts)
        except XTransferError as error:
            get_run_logger().warning("no %s of %s: %s", name, title, error)
            continue
        if found:
            create_table_artifact(found, f"{key}-{name}", description)
