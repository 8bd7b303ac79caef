"""The flow that describes intermediates and targets for an encoder, for `xtransfer predict --describe`."""

from __future__ import annotations

from prefect import flow

from flows.make_artifacts import make_artifacts
from flows.run_lock import hold
from xtransfer.planning.descriptions import descriptions


@flow(name="describe-data", flow_run_name="{encoder}, {rows} rows", on_running=[hold], persist_result=False)
def describe_data(
    encoder: str, intermediates: list[str], targets: list[tuple[str, str]], rows: int, workers: int | None = None
) -> dict[str, str]:
    """Pass some rows of each intermediate and target through an encoder; returns the key of each description.

    Args:
        encoder: as in a study.
        intermediates: as in a study.
        targets: each with a language.
        rows: of each, at most.
        workers: stages at the same time.
    """
    wanted = descriptions(encoder, intermediates, targets, rows).wanted
    return make_artifacts(wanted, f"descriptions for {encoder}", workers)
