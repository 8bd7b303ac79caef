"""Reading results: data frames of the views, and SQL that can only read."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from sqlalchemy import ColumnClause, Select, column, select, table

from xtransfer import settings
from xtransfer.errors import RequestError, unknown
from xtransfer.results.database import Database, open_database, sqlite_file
from xtransfer.results.faults import explained
from xtransfer.results.files import connect_read_only
from xtransfer.results.schema import StudyRow
from xtransfer.results.views import VIEWS
from xtransfer.store.artifacts import ArtifactStore

if TYPE_CHECKING:
    from xtransfer.analysis.diff import Diff

_CHOSEN_BY = {
    "cell_scores": ("encoder", "intermediate", "target", "seed", "language", "split", "metric", "status"),
    "gains": ("encoder", "intermediate", "target", "seed", "language", "split", "metric"),
    "contrasts": ("encoder", "first", "second", "target", "seed", "language", "split", "metric"),
    "transfer_gap": ("encoder", "intermediate", "target", "seed", "split", "metric"),
    "runs": ("encoder", "intermediate", "target", "seed", "status", "host", "device"),
    "leaderboard": ("target", "split", "metric", "encoder", "intermediate"),
    "leaderboard_all": ("target", "split", "metric", "encoder", "intermediate"),
    "xtreme": ("encoder", "intermediate", "seed"),
    "xtreme_r": ("encoder", "intermediate", "seed"),
}  # view → columns that rows can be chosen by, beside study where it has one

_LONGEST = 64 << 20  # bytes of one value
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}


def open_results(url: str | None = None) -> Results:
    """The results at `url` (default: XTRANSFER_DATABASE_URL, else those of XTRANSFER_HOME), for reading."""
    return Results(open_database(url or settings.current().database_url, read_only=True))


@dataclass(frozen=True)
class Results:
    """The answers of `xtransfer results` as pandas data frames; values and differences in points.

    Filters are values or lists of values; what the database does not have is refused. The methods that give
    intervals read the artifact store of the settings; their frames are described in `xtransfer.analysis`, which reads
    results itself and is imported when it is asked.
    """

    db: Database

    def scores(self, study: str | None = None, **filters: Any) -> pd.DataFrame:
        """One row per score: value, n, chance, and the cell's status."""
        from xtransfer.analysis import questions

        return questions.rows(self, "cell_scores", study, **filters)

    def runs(self, study: str | None = None, **filters: Any) -> pd.DataFrame:
        """One row per cell: how it ended, where, and the seconds of its stages."""
        from xtransfer.analysis import questions

        return questions.rows(self, "runs", study, **filters)

    def measures(self, study: str | None = None, **filters: Any) -> pd.DataFrame:
        """One row per cell, language and measure of its embedding space, as `xtransfer.analysis.measures`."""
        from xtransfer.analysis import questions

        return questions.measured(self, study, **filters)

    def transfer_gap(self, study: str | None = None, **filters: Any) -> pd.DataFrame:
        """English minus the mean of the other languages, per cell."""
        from xtransfer.analysis import questions

        return questions.rows(self, "transfer_gap", study, **filters)

    def gains(self, study: str, *, by: str = "language", **filters: Any) -> pd.DataFrame:
        """Gain of each intermediate over `direct`, paired, with intervals. By language, family, script or mean."""
        from xtransfer.analysis import questions

        return questions.gains(self, study, by=by, **filters)

    def contrasts(
        self, study: str, first: str | None = None, second: str | None = None, *, by: str = "language", **filters: Any
    ) -> pd.DataFrame:
        """First minus second, paired, with intervals; of all pairs of intermediates where the two are not named."""
        from xtransfer.analysis import questions

        return questions.contrasts(self, study, first, second, by=by, **filters)

    def aggregate(self, version: str = "xtreme", study: str | None = None, **options: Any) -> pd.DataFrame:
        """Benchmarks, groups and the total of XTREME or XTREME-R, or what is missing."""
        from xtransfer.analysis import questions

        return questions.aggregate(self, version, study, **options)

    def ranking(self, study: str, *, by: str = "mean", **filters: Any) -> pd.DataFrame:
        """The probability that each intermediate is the best."""
        from xtransfer.analysis import questions

        return questions.ranking(self, study, by=by, **filters)

    def power(self, study: str, *, by: str = "mean", **filters: Any) -> pd.DataFrame:
        """What differences could be found, and how many more runs would settle those that were seen."""
        from xtransfer.analysis import questions

        return questions.power(self, study, by=by, **filters)

    def model(self, study: str, **filters: Any) -> pd.DataFrame:
        """A mixed-effects model of the gain on what is known of intermediates and languages."""
        from xtransfer.analysis import questions

        return questions.model(self, study, **filters)

    def diff(self, a: str, b: str) -> Diff:
        """Why two runs or studies differ; `.scores` is a data frame, `.words` says it."""
        from xtransfer.analysis.diff import diff

        return diff(self, a, b, ArtifactStore(settings.current().store))

    def compare(self, paper: str, study: str | None = None, **options: Any) -> pd.DataFrame:
        """Our scores beside a paper's, with the differences of protocol."""
        from xtransfer.analysis.compare import compare

        return compare(self, paper, study, **options)

    def view(self, view: str, study: str | None = None, **filters: Any) -> pd.DataFrame:
        """Rows of a view, sorted by what they can be chosen by; the views of gains and contrasts have a row per seed
        and no interval."""
        if study is not None and study not in (known := self.studies()):
            raise unknown("study", study, known)
        query: Select[Any] = select("*").select_from(table(view)).order_by(*_range_of(view))
        for name, value in (({"study": study} if study else {}) | filters).items():
            if name not in (known := [one.name for one in _range_of(view)]):
                raise unknown("filter", name, known)
            query = query.where(column(name).in_([value] if isinstance(value, str | int) else list(value)))
        with explained(self.db.name), self.db.engine.connect() as connection:
            return pd.read_sql_query(query, connection)

    def leaderboard(self, study: str | None = None, **filters: Any) -> pd.DataFrame:
        """Means over languages and seeds per target, encoder and intermediate: of a study, or of all cells."""
        return self.view("leaderboard" if study else "leaderboard_all", study, **filters)

    def xtreme(self, study: str | None = None, **filters: Any) -> pd.DataFrame:
        """XTREME per encoder, intermediate and seed: benchmarks, total, and how many are missing."""
        return self.view("xtreme", study, **filters)

    def xtreme_r(self, study: str | None = None, **filters: Any) -> pd.DataFrame:
        """The same of XTREME-R."""
        return self.view("xtreme_r", study, **filters)

    def studies(self) -> list[str]:
        with explained(self.db.name), self.db.engine.connect() as connection:
            return list(connection.scalars(select(StudyRow.name).order_by(StudyRow.name)))

    def sql(self, query: str, *, max_rows: int = 10_000, seconds: float = 30.0) -> pd.DataFrame:
        """The rows of a query that only reads.

        At most `max_rows` rows (`frame.attrs["truncated"]` says whether there were more) and `seconds` of
        time. Raises RequestError for anything but one SELECT, for faulty SQL and when the time is over.
        """
        run = self._sqlite if sqlite_file(self.db.url) is not None else self._server
        names, rows = run(query, max_rows + 1, seconds)
        frame = pd.DataFrame(rows[:max_rows], columns=names)
        frame.attrs["truncated"] = len(rows) > max_rows
        return frame

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sqlite(self, query: str, rows: int, seconds: float) -> tuple[list[str], list[Any]]:
        file = sqlite_file(self.db.url)
        assert file is not None
        with closing(connect_read_only(file)) as connection:
            connection.set_authorizer(_allow_reading)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            deadline = time.monotonic() + seconds
            connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
            try:
                cursor = connection.execute(query)
                found = cursor.fetchmany(rows)
            except (sqlite3.Error, sqlite3.Warning) as error:
                raise _refusal(str(error), seconds) from error
            if cursor.description is None:
                raise _refusal("the query gives no rows", seconds)
            return [field[0] for field in cursor.description], found

    def _server(self, query: str, rows: int, seconds: float) -> tuple[list[str], list[Any]]:
        first = query.split(maxsplit=1)[0].lower() if query.strip() else ""
        if first.isalpha() and first not in ("select", "with", "values", "table"):
            raise _refusal("not authorized", seconds)
        raw = self.db.engine.raw_connection()
        try:
            cursor: Any = raw.cursor()
            try:
                cursor.execute("SET TRANSACTION READ ONLY")
                cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
                # Only a SELECT can be a cursor, where COPY would write files; what is prepared is one statement.
                cursor.execute(f"DECLARE answer NO SCROLL CURSOR FOR {query}", prepare=True)
                cursor.execute(f"FETCH FORWARD {rows} FROM answer")
                return [field.name for field in cursor.description], cursor.fetchall()
            except cursor.connection.Error as error:
                raise _refusal(error.diag.message_primary or str(error), seconds) from error
        finally:
            raw.rollback()
            raw.close()


def _range_of(view: str) -> list[ColumnClause[Any]]:
    """The columns that rows of a view are sorted by: study, where it has one, then its filters."""
    study = ["study"] if "study" in VIEWS[view].columns else []
    return [column(name) for name in (*study, *_CHOSEN_BY[view])]


def _allow_reading(action: int, first: str | None, second: str | None, database: str | None, view: str | None) -> int:
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() == "load_extension":
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY


def _refusal(reason: str, seconds: float) -> RequestError:
    reason = reason.strip()
    if "not authorized" in reason or "prohibited" in reason or "read-only" in reason or "readonly" in reason:
        return RequestError("sql: only one SELECT is allowed here; results are written by runs alone")
    if "cannot insert multiple commands" in reason:
        return RequestError("sql: one SELECT at a time, without ';' between several")
    if "interrupted" in reason or "statement timeout" in reason:
        return RequestError(f"sql: stopped after {seconds:g} s; narrow the query, or raise the limit")
    return RequestError(f"sql: {reason}")
