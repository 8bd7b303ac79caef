"""`xtransfer predict`: the gains that a study's intermediates probably have, from all recorded studies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from math import log2
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json
from flows.commands.run import started
from flows.terminal import Console
from xtransfer.base.errors import RequestError
from xtransfer.base.words import listed

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.analysis.prediction.predict import Featured
    from xtransfer.analysis.verdict import Row
    from xtransfer.base.stage import Stage
    from xtransfer.planning.descriptions import Descriptions
    from xtransfer.store.artifacts import ArtifactStore
    from xtransfer.study.study import Study

Rows = Annotated[
    int,
    typer.Option(
        "--describe",
        min=0,
        max=100_000,
        metavar="ROWS",
        help="Pass so many rows of each intermediate and target through the encoder first, and learn from that too.",
    ),
]


def command(
    study: StudyName, small: Small = False, settings: Settings = None, describe: Rows = 0, as_json: AsJson = False
) -> None:
    """Predict the gain of each intermediate before it is trained, from all recorded studies; train nothing.

    An intermediate shares what is known of its task, its language and itself on other targets. The last lines say how
    well this works on the recorded studies, beside rules that need no model.
    """
    from xtransfer.analysis.prediction.predict import demand_something, judged, predict
    from xtransfer.analysis.prediction.skill import BOTH, skill
    from xtransfer.planning.study_check import check, scored_languages

    wanted = chosen(study, small, settings)
    check(wanted)
    rows = _observed()
    encoders = list(dict.fromkeys(text.partition("@")[0] for text in wanted.encoders))
    targets = {one.slug: scored_languages(wanted, one) for one in wanted.targets}
    console = Console(stderr=as_json)
    sized = _sized(wanted)
    demand_something(targets, [one.slug for one in wanted.intermediates])
    described = _described(wanted, rows, targets, describe, console) if describe and len(rows) else None
    featured = sized if described is None else lambda frame: described(sized(frame))
    known = rows if described is None else described(rows)
    found = predict(known, encoders, targets, [one.slug for one in wanted.intermediates], featured)
    measured = {by: skill(known, by) for by in BOTH}
    without = {by: skill(rows, by) if known is not rows else [] for by in BOTH}
    if as_json:
        print_json(
            {
                "study": wanted.name,
                "predicted": json.loads(found.to_json(orient="records", double_precision=15)),
                "skill": [asdict(one) | {"left_out": by} for by, several in measured.items() for one in several],
                "without_features": [
                    asdict(one) | {"left_out": by}
                    for by, several in without.items()
                    for one in several
                    if one.rule == "predicted"
                ],
            }
        )
        return
    _show(found, console)
    said = ["Gain over direct on the mean over all languages but English. Runs: recorded of exactly this encoder, "
            "target and intermediate. Itself, its task, its language: recorded gains, each of an encoder, target and "
            "language, that have it in common."]  # fmt: skip
    if found["low"].isna().any():
        said.append("An interval is not known where too few encoders, targets, intermediates or runs are recorded to "
                    "tell how much a new one may differ.")  # fmt: skip
    new = [*(one for one in encoders if one not in set(rows["encoder"])),
           *(one for one in targets if one not in set(rows["target"]))]  # fmt: skip
    if new:
        said.append(f"No recorded study has {', '.join(new)}: what others have in common is all that is known.")
    console.print("\n" + "\n".join(said) + "\n", highlight=False, markup=False)
    for by, several in measured.items():
        console.print(judged(several, by, without[by]), highlight=False, markup=False)


def _sized(study: Study) -> Featured:
    """What adds the size of a study's intermediates to rows."""
    from xtransfer.planning.descriptions import rows_seen

    sizes = {name: log2(seen) for name, seen in rows_seen(study).items()}
    return lambda rows: rows.assign(log2_rows=rows["intermediate"].map(sizes))


