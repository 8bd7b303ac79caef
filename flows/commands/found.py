"""What a run has found: its gains and rounds, for programs, and for people with what they mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from flows.terminal import Console
from xtransfer.base.words import counted

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.study.study import Study


def gains_of(study: Study) -> pd.DataFrame:
    """Returns the gains of a study, as `xtransfer.analysis.gains`."""
    from xtransfer.analysis.results import open_results

    with open_results() as results:
        return results.gains(study.name)


def looks_at(study: Study) -> dict[str, object]:
    """Returns what each look at a study by rounds showed, and where it stands."""
    from xtransfer.analysis.results import open_results

    with open_results() as results:
        return {name: json.loads(results.statistic(name, study.name).to_json(orient="records", double_precision=15))
                for name in ("rounds", "standing")}  # fmt: skip


def print_rounds(study: Study, said: str, console: Console) -> None:
    """Print what each look at a study by rounds showed, and `said`, what they have shown together."""
    from flows.commands.results.ask import print_table
    from xtransfer.analysis.results import open_results
    from xtransfer.analysis.statistics import ROUNDS, STANDING

    with open_results() as results:
        for one in (ROUNDS, STANDING):
            console.print()
            print_table(one.table(results.statistic(one, study.name)), console)
        left_out = results.gains(study.name).attrs["excluded"]
    console.print(f"\n{said}", highlight=False, markup=False)
    _print_left_out(study, left_out, console)


def print_gains(study: Study, console: Console) -> None:
    """Print a table of gains per target, each with what it means, and what all of them say together."""
    from xtransfer.analysis.results import open_results
    from xtransfer.report.answer import answers, overall
    from xtransfer.report.tables import headline, rich_tables

    with open_results() as results:
        known = results.scores(study.name).dropna(subset=["chance"]).groupby("target")["chance"].unique()
        gains, contrasts = results.gains(study.name), results.contrasts(study.name)
        found = answers(headline(gains), headline(contrasts), results.ranking(study.name), results.power(study.name))
    chance = {str(name): float(one[0]) for name, one in known.items() if len(one) == 1}
    findings = {(one.target, one.encoder): one.finding for one in found}
    for part in rich_tables(gains, console.width, chance, findings):
        console.print(part, highlight=False)
    if len(found) > 1 and (whole := overall(found)) is not None:
        console.print(f"\n{whole.text}", highlight=False, markup=False, style="bold")
    _print_left_out(study, gains.attrs["excluded"], console)


def _print_left_out(study: Study, left_out: Sequence[object], console: Console) -> None:
    if left_out:
        console.print(f"left out: {counted(len(left_out), 'cell')} without usable scores; for the reasons:")
        console.print(f"  xtransfer results runs --study {study.name}", highlight=False)
