"""The flow that an event starts: runs what a watch asks for a new checkpoint, unless another run did or does."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.forms import HowTrainingsRun, Options, chosen
from flows.run_lock import hold
from flows.run_study import Summary, run_study
from xtransfer.base.settings import current
from xtransfer.models.files import fetched
from xtransfer.results.database import open_database
from xtransfer.watch.claims import claimed
from xtransfer.watch.watch import Watch


@flow(
    name="evaluate-new-checkpoint",
    flow_run_name="{watch.name} {location}",
    on_running=[hold],
    persist_result=False,
)
def evaluate_new_checkpoint(
    watch: Watch,
    digest: str,
    location: str,
    options: Options = [],  # noqa: B006 - shown in the form
) -> Summary | State[None]:
    """Run what a watch asks for one recorded checkpoint; ends at once if that was done or is being done.

    Args:
        watch: what to run, and under which name.
        digest: digest of the checkpoint, as in the table `watched_checkpoint`.
        location: where it was seen, for the run's name; it is read from the recorded location.
        options: how stages run, each as OPTION=VALUE: workers=2 (at once), per_device=4 (scoring stages on a GPU),
            devices_per_stage=2, timeout_hours.train=8 (or .any).
    """
    how = chosen(HowTrainingsRun, options)
    settings = current().prepare()
    me = str(flow_run.get_id() or "")
    with (
        open_database(settings.database_url) as db,
        claimed(watch, digest, db, settings.home, me) as claim,
    ):
        if claim.refused:
            return Completed(name="Nothing to do", message=claim.refused)
        with fetched.used(claim.location, digest, settings.home) as encoder:
            study = watch.study_for(encoder, claim.study)
            return run_study.fn(study, **how.model_dump())
