"""Exports stored predictions as submissions: one folder per encoder, intermediate and seed for the public scorer."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select
from sqlalchemy.orm import Session

from xtransfer import benchmarks
from xtransfer.analysis.layout import FORMS, Answers, Form
from xtransfer.analysis.statistic import Value
from xtransfer.base.digest import digest
from xtransfer.base.disk import new_folder
from xtransfer.base.errors import DataError, RequestError, StoreError, unknown
from xtransfer.base.version import __version__
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.data.load import load_rows
from xtransfer.data.revisions import Pins
from xtransfer.metrics.aggregate import Member, Suite
from xtransfer.results.database import Database
from xtransfer.results.faults import explained
from xtransfer.results.predictions import FILE as PREDICTIONS
from xtransfer.results.schema import CellRow, CellStageRow, StageRow, StudyCellRow, StudyRow
from xtransfer.store.artifacts import Artifact, ArtifactStore
from xtransfer.study.stage_settings import PretrainSettings, ScoreSettings, TrainSettings, TranslatorSettings
from xtransfer.study.study import Target

METADATA = "metadata.json"
_README = """Predictions in the layout of google-research/xtreme, written by xtransfer {version}.

Each folder is one submission; its {metadata} records where the predictions come from. To score it with the public
script, which needs the label files:

    python evaluate.py --prediction_folder FOLDER --label_folder LABELS --xtreme_version {suite} --output_file OUT

