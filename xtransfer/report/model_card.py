"""The card of an exported model: what it was trained on, how, and what it scores, from its provenance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import yaml
from sqlalchemy import select

from xtransfer.analysis.statistic import chances
from xtransfer.analysis.texts import markdown
from xtransfer.base.declared import JsonObject
from xtransfer.base.printable import in_markdown
from xtransfer.base.stage import FolderModel, HubModel
from xtransfer.base.version import __version__
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.results.evidence import lineage
from xtransfer.results.executed import CellStageRow, StageRow
from xtransfer.results.schema import CellRow, ScoreRow
from xtransfer.study.stage_facts import Facts
from xtransfer.study.stage_settings import TrainSettings

if TYPE_CHECKING:
    from xtransfer.models.plain import Plain
    from xtransfer.results.database import Database
    from xtransfer.store.artifacts import Artifact, ArtifactStore

_RECIPE = ("learning_rate", "epochs", "steps", "batch_size", "max_length", "warmup", "dropout", "precision", "source")


def card(artifact: Artifact, plain: Plain, store: ArtifactStore, db: Database | None, where: str) -> str:
    """Returns README.md of an exported checkpoint: front matter for a hub, trainings, licences of data, and scores.

    `db`: where its scores are; None: there is no database. `where`: the folder or repository to load. Raises StoreError
    if an artifact behind it is gone.
    """
    behind = lineage(store, artifact)
    trainings = [(one, own) for one in behind if (own := TrainSettings.of(one.manifest)) is not None]
    name = artifact.manifest.name
    module, _, name_of = plain.loader.partition(".")
    load = f'{name_of}("{where}")' if module == "sentence_transformers" else f'{name_of}.from_pretrained("{where}")'
    parts = [
        f"# {in_markdown(name)}",
        f"```python\nfrom {module} import {name_of}\nmodel = {load}\n```",
        _head(plain),
        f"Trained by xtransfer {__version__}. The checkpoint's key in its store and database is `{artifact.key}`.",
        "## Training",
        f"It starts from {in_markdown(_start(trainings[0][1], behind))}.",
        markdown(pd.DataFrame([line for one, own in trainings for line in _rows(one, own)]).astype(str)),
        "\n".join(f"- {in_markdown(one.manifest.name)}: {_recipe(own)}" for one, own in trainings),
    ]
    if reason := Facts.of(artifact.manifest.facts).degenerate:
        parts.append(f"Its own test for failed training: {in_markdown(reason)}.")
    scores = _scores(artifact.key, db) if db is not None else []
    if scores:
        parts += [
            "## Scores",
            "Zero-shot where the language was not trained in. Intervals are 95% over test items, of "
            "this one training; items that belong together are drawn together.",
            markdown(pd.DataFrame(scores).astype(str)),
        ]
    return f"---\n{yaml.safe_dump(_front(trainings, plain), sort_keys=False)}---\n\n" + "\n\n".join(parts) + "\n"


def _head(plain: Plain) -> str:
    if plain.head is None:
        return "This is the encoder alone, without the head that was trained with it."
    labels = f", with the labels {in_markdown(', '.join(plain.head.labels))}" if plain.head.labels else ""
    return f"The head is that of {in_markdown(plain.head.benchmark)}{labels}."


def _front(trainings: Sequence[tuple[Artifact, TrainSettings]], plain: Plain) -> JsonObject:
    parts = [part for _, own in trainings for part in own.parts]
    known = [part for part in parts if part.benchmark in BENCHMARKS]
    paths = [BENCHMARKS[part.benchmark].source_of("train", part.language).path_of(part.language) for part in known]
    base = [own.start.id for _, own in trainings if isinstance(own.start, HubModel)]
    return {
        "library_name": plain.loader.partition(".")[0].replace("_", "-"),
        **({"base_model": base[0]} if base else {}),
        "language": sorted({part.language for part in parts}),
        "datasets": sorted({path for path in paths if "/" in path and not path.startswith(("/", "local/"))}),
        "tags": ["xtransfer"],
    }


def _start(first: TrainSettings, behind: Sequence[Artifact]) -> str:
    """Returns what the first training started from."""
    if isinstance(first.start, HubModel):
        return f"the hub model {first.start.id} at {first.start.revision}"
    if isinstance(first.start, FolderModel):
        return f"a folder whose files have the digest {first.start.digest}"
    made = first.start.key
    return next(f"what the stage {one.manifest.name} made" for one in behind if one.key == made)


def _rows(one: Artifact, own: TrainSettings) -> Iterator[dict[str, object]]:
    counts = one.manifest.facts.get("part_rows")
    for number, part in enumerate(own.parts):
        known = BENCHMARKS.get(part.benchmark)
        declared = known.read_as("train", part.language) if known is not None else None
        yield {
            "training": one.manifest.name,
            "data": declared.name if declared is not None else part.benchmark,
            "language": part.language,
            "translated": "yes" if part.translation is not None else "",
            "rows": counts[number] if isinstance(counts, list) and number < len(counts) else "",
            "licence": declared.licence if declared is not None else "",
        }


def _recipe(settings: TrainSettings) -> str:
    values = settings.recipe.model_dump(mode="json")
    shown = [f"{name} {values[name]}" for name in _RECIPE if values.get(name) not in (None, "")]
    return in_markdown(", ".join([*shown, f"seed {settings.seed}"]))


def _scores(key: str, db: Database) -> list[dict[str, object]]:
    """Returns the scores of the cells whose score stage read this checkpoint."""
    cells = select(CellRow.key, CellRow.target, CellRow.status, StageRow.settings).where(
        CellRow.key.in_(select(CellStageRow.cell).where(CellStageRow.stage == key)), StageRow.key == CellRow.score_stage
    )
    columns = (ScoreRow.cell, ScoreRow.language, ScoreRow.split, ScoreRow.metric, ScoreRow.value, ScoreRow.low)
    with db.engine.connect() as connection:
        found = {row.key: row for row in connection.execute(cells) if _scored(row.settings) == key}
        query = select(*columns, ScoreRow.high, ScoreRow.n, ScoreRow.chance).where(ScoreRow.cell.in_(found))
        scores = connection.execute(query.order_by(ScoreRow.cell, ScoreRow.split, ScoreRow.metric, ScoreRow.language))
        return [
            {
                "target": found[row.cell].target + ("" if found[row.cell].status == "done" else " (degenerate)"),
                "language": row.language,
                "split": row.split,
                "metric": row.metric,
                "score": f"{row.value:.1f}",
                "interval": "" if row.low is None else f"{row.low:.1f} to {row.high:.1f}",
                "items": row.n,
                "chance": chances(row.chance),
            }
            for row in scores
        ]


def _scored(settings: JsonObject) -> object:
    checkpoint = settings.get("checkpoint")
    return checkpoint.get("key") if isinstance(checkpoint, dict) else None
