"""The answers of `xtransfer results` as data frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    """Opens the results at `url` for reading (default: XTRANSFER_DATABASE_URL, else those in XTRANSFER_HOME)."""
    return Results(open_database(url or settings.current().database_url, read_only=True))


@dataclass(frozen=True)
class Results:
    """The answers of `xtransfer results` as pandas data frames; values and differences in points.

    Filters are values or lists of values; unknown ones raise RequestError. Methods that return intervals read the
    artifact store of the settings; `xtransfer.analysis` describes their frames.
    """

    db: Database

    def scores(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns one row per score: value, n, chance, and the cell's status."""
        return questions.rows(self, "cell_scores", study, **filters)

    def runs(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns one row per cell: its status, the machine that scored it, and the seconds of its stages."""
        return questions.rows(self, "runs", study, **filters)

    def measures(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns one row per cell, language and measure of its embedding space, as `xtransfer.analysis.measures`."""
        return questions.measured(self, study, **filters)

    def transfer_gap(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns English minus `mean-but-en`, per cell."""
        return questions.rows(self, "transfer_gap", study, **filters)

    def statistic(
        self, asked: Statistic | str, study: str, *, by: str | None = None, **filters: Chosen
    ) -> pd.DataFrame:
        """Returns a statistic, given itself or its name in `xtransfer.analysis.statistics`.

        `by`: language, family, script or mean. Raises RequestError for an unknown name.
        """
        return questions.statistic(self, statistics.find(asked) if isinstance(asked, str) else asked, study, by=by,
                                   **filters)  # fmt: skip

    def gains(self, study: str, *, by: str = "language", **filters: Chosen) -> pd.DataFrame:
        """Returns the paired gains over `direct` with intervals, by language, family, script or mean."""
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
        """Returns first minus second, paired, with intervals; for every pair of intermediates if none is named."""
        return questions.contrasts(self, study, first, second, by=by, **filters)

    def aggregate(
        self,
        version: str = "xtreme",
        study: str | None = None,
        *,
        partial: bool = False,
        each_seed: bool = False,
        **filters: Chosen,
    ) -> pd.DataFrame:
        """Returns the benchmark, group and total scores of XTREME or XTREME-R, and what is missing."""
        return questions.aggregate(self, version, study, partial=partial, each_seed=each_seed, **filters)

    def ranking(self, study: str, *, by: str = "mean", **filters: Chosen) -> pd.DataFrame:
        """Returns the probability that each intermediate is the best."""
        return self.statistic(RANKING, study, by=by, **filters)

    def power(self, study: str, *, by: str = "mean", **filters: Chosen) -> pd.DataFrame:
        """Returns the detectable differences, and how many more runs would settle the observed ones."""
        return self.statistic(POWER, study, by=by, **filters)

    def model(self, study: str, **filters: Chosen) -> pd.DataFrame:
        """Returns a mixed-effects model of the gain on properties of intermediates and languages."""
        return self.statistic(MODEL, study, by=None, **filters)

    def diff(self, a: str, b: str) -> Diff:
        """Returns why two runs or studies differ: `.words` in sentences, `.scores` as a data frame."""
        from xtransfer.analysis.diff import diff

        return diff(self, a, b, ArtifactStore(settings.current().store))

    def compare(
        self, paper: str, study: str | None = None, *, each_language: bool = False, **filters: Chosen
    ) -> pd.DataFrame:
        """Returns our scores beside a paper's, with the differences in protocol.

        Filters: model, benchmark and language of the paper's figures; encoder, intermediate and seed of ours.
        """
        from xtransfer.analysis.published_comparison import compare

        return compare(self, paper, study, each_language=each_language, **filters)

    def view(self, view: str, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns rows of a view, sorted by its filter columns. Views of gains and contrasts have a row per seed and
        no interval."""
        return view_rows(self.db, view, study, **filters)

    def leaderboard(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns means over languages and seeds per target, encoder and intermediate, of a study or of all cells."""
        return self.view("leaderboard" if study else "leaderboard_all", study, **filters)

    def xtreme(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns XTREME per encoder, intermediate and seed: benchmarks, total, and how many are missing."""
        return self.view("xtreme", study, **filters)

    def xtreme_r(self, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns the same for XTREME-R."""
        return self.view("xtreme_r", study, **filters)

    def studies(self) -> list[str]:
        """Returns the names of the recorded studies."""
        return study_names(self.db)

    def sql(self, query: str, *, max_rows: int = 10_000, seconds: float = 30.0) -> pd.DataFrame:
        """Returns the rows of a read-only query, as `xtransfer.results.sql.select_rows`."""
        return select_rows(self.db, query, max_rows=max_rows, seconds=seconds)

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
