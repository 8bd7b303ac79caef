"""What the views answer and what their columns hold, in words. Their SQL is in the migrations; a test compares."""

from __future__ import annotations

from dataclasses import dataclass

_PLACE = {
    "study": "name of the study",
    "encoder": "as in `cell`",
    "intermediate": "as in `cell`",
    "target": "as in `cell`",
    "seed": "training seed",
}
_SCORE = {"language": "language of the items", "split": "`test` or `dev`", "metric": "name of the metric"}
_MEANS = {
    "mean": "mean over cells of the mean over languages, in points",
    "mean_unseen": "the same over all languages but English",
    "num_cells": "cells that the mean is over: one a seed",
    "num_languages": "languages of the cell that has fewest",
}


@dataclass(frozen=True)
class View:
    """A view: the question, and its columns in their order."""

    about: str
    columns: dict[str, str]


def _places(*names: str) -> dict[str, str]:
    return {name: _PLACE[name] for name in names}


def _suite(name: str, *benchmarks: str) -> View:
    return View(
        f"{name} per study, encoder, intermediate and seed, from `suite_scores`",
        {
            **_places("study", "encoder", "intermediate", "seed"),
            **{one.replace("-", "_"): f"score of {one}, in points; NULL where it is incomplete" for one in benchmarks},
            "total": "mean of the benchmarks; NULL where one is missing",
            "num_missing": "benchmarks without a score",
        },
    )


VIEWS: dict[str, View] = {
    "cell_scores": View(
        "every score of a study's cells; a cell that studies share stands under each",
        {
            "study": _PLACE["study"],
            "cell": "key of the cell",
            "encoder": "as in `cell`",
            "encoder_revision": "as in `cell`",
            "intermediate": "as in `cell`",
            "intermediate_language": "as in `cell`",
            "intermediate_engine": "as in `cell`",
            "target": "as in `cell`",
            "seed": _PLACE["seed"],
            "status": "status of the cell: `done` or `degenerate`",
            **_SCORE,
            "value": "points",
            "n": "items scored",
            "chance": "as in `score`",
            "constant": "as in `score`",
            "recorded_at": "as in `score`",
            "low": "as in `score`",
            "high": "as in `score`",
            "benchmark": "benchmark that the target scores",
        },
    ),
    "gains": View(
        "score minus that of `direct` with the same encoder, target and seed; degenerate cells are left out",
        {
            **_places("study", "encoder", "intermediate", "target", "seed"),
            **_SCORE,
            "value": "points after the intermediate",
            "baseline": "points of `direct`",
            "gain": "value minus baseline",
            "n": "items scored",
            "cell": "key of the cell",
            "baseline_cell": "key of the cell of `direct`",
        },
    ),
    "contrasts": View(
        "every pair of intermediates, each once, paired as in `gains`",
        {
            **_places("study", "encoder"),
            "first": "an intermediate",
            "second": "another; the name is later in the alphabet",
            **_places("target", "seed"),
            **_SCORE,
            "first_value": "points after the first",
            "second_value": "points after the second",
            "difference": "first minus second",
        },
    ),
    "transfer_gap": View(
        "English minus the mean of all other languages of a cell",
        {
            "study": _PLACE["study"],
            "cell": "key of the cell",
            **_places("encoder", "intermediate", "target", "seed"),
            "split": _SCORE["split"],
            "metric": _SCORE["metric"],
            "english": "points in English",
            "others": "mean of the others",
            "gap": "english minus others",
            "num_languages": "languages that the mean is over",
        },
    ),
    "runs": View(
        "how each cell of a study ended, where, and what it cost; stages that cells share count in each",
        {
            "study": _PLACE["study"],
            "cell": "key of the cell",
            **_places("encoder", "intermediate", "target", "seed"),
            "status": "as in `cell`",
            "reason": "as in `cell`",
            "host": "machine that scored it",
            "device": "device that scored it",
            "started": "when its first stage began (UTC)",
            "seconds": "time of all its stages",
            "num_stages": "stages behind it",
            "energy_joules": "energy of those of its stages that recorded it",
        },
    ),
    "leaderboard": View(
        "means per encoder and intermediate on each target of a study; degenerate cells are left out",
        {
            "study": _PLACE["study"],
            "target": "as in `cell`",
            "split": _SCORE["split"],
            "metric": _SCORE["metric"],
            "encoder": "as in `cell`",
            "intermediate": "as in `cell`",
            **_MEANS,
        },
    ),
    "leaderboard_all": View(
        "the same over all cells in the database, each once, whatever their study and recipe",
        {
            "target": "as in `cell`",
            "split": _SCORE["split"],
            "metric": _SCORE["metric"],
            "encoder": "as in `cell`",
            "intermediate": "as in `cell`",
            **_MEANS,
        },
    ),
    "suite_scores": View(
        "the score of each benchmark of XTREME and XTREME-R: the mean over its languages and metrics, where all are "
        "there, from one target scored on its whole test split",
        {
            "study": _PLACE["study"],
            "suite": "`xtreme` or `xtreme-r`",
            **_places("encoder", "intermediate", "seed"),
            "benchmark": "benchmark of the suite",
            "value": "points; NULL where it is incomplete, or scored in several ways in the study",
            "num_missing": "numbers (language × metric) that are not there",
            "num_cells": "cells that score it; more than one: several ways",
        },
    ),
    "xtreme": _suite(
        "XTREME", "xnli", "paws-x", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc", "tatoeba"
    ),
    "xtreme_r": _suite(
        "XTREME-R",
        "xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba", "mewsli-x", "lareqa",
    ),
}  # fmt: skip