def _described(
    study: Study, recorded: pd.DataFrame, targets: Mapping[str, Sequence[str]], number: int, console: Console
) -> Featured:
    """What adds features to rows: of the study, and of what else is recorded of its encoders."""
    from flows.make_artifacts import NotMade
    from xtransfer.analysis.prediction.features import with_features
    from xtransfer.base.settings import current
    from xtransfer.planning.descriptions import descriptions
    from xtransfer.scoring.description import Description
    from xtransfer.store.artifacts import ArtifactStore

    store = ArtifactStore(current().prepare().store)
    of_parts: dict[tuple[str, str], list[Description]] = {}
    of_targets: dict[tuple[str, str, str], Description] = {}
    for encoder in {text.partition("@")[0]: text for text in reversed(study.encoders)}.values():
        name = encoder.partition("@")[0]
        own = recorded[recorded["encoder"] == name]
        slugs = list(dict.fromkeys([*(one.slug for one in study.intermediates), *own["intermediate"]]))
        places = list(dict.fromkeys([*((slug, code) for slug, codes in targets.items() for code in codes),
                                     *zip(own["target"], own["language"], strict=True)]))  # fmt: skip
        asked = (encoder, slugs, places, number)
        planned = descriptions(*asked)
        _demand_encoder(encoder, planned.wanted.stages, store)
        _tell_left_out(study, targets, planned, console)
        if own.empty:
            console.print(f"No gain of {name} is recorded, so what its passes say of gains is not known.", markup=False)
        try:
            started(partial(_describe, *asked), console)
        except NotMade as error:
            console.print(f"left out: {error}", highlight=False, markup=False)
        made = {one.key: Description.load(found.folder) for one in planned.wanted.results
                if (found := store.find(one.key)) is not None}  # fmt: skip
        of_parts |= {
            (name, slug): [made[key] for key in keys if key in made] for slug, keys in planned.intermediates.items()
        }
        of_targets |= {(name, *place): made[key] for place, key in planned.targets.items() if key in made}
    return partial(with_features, intermediates=of_parts, targets=of_targets)


def _demand_encoder(encoder: str, stages: Sequence[Stage], store: ArtifactStore) -> None:
    """Raises RequestError for an encoder that would have to be trained first."""
    if any(stage.kind == "pretrain" and store.find(stage.key) is None for stage in stages):
        raise RequestError(
            f"--describe passes rows through {encoder}, which is not trained yet, and predict trains nothing: run a "
            "study with it first, or predict without --describe"
        )


def _tell_left_out(study: Study, targets: Mapping[str, Sequence[str]], planned: Descriptions, console: Console) -> None:
    """Print what of a study cannot be described."""
    trained = [one.slug for one in study.intermediates if one.phases]
    lacking = [slug for slug in trained if not planned.intermediates.get(slug)]
    lacking += [slug for slug, codes in targets.items() if not any((slug, code) in planned.targets for code in codes)]
    if lacking:
        console.print(
            f"not described, for want of training or dev rows that are in reach and not translated: {listed(lacking)}",
            highlight=False, markup=False,
        )  # fmt: skip


def _describe(encoder: str, intermediates: list[str], targets: list[tuple[str, str]], rows: int) -> dict[str, str]:
    from flows.describe_data import describe_data

    return describe_data(encoder, intermediates, targets, rows)


def with_prior(study: Study, console: Console) -> Study:
    """The study by rounds with its own prior, or what was predicted when it began, or else what is predicted now."""
    from xtransfer.analysis.prediction.predict import prior
    from xtransfer.base.settings import current
    from xtransfer.planning.study_check import check, scored_languages
    from xtransfer.results.database import open_database
    from xtransfer.results.read import definition_of

    check(study)
    assert study.rounds is not None
    if study.rounds.prior:
        return study
    with open_database(current().prepare().database_url) as database:
        recorded = definition_of(database, study.name)
    if recorded is not None:
        known = (recorded.get("rounds") or {}).get("prior", {})
    else:
        target = study.rounds.target_in(study)
        target_of = {one.slug: one for one in study.targets}
        known = prior(_observed(), study, scored_languages(study, target_of[target]), _sized(study))
    said = [f"{name} {mean:+.1f} ± {deviation:.1f}" for name, (mean, deviation) in known.items()]
    if said:
        told = f"Predicted gain ± its standard deviation, in points: {', '.join(said)}"
    elif recorded is not None:
        told = f"Study '{study.name}' began without predictions, and goes on so: what runs first stays as it was."
    else:
        told = "No recorded study bears on this question, or too few do: nothing is predicted."
    console.print(told, highlight=False, markup=False)
    return study.with_settings({"rounds": {**study.rounds.model_dump(mode="json"), "prior": known}})


def _observed() -> pd.DataFrame:
    from xtransfer.analysis.prediction.observed import observed
    from xtransfer.base.settings import current
    from xtransfer.results.database import open_database
    from xtransfer.store.artifacts import ArtifactStore

    places = current()
    with open_database(places.database_url, read_only=True) as database:
        return observed(database, ArtifactStore(places.store))


def _interval(row: Row) -> str:
    from xtransfer.analysis.statistic import INTERVAL

    return INTERVAL.text(row) or "not known"


def _show(found: pd.DataFrame, console: Console) -> None:
    from flows.commands.results.ask import print_tables
    from xtransfer.analysis.statistic import Column, column, named, signed, table, text

    columns = (
        *named("encoder", "target", "intermediate"),
        column("predicted", "gain", signed),
        Column("95% interval", _interval),
        column("runs", "runs", text),
        column("itself", "same_intermediate", text),
        column("its task", "same_task", text),
        column("its language", "same_language", text),
    )
    print_tables(table(found, columns), ["target", "encoder"], console)
