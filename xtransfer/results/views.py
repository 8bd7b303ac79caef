"""Descriptions of the views and their columns. Their SQL is in the migrations; a test compares the two."""

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
    "mean_unseen": "the same without English, which analyses call `mean-but-en`",
    "num_cells": "cells in the mean: one per seed",
    "num_languages": "languages in the mean; of the cell with the fewest",
}


@dataclass(frozen=True)
class View:
    """A view: what it shows, and its columns in order."""

    about: str
    columns: dict[str, str]


def _places(*names: str) -> dict[str, str]:
    return {name: _PLACE[name] for name in names}


def _suite(name: str, *benchmarks: str) -> View:
    return View(
        f"{name} per study, encoder, intermediate and seed, from `suite_scores`",
        {
            **_places("study", "encoder", "intermediate", "seed"),
            **{one.replace("-", "_"): f"score of {one}, in points; NULL if incomplete" for one in benchmarks},
            "total": "mean of the benchmarks; NULL if one is missing",
            "num_missing": "benchmarks without a score",
        },
    )


VIEWS: dict[str, View] = {
    "cell_scores": View(
        "every score of a study's cells; a cell shared by studies is listed under each",
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
            "benchmark": "benchmark that is scored",
        },
    ),
    "gains": View(
        "score minus the score of `direct` with the same encoder, target and seed, without degenerate cells",
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
            "second": "another, later in alphabetical order",
            **_places("target", "seed"),
            **_SCORE,
            "first_value": "points after the first",
            "second_value": "points after the second",
            "difference": "first minus second",
        },
    ),
    "transfer_gap": View(
        "English score of a cell minus its mean over all other languages",
        {
            "study": _PLACE["study"],
            "cell": "key of the cell",
            **_places("encoder", "intermediate", "target", "seed"),
            "split": _SCORE["split"],
            "metric": _SCORE["metric"],
            "english": "points in English",
            "others": "mean of all languages but English",
            "gap": "english minus others",
            "num_languages": "number of languages in that mean",
        },
    ),
    "runs": View(
        "how each cell of a study ended, where it ran, and its cost; a stage shared by cells counts in each",
        {
            "study": _PLACE["study"],
            "cell": "key of the cell",
            **_places("encoder", "intermediate", "target", "seed"),
            "status": "as in `cell`",
            "reason": "as in `cell`",
            "host": "machine that scored it",
            "device": "device that scored it",
            "started": "when its first stage started (UTC)",
            "seconds": "run time of all its stages, in seconds",
            "num_stages": "number of stages behind it",
            "energy_joules": "energy of its stages, as far as recorded, in joules",
        },
    ),
    "leaderboard": View(
        "means per encoder and intermediate on each target of a study, without degenerate cells",
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
        "the same over all cells in the database, each once, across studies and recipes",
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
        "score of each benchmark of XTREME and XTREME-R: the mean over its languages and metrics, if one target scored "
        "all of them on its whole test split",
        {
            "study": _PLACE["study"],
            "suite": "`xtreme` or `xtreme-r`",
            **_places("encoder", "intermediate", "seed"),
            "benchmark": "benchmark of the suite",
            "value": "points; NULL if incomplete, or if several targets of the study score it",
            "num_missing": "missing scores (language × metric)",
            "num_cells": "cells that score it; if more than one, `value` is NULL",
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
