"""`xtransfer predict`: the gains that a study's intermediates probably have, from all recorded studies."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from flows.commands.common import AsJson, Settings, Small, StudyName, chosen, print_json
from flows.terminal import Console

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.study.study import Study


def command(study: StudyName, small: Small = False, settings: Settings = None, as_json: AsJson = False) -> None:
    """Predict the gain of each intermediate before it is trained, from all recorded studies; run nothing.

    An intermediate shares what is known of its task, its language and itself on other targets. The last lines say how
    well this works on the recorded studies, beside rules that need no model.
    """
    from xtransfer.analysis.prediction.predict import judged, predict
    from xtransfer.analysis.prediction.skill import skill
    from xtransfer.planning.study_check import scored_languages

    wanted = chosen(study, small, settings)
    rows = _observed()
    encoders = list(dict.fromkeys(text.partition("@")[0] for text in wanted.encoders))
    targets = {one.slug: scored_languages(wanted, one) for one in wanted.targets}
    found = predict(rows, encoders, targets, [one.slug for one in wanted.intermediates])
    measured = {by: skill(rows, by) for by in ("target", "language")}
    if as_json:
        print_json(
            {
                "study": wanted.name,
                "predicted": found.to_dict("records"),
                "skill": [asdict(one) | {"left_out": by} for by, several in measured.items() for one in several],
            }
        )
        return
    console = Console()
    _show(found, console)
    said = ["Gain over direct on the mean over all languages but English. Recorded: gains, each of an encoder, target "
            "and language, that have the intermediate, its task or its language."]  # fmt: skip
    new = [*(one for one in encoders if one not in set(rows["encoder"])),
           *(one for one in targets if one not in set(rows["target"]))]  # fmt: skip
    if new:
        said.append(f"No recorded study has {', '.join(new)}: what others have in common is all that is known.")
    console.print("\n" + "\n".join(said) + "\n", highlight=False, markup=False)
    for by, several in measured.items():
        console.print(judged(several, by), highlight=False, markup=False)


def with_prior(study: Study, console: Console) -> Study:
    """The study by rounds with what is predicted of its intermediates, or with what was when it began."""
    from xtransfer.analysis.prediction.predict import prior
    from xtransfer.base.settings import current
    from xtransfer.planning.study_check import check, scored_languages
    from xtransfer.results.database import open_database
    from xtransfer.results.read import definition_of

    check(study)
    assert study.rounds is not None
    with open_database(current().prepare().database_url) as database:
        recorded = definition_of(database, study.name)
    if recorded is not None:
        known = (recorded.get("rounds") or {}).get("prior", {})
    else:
        target = study.rounds.target_in(study)
        target_of = {one.slug: one for one in study.targets}
        known = prior(_observed(), study, scored_languages(study, target_of[target]))
    said = [f"{name} {mean:+.1f} ± {deviation:.1f}" for name, (mean, deviation) in known.items()]
    told = f"Predicted gain ± its standard deviation, in points: {', '.join(said)}"
    console.print(told if said else "No recorded study bears on this question: nothing is predicted.", highlight=False)
    return study.with_settings({"rounds": {**study.rounds.model_dump(mode="json"), "prior": known}})


def _observed() -> pd.DataFrame:
    from xtransfer.analysis.prediction.observed import observed
    from xtransfer.base.settings import current
    from xtransfer.results.database import open_database
    from xtransfer.store.artifacts import ArtifactStore

    places = current()
    with open_database(places.database_url, read_only=True) as database:
        return observed(database, ArtifactStore(places.store))


def _show(found: pd.DataFrame, console: Console) -> None:
    from flows.commands.results.ask import print_tables
    from xtransfer.analysis.statistic import Column, column, named, signed, table, text

    columns = (
        *named("encoder", "target", "intermediate"),
        column("predicted gain", "gain", signed),
        Column("95% interval", lambda row: f"[{signed(row['low'])}, {signed(row['high'])}]"),
        column("recorded: itself", "same_intermediate", text),
        column("its task", "same_task", text),
        column("its language", "same_language", text),
    )
    print_tables(table(found, columns), ["target", "encoder"], console)
