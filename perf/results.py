"""The results database at its full size: inserts, leaderboards and gains, against folders of JSON files.

Ours: ten million scores in SQLite and, if a server can be started, PostgreSQL (1 GB of shared buffers, 4 GB of log
between checkpoints, otherwise defaults), in studies of 2,000 cells × 15 languages. Rows are written as runs write them,
a batch of cells per transaction with stages, links and means; queries go through `Results` and return a data frame. The
alternative without a database is a JSON file per cell, as evaluation scripts write it, read and grouped with pandas; it
is timed on one study and extrapolated.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice, product
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import pandas as pd

from perf.measure import Measure, parser, show
from perf.postgres import NoServer, server
from xtransfer.analysis.results import Results
from xtransfer.base.languages import codes
from xtransfer.results.database import Database, open_database
from xtransfer.results.schema import Base, CellMeanRow, CellRow, EncoderRow, ScoreRow, StageRow, StudyCellRow, StudyRow
from xtransfer.results.upsert import Values, upsert

LANGUAGES = codes("ar bg de el en es fr hi ru sw th tr ur vi zh")
ENCODERS = [f"encoder-{number}@0" for number in range(10)]
INTERMEDIATES = ["direct", *(f"mnli@{language}" for language in LANGUAGES[:9])]
TARGETS, SEEDS = ["xnli", "xcopa", "paws-x", "lab-nli"], range(5)
STUDY = len(ENCODERS) * len(INTERMEDIATES) * len(TARGETS) * len(SEEDS)  # cells
BATCH = 500  # cells written in one transaction
SCORES = 10_000_000
SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB")
MILLION = 1_000_000
INSERT_GOAL, QUERY_GOAL = 50.0, 1.0  # seconds: a million scores at 20,000 per second; a query

Cell = tuple[str, str, str, int]  # encoder, intermediate, target, seed
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def key(study: int, cell: Cell) -> str:
    return sha256(f"{study} {cell}".encode()).hexdigest()[:32]


def cells() -> Iterator[Cell]:
    """The cells of a study."""
    return product(ENCODERS, INTERMEDIATES, TARGETS, SEEDS)


def points(name: str) -> list[float]:
    """A score in every language, drawn with the key of a cell as seed."""
    draw = random.Random(name)  # noqa: S311 - numbers to fill tables with
    return [draw.uniform(40.0, 90.0) for _ in LANGUAGES]


def fill(db: Database, scores: int) -> float:
    """Write studies up to `scores` scores; returns seconds."""
    seconds = 0.0
    encoders = [{"name": one, "source": "trained-here", "id": one[:-2], "revision": "0"} for one in ENCODERS]
    with db.begin() as connection:
        upsert(connection, EncoderRow, encoders)
    for study in range(max(1, scores // (STUDY * len(LANGUAGES)))):
        left = cells()
        while batch := list(islice(left, BATCH)):
            rows = _rows(study, batch)
            start = perf_counter()
            with db.begin() as connection:
                for model, several in rows:
                    upsert(connection, model, several)
            seconds += perf_counter() - start
    return seconds


def _rows(study: int, batch: Sequence[Cell]) -> list[tuple[type[Base], list[Values]]]:
    """The rows that runs write for cells, in the order of their references."""
    name = f"study-{study}"
    keys = {cell: key(study, cell) for cell in batch}
    values = {cell: points(keys[cell]) for cell in batch}
    return [
        (StudyRow, [{"name": name, "question": "", "definition": {}, "digest": name, "updated_at": _NOW}]),
        (CellRow, [_cell(cell, keys[cell]) for cell in batch]),
        (StudyCellRow, [_link(name, study, cell, keys[cell]) for cell in batch]),
        (StageRow, [_stage(keys[cell]) for cell in batch]),
        (ScoreRow, [row for cell in batch for row in _scores(keys[cell], values[cell])]),
        (CellMeanRow, [_mean(cell, keys[cell], values[cell]) for cell in batch]),
    ]


def _cell(cell: Cell, name: str) -> Values:
    encoder, intermediate, target, seed = cell
    return {
        "key": name, "encoder": encoder, "encoder_revision": "0", "intermediate": intermediate,
        "intermediate_language": intermediate.partition("@")[2], "intermediate_engine": "", "target": target,
        "benchmark": target, "whole_test": True, "seed": seed, "score_stage": name, "status": "done", "reason": "",
    }  # fmt: skip


def _link(name: str, study: int, cell: Cell, own: str) -> Values:
    encoder, intermediate, target, seed = cell
    baseline = None if intermediate == "direct" else key(study, (encoder, "direct", target, seed))
    return {"study": name, "cell": own, "baseline": baseline}


def _stage(name: str) -> Values:
    return {
        "key": name, "kind": "score", "version": 1, "name": "score", "settings": {}, "facts": {}, "packages": {},
        "host": "here", "device": "cpu", "started": _NOW, "seconds": 1.0, "energy_joules": None,
    }  # fmt: skip


def _scores(name: str, values: Sequence[float]) -> list[Values]:
    return [
        {
            "cell": name, "language": language, "split": "test", "metric": "accuracy", "value": value, "n": 5010,
            "low": value - 1, "high": value + 1, "chance": 33.3, "constant": False, "artifact": name,
            "recorded_at": _NOW,
        }
        for language, value in zip(LANGUAGES, values, strict=True)
    ]  # fmt: skip


def _mean(cell: Cell, name: str, values: Sequence[float]) -> Values:
    encoder, intermediate, target, _ = cell
    unseen = [value for language, value in zip(LANGUAGES, values, strict=True) if language != "en"]
    return {
        "cell": name, "split": "test", "metric": "accuracy", "target": target, "encoder": encoder,
        "intermediate": intermediate, "value": sum(values) / len(values), "unseen": sum(unseen) / len(unseen),
        "num_languages": len(values),
    }  # fmt: skip


def write_files(folder: Path) -> float:
    """Write the scores of one study as a JSON file per cell; returns seconds."""
    start = perf_counter()
    for cell in cells():
        name = key(0, cell)
        rows = [
            dict(zip(("encoder", "intermediate", "target", "seed"), cell, strict=True))
            | {"language": language, "metric": "accuracy", "value": value}
            for language, value in zip(LANGUAGES, points(name), strict=True)
        ]
        (folder / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
    return perf_counter() - start


def _read_files(folder: Path) -> pd.DataFrame:
    return pd.concat([pd.read_json(file) for file in sorted(folder.glob("*.json"))])


def leaderboard_of_files(folder: Path) -> float:
    start = perf_counter()
    _read_files(folder).groupby(["target", "encoder", "intermediate"])["value"].mean()
    return perf_counter() - start


def gains_of_files(folder: Path) -> float:
    start = perf_counter()
    frame = _read_files(folder)
    place = ["encoder", "target", "seed", "language"]
    direct = frame[frame["intermediate"] == "direct"].set_index(place)["value"].rename("baseline")
    joined = frame.join(direct, on=place)
    (joined["value"] - joined["baseline"]).groupby(joined["intermediate"]).mean()
    return perf_counter() - start


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """Kind → URL of an empty database; PostgreSQL if a server can be started."""
    urls = {"SQLite": f"sqlite:///{folder / 'results.db'}"}
    try:
        with server(*SETTINGS) as url:
            yield urls | {"PostgreSQL": url}
    except NoServer as error:
        print(f"PostgreSQL is not measured: {error}")
        yield urls


def _seconds(ask: Callable[[], pd.DataFrame], times: int) -> list[float]:
    """Seconds of each of `times` queries, after one that fills the caches."""
    found = []
    for _ in range(times + 1):
        start = perf_counter()
        assert len(ask())
        found.append(perf_counter() - start)
    return found[1:]


def measure(scores: int, folder: Path, *, judged: bool, times: int = 5) -> list[Measure]:
    """A measure per kind of database and query."""
    files = folder / "files"
    files.mkdir()
    written = write_files(files)
    board, gains = leaderboard_of_files(files), gains_of_files(files)
    studies = max(1, scores // (STUDY * len(LANGUAGES)))
    per_million = MILLION / (STUDY * len(LANGUAGES))
    insert_goal, goal = (INSERT_GOAL, QUERY_GOAL) if judged else (None, None)
    measures = []
    with databases(folder) as urls:
        for kind, url in urls.items():
            with open_database(url) as db:
                seconds = fill(db, scores) * MILLION / (studies * STUDY * len(LANGUAGES))
                name = f"{kind}: insert a million scores"
                measures.append(Measure(name, [seconds], [written * per_million], insert_goal))
                with Results(db) as results:
                    for name, ask, other in (
                        ("leaderboard of a study", lambda r=results: r.leaderboard("study-0"), board),
                        ("leaderboard of all", lambda r=results: r.leaderboard(), board * studies),
                        ("gains of a study", lambda r=results: r.view("gains", "study-0"), gains),
                    ):
                        measures.append(Measure(f"{kind}: {name}", _seconds(ask, times), [other] * times, goal))
    return measures


if __name__ == "__main__":
    options = parser(__doc__ or "")
    options.add_argument("--scores", type=int, default=SCORES, metavar="N", help="scores in each database")
    given = options.parse_args()
    count = 60_000 if given.quick else given.scores
    with TemporaryDirectory() as folder:
        measures = measure(count, Path(folder), judged=not given.quick)
    show(measures, given, f"Results database: {count:,} scores")