Lines follow the order of the source's rows, which is also the order of the label files. In tatoeba, lines follow the
English sentences sorted by code point, and each line holds the 0-based position of the foreign sentence in Tatoeba's
original order, as in XTREME's label files.
"""
_LONGEST = 120  # characters in a folder name
_SHOWN = 20  # missing predictions listed in one error


@dataclass(frozen=True)
class Submission:
    """One folder of predictions."""

    study: str
    encoder: str
    intermediate: str  # slug
    seed: int
    cells: Mapping[str, CellRow]  # member of the suite → cell whose predictions are exported
    not_included: tuple[str, ...]  # benchmarks of the suite that the study lacks or that have no public format

    @property
    def name(self) -> str:
        """`xlm-roberta-base@e73636d4_nli@de_seed-1`: readable and safe as a folder name."""
        encoder = re.sub(r"@([0-9a-f]{8})[0-9a-f]{32}$", r"@\1", self.encoder)
        name = re.sub(r"[^A-Za-z0-9._@+~-]+", "-", f"{encoder}_{self.intermediate}").lstrip(".-")
        if len(name) > _LONGEST:
            name = f"{name[:_LONGEST]}-{digest(self.encoder, self.intermediate)[:8]}"
        return f"{name}_seed-{self.seed}"


def export(
    study: str,
    db: Database,
    store: ArtifactStore,
    suite: Suite,
    out: Path,
    **filters: Sequence[Value] | None,
) -> list[Submission]:
    """Writes the test predictions of a study to the new folder `out`, all or nothing; returns its submissions.

    Filters (encoder, intermediate, target, seed) are lists of values to keep. An exported benchmark always has all its
    languages. Raises RequestError for an unknown name, an `out` that is not empty, or missing predictions, which it
    lists; DataError for predictions that the layout cannot represent.
    """
    submissions = _submissions(study, _cells(db, study), suite, filters)
    with new_folder(out) as folder:
        faults = [fault for one in submissions for fault in _write(one, db, store, suite, folder / one.name)]
        if faults:
            more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
            said = "\n  ".join(["nothing was exported; these predictions are missing:", *faults[:_SHOWN], *more])
            raise RequestError(
                f"{said}\nrun the study, or select other cells with --encoder, --intermediate, --target, --seed"
            )
        readme = _README.format(version=__version__, metadata=METADATA, suite=suite.name)
        (folder / "README.md").write_text(readme, encoding="utf-8")
    return submissions


def _cells(db: Database, study: str) -> list[CellRow]:
    query = select(CellRow).join(StudyCellRow, StudyCellRow.cell == CellRow.key)
    with explained(db.name), db.begin() as connection, Session(connection) as session:
        known = list(session.scalars(select(StudyRow.name)))
        if study not in known:
            raise unknown("study", study, known)
        return list(session.scalars(query.where(StudyCellRow.study == study)))


def _submissions(
    study: str, cells: Sequence[CellRow], suite: Suite, filters: Mapping[str, Collection[Value] | None]
) -> list[Submission]:
    for name, values in filters.items():
        known = {getattr(cell, name) for cell in cells}
        for value in values or ():
            if value not in known:
                raise unknown(name, str(value), map(str, known))
        cells = [cell for cell in cells if not values or getattr(cell, name) in values]
    found: dict[tuple[str, str, int], dict[str, CellRow]] = {}
    for cell in sorted(cells, key=lambda cell: (cell.encoder, cell.intermediate, cell.seed)):
        target = Target.parse(cell.target)
        member = suite.member(target.benchmark)
        whole = target.split == "test" and target.score_rows is None
        if not whole or member is None or member.benchmark not in FORMS:
            continue
        group = found.setdefault((cell.encoder, cell.intermediate, cell.seed), {})
        if member.benchmark in group:
            both = ", ".join(sorted([group[member.benchmark].target, cell.target]))
            raise RequestError(
                f"study '{study}' scores {member.benchmark} with several targets ({both}); select one per benchmark "
                "with --target"
            )
        group[member.benchmark] = cell
    if not found:
        names = ", ".join(member.benchmark for member in suite.members if member.benchmark in FORMS)
        raise RequestError(f"study '{study}': none of the selected cells has a target of {suite.name} ({names})")
    return [
        Submission(study, *place, group, tuple(one.benchmark for one in suite.members if one.benchmark not in group))
        for place, group in found.items()
    ]


def _write(submission: Submission, db: Database, store: ArtifactStore, suite: Suite, folder: Path) -> list[str]:
    """Writes one submission; returns what is missing."""
    faults: list[str] = []
    described: dict[str, dict[str, object]] = {}
    slug = f"{submission.encoder} {submission.intermediate} seed {submission.seed}"
    for member in suite.members:
        cell = submission.cells.get(member.benchmark)
        if cell is None:
            continue
        artifact = store.find(cell.score_stage)
        if artifact is None:
            faults.append(f"{slug}: {cell.target}: no predictions, the cell is {cell.status}")
            continue
        benchmark = benchmarks.get(Target.parse(cell.target).benchmark)
        form, languages = FORMS[member.benchmark], (*member.languages, *member.further)
        table = _read(artifact)
        wrong = _incomplete(table, form, languages, member)
        if wrong:
            faults.append(f"{slug}: {cell.target}: {wrong}")
            continue
        (folder / form.folder).mkdir(parents=True)
        for language in languages:
            text = form.text(_answers(table, form, benchmark, language, artifact))
            (folder / form.folder / f"test-{language}.{form.suffix}").write_text(text, encoding="ascii")
        described[form.folder] = _described(cell, artifact, benchmark, db) | {
            "items": {code: len(table[code][0]) for code in languages}
        }
    if not faults:
        (folder / METADATA).write_text(
            json.dumps(_metadata(submission, suite, described), indent=1, sort_keys=True) + "\n"
        )
    return faults


_Table = Mapping[str, tuple[list[str], list[str]]]  # language → ids and predictions (JSON), in the stored order


def _read(artifact: Artifact) -> _Table:
    file = artifact.folder / PREDICTIONS
    try:
        columns = pq.read_table(file, columns=["language", "id", "prediction"]).to_pydict()
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise StoreError(f"{file}: cannot be read ({error}); remove its artifact and run the study again") from error
    table: dict[str, tuple[list[str], list[str]]] = {}
    for language, name, prediction in zip(*columns.values(), strict=True):
        ids, predictions = table.setdefault(language, ([], []))
        ids.append(name)
        predictions.append(prediction)
    return table


def _incomplete(table: _Table, form: Form, languages: Sequence[str], member: Member) -> str:
    """Returns which languages are missing or incomplete; empty if none are."""
    absent = [code for code in languages if code not in table]
    others = [name for name in member.alike if absent and set(absent) <= set(benchmarks.get(name).languages)]
    hint = f" ({others[0]} has them)" if others else ""
    faults = [f"no predictions for {' '.join(absent)}{hint}"] if absent else []
    for code in languages:
        count = len(table[code][0]) if code in table else form.items
        if form.items is not None and count != form.items:
            faults.append(f"{count} items in {code}, but the label files have {form.items}")
    return "; ".join(faults)


def _answers(table: _Table, form: Form, benchmark: Benchmark, language: str, artifact: Artifact) -> Answers:
    place = f"{benchmark.name}/{language}"
    ids, predictions = table[language]
    whole = benchmark.id is None and benchmark.source_of("test", language).keep is None  # ids are row numbers
    if whole and ids != [str(number) for number in range(len(ids))]:
        raise DataError(f"{place}: only some of the source's rows were scored; the label files expect all of them")
    rows = _source_rows(benchmark, language, artifact) if form.reads_rows else ()
    return Answers(place, benchmark.labels, ids, [json.loads(text) for text in predictions], rows)


def _source_rows(benchmark: Benchmark, language: str, artifact: Artifact) -> list[Row]:
    settings = ScoreSettings.of(artifact.manifest)
    if settings is None or Pins().data(benchmark.name, "test", settings.languages) != settings.data:
        raise DataError(f"{benchmark.name}: its data or declaration changed after it was scored; run the study again")
    return load_rows(benchmark, language, "test")


def _described(cell: CellRow, artifact: Artifact, benchmark: Benchmark, db: Database) -> dict[str, object]:
    """Returns where the predictions of one benchmark come from, as JSON values."""
    stages = (
        select(StageRow, CellStageRow)
        .join(CellStageRow, CellStageRow.stage == StageRow.key)
        .where(CellStageRow.cell == cell.key)
        .order_by(StageRow.key)
    )
    with explained(db.name), db.begin() as connection, Session(connection) as session:
        behind = {stage.key: _behind(stage, link) for stage, link in session.execute(stages).tuples()}
    return {
        "benchmark": benchmark.name,
        "target": cell.target,
        "status": cell.status,
        "reason": cell.reason,
        "source": {"path": benchmark.source.path, "revision": benchmark.source.revision},
        "score_stage": artifact.key,
        "settings": artifact.manifest.settings,
        "stages": behind,
    }


def _behind(stage: StageRow, link: CellStageRow) -> dict[str, object]:
    """Returns the name, role and package versions of a stage behind the predictions, and the recipe of a training."""
    settings = PretrainSettings.of(stage) or TranslatorSettings.of(stage) or TrainSettings.of(stage)
    return {
        "name": stage.name,
        "role": link.role,
        "phase": link.phase,
        "language": link.language,
        "packages": stage.packages,
        **({"recipe": settings.recipe.model_dump(mode="json")} if settings is not None else {}),
    }


def _metadata(submission: Submission, suite: Suite, described: Mapping[str, object]) -> dict[str, object]:
    cell = next(iter(submission.cells.values()))
    same = ("encoder", "encoder_revision", "intermediate", "intermediate_language", "intermediate_engine", "seed")
    return {
        "layout": suite.name,
        "study": submission.study,
        **{name: getattr(cell, name) for name in same},
        "benchmarks": described,
        "not_included": list(submission.not_included),
        "xtransfer": __version__,
    }
