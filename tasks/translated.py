"""The pages in Prefect of translations: quality, what was left out and why, and some sentences."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.keys import artifact_key
from tasks.markdown import listed
from xtransfer.base.errors import XTransferError
from xtransfer.report import translated
from xtransfer.store.artifacts import Artifact


def publish_translations(title: str, made: Sequence[Artifact]) -> None:
    """Show what `report.translated` finds; sentences whose sources cannot be read any more are logged."""
    key = artifact_key(title)
    artifacts, round_trips = translated.parted(made)
    if artifacts:
        create_table_artifact(translated.quality(artifacts, round_trips), f"{key}-quality", f"How good {title} is")
    if drops := translated.drops(artifacts):
        create_table_artifact(drops, f"{key}-drops", f"Rows that {title} leaves out, by reason")
    if dropped := translated.dropped(artifacts):
        text = listed(dropped, ("language", "reason"), ("source", "output"))
        create_markdown_artifact(text, f"{key}-dropped", f"Some rows that {title} leaves out")
    try:
        sentences = translated.samples(artifacts)
    except XTransferError as error:
        get_run_logger().warning("no sentences of %s: %s", title, error)
        return
    text = listed(sentences, ("language",), ("source", "translation", "reference"))
    create_markdown_artifact(text, f"{key}-sentences", f"Some sentences of {title}, and people's where there are any")
