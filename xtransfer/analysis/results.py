"""The answers of `xtransfer results` as data frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from xtransfer.analysis import questions, statistics
from xtransfer.analysis.statistic import Chosen, Statistic
from xtransfer.analysis.statistics import GAINS, MODEL, POWER, RANKING
from xtransfer.base import settings
from xtransfer.results.database import Database, open_database
from xtransfer.results.read import study_names, view_rows
from xtransfer.results.sql import select_rows
from xtransfer.store.artifacts import ArtifactStore

if TYPE_CHECKING:
    from xtransfer.analysis.diff import Diff


def open_results(url: str | None = None) -> Results:
    """The results at `url` (default: XTRANSFER_DATABASE_URL, else those of XTRANSFER_HOME), for reading."""
    return Results(open_database(url or settings.current().database_url, read_only=True))


@dataclass(frozen=True)
class Results:
    """The answers of `xtransfer results` as pandas data frames; values and differences in points.

    Filters are values or lists of values; what the database does not have is refused. The methods that give
    intervals read the artifact store of the settings; their frames are described in `xtransfer.analysis`.
    """

    db: Database

    def scores(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """One row per score: value, n, chance, and the cell's status."""
        return questions.rows(self, "cell_scores", study, **filters)

    def runs(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """One row per cell: how it ended, where, and the seconds of its stages."""
        return questions.rows(self, "runs", study, **filters)

    def measures(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """One row per cell, language and measure of its embedding space, as `xtransfer.analysis.measures`."""
        return questions.measured(self, study, **filters)

    def transfer_gap(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """English minus the mean of the other languages, per cell."""
        return questions.rows(self, "transfer_gap", study, **filters)

    def statistic(
        self, asked: Statistic | str, study: str, *, by: str | None = None, **filters: Chosen
    ) -> pd.DataFrame:
        """A statistic, or the one of that name in `xtransfer.analysis.statistics`. By language, family, script, mean.

        Raises RequestError for a name that is not there.
        """
        return questions.statistic(self, statistics.find(asked) if isinstance(asked, str) else asked, study, by=by,
                                   **filters)  # fmt: skip

    def gains(self, study: str, *, by: str = "language", **filters: Chosen) -> pd.DataFrame:
        """Gain of each intermediate over `direct`, paired, with intervals. By language, family, script or mean."""
        return self.statistic(GAINS, study, by=by, **filters)

    def contrasts(
        self,
        study: str,
        first: str | None = None,
        second: str | None = None,
        *,
        by: str = "language",
        **filters: Chosen,
    ) -> pd.DataFrame:
        """First minus second, paired, with intervals; of all pairs of intermediates where the two are not named."""
        return questions.contrasts(self, study, first, second, by=by, **filters)

    def aggregate(self, version: str = "xtreme", study: str | None = None, **options: Any) -> pd.DataFrame:
        """Benchmarks, groups and the total of XTREME or XTREME-R, or what is missing."""
        return questions.aggregate(self, version, study, **options)

    def ranking(self, study: str, *, by: str = "mean", **filters: Chosen) -> pd.DataFrame:
        """The probability that each intermediate is the best."""
        return self.statistic(RANKING, study, by=by, **filters)

    def power(self, study: str, *, by: str = "mean", **filters: Chosen) -> pd.DataFrame:
        """What differences could be found, and how many more runs would settle those that were seen."""
        return self.statistic(POWER, study, by=by, **filters)

    def model(self, study: str, **filters: Chosen) -> pd.DataFrame:
        """A mixed-effects model of the gain on what is known of intermediates and languages."""
        return self.statistic(MODEL, study, by=None, **filters)

    def diff(self, a: str, b: str) -> Diff:
        """Why two runs or studies differ; `.scores` is a data frame, `.words` says it."""
        from xtransfer.analysis.diff import diff

        return diff(self, a, b, ArtifactStore(settings.current().store))

    def compare(self, paper: str, study: str | None = None, **options: Any) -> pd.DataFrame:
        """Our scores beside a paper's, with the differences of protocol."""
        from xtransfer.analysis.published_comparison import compare

        return compare(self, paper, study, **options)

    def view(self, view: str, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Rows of a view, sorted by what they can be chosen by; the views of gains and contrasts have a row per seed
        and no interval."""
        return view_rows(self.db, view, study, **filters)

    def leaderboard(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Means over languages and seeds per target, encoder and intermediate: of a study, or of all cells."""
        return self.view("leaderboard" if study else "leaderboard_all", study, **filters)

    def xtreme(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """XTREME per encoder, intermediate and seed: benchmarks, total, and how many are missing."""
        return self.view("xtreme", study, **filters)

    def xtreme_r(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """The same of XTREME-R."""
        return self.view("xtreme_r", study, **filters)

    def studies(self) -> list[str]:
        """The recorded studies by name."""
        return study_names(self.db)

    def sql(self, query: str, *, max_rows: int = 10_000, seconds: float = 30.0) -> pd.DataFrame:
        """The rows of a query that only reads, as `xtransfer.results.sql.select_rows`."""
        return select_rows(self.db, query, max_rows=max_rows, seconds=seconds)

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
