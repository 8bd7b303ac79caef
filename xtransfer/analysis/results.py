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
from xtransfer.results.read import study_counts, study_names, view_rows
from xtransfer.results.sql import select_rows
from xtransfer.store.artifacts import ArtifactStore

if TYPE_CHECKING:
    from xtransfer.analysis.diff import Diff
    from xtransfer.analysis.statistic import By


def open_results(url: str | None = None, *, store: str | None = None) -> Results:
    """Opens results for reading.

        with open_results() as results:
            print(results.gains("lab", target="lab-inference", by="mean"))

    Args:
        url: SQLAlchemy URL of the database; default: XTRANSFER_DATABASE_URL, else the one in XTRANSFER_HOME.
        store: folder or URL of the artifacts; default: XTRANSFER_STORE, else the one in XTRANSFER_HOME.
    """
    return Results(open_database(url or settings.current().database_url, read_only=True), store)


@dataclass(frozen=True, repr=False)
class Results:
    """The answers of `xtransfer results` as pandas data frames; values and differences in points.

    Filters are values or lists of values; unknown ones raise RequestError. Methods that return intervals read the
    artifact store; `xtransfer.analysis` describes their frames.
    """

    db: Database
    store: str | None = None  # None: that of the settings

    @property
    def artifacts(self) -> ArtifactStore:
        """The store with what intervals are computed from."""
        return ArtifactStore(self.store or settings.current().store)

    def scores(
        self, study: str | None = None, *, encoder: Chosen = None, intermediate: Chosen = None, target: Chosen = None,
        language: Chosen = None, split: Chosen = None, metric: Chosen = None, seed: Chosen = None,
        status: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns one row per score: value, n, chance, and the cell's status."""
        return questions.rows(self, "cell_scores", study, encoder=encoder, intermediate=intermediate, target=target,
                              seed=seed, language=language, split=split, metric=metric, status=status)  # fmt: skip

    def runs(
        self, study: str | None = None, *, encoder: Chosen = None, intermediate: Chosen = None, target: Chosen = None,
        seed: Chosen = None, status: Chosen = None, host: Chosen = None, device: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns one row per cell: its status, the machine that scored it, and the seconds of its stages."""
        return questions.rows(self, "runs", study, encoder=encoder, intermediate=intermediate, target=target,
                              seed=seed, status=status, host=host, device=device)  # fmt: skip

    def measures(
        self, study: str | None = None, *, encoder: Chosen = None, intermediate: Chosen = None, target: Chosen = None,
        language: Chosen = None, seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns one row per cell, language and measure of its embedding space, as `xtransfer.analysis.measures`."""
        return questions.measured(self, study, encoder=encoder, intermediate=intermediate, target=target,
                                  language=language, seed=seed)  # fmt: skip

    def transfer_gap(
        self, study: str | None = None, *, encoder: Chosen = None, intermediate: Chosen = None, target: Chosen = None,
        split: Chosen = None, metric: Chosen = None, seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns English minus `mean-but-en`, per cell."""
        return questions.rows(self, "transfer_gap", study, encoder=encoder, intermediate=intermediate, target=target,
                              seed=seed, split=split, metric=metric)  # fmt: skip

    def statistic(
        self, asked: Statistic | str, study: str, *, by: By | None = None, encoder: Chosen = None,
        intermediate: Chosen = None, target: Chosen = None, language: Chosen = None, seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns a statistic, given itself or its name in `xtransfer.analysis.statistics`.

        `by`: language, family, script or mean. Raises RequestError for an unknown name, or a filter that it lacks.
        """
        found = statistics.find(asked) if isinstance(asked, str) else asked
        return questions.statistic(self, found, study, by=by, encoder=encoder, intermediate=intermediate,
                                   target=target, language=language, seed=seed)  # fmt: skip

    def gains(
        self, study: str, *, by: By = "language", encoder: Chosen = None, intermediate: Chosen = None,
        target: Chosen = None, language: Chosen = None, seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns the paired gains over `direct` with intervals, by language, family, script or mean."""
        return self.statistic(GAINS, study, by=by, encoder=encoder, intermediate=intermediate, target=target,
                              language=language, seed=seed)  # fmt: skip

    def contrasts(
        self, study: str, first: str | None = None, second: str | None = None, *, by: By = "language",
        encoder: Chosen = None, target: Chosen = None, language: Chosen = None, seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns first minus second, paired, with intervals; for every pair of intermediates if none is named."""
        return questions.contrasts(self, study, first, second, by=by, encoder=encoder, target=target,
                                   language=language, seed=seed)  # fmt: skip

    def aggregate(
        self, version: str = "xtreme", study: str | None = None, *, partial: bool = False, each_seed: bool = False,
        encoder: Chosen = None, intermediate: Chosen = None, target: Chosen = None, seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns the benchmark, group and total scores of XTREME or XTREME-R, and what is missing."""
        return questions.aggregate(self, version, study, partial=partial, each_seed=each_seed, encoder=encoder,
                                   intermediate=intermediate, target=target, seed=seed)  # fmt: skip

    def ranking(
        self, study: str, *, by: By = "mean", encoder: Chosen = None, intermediate: Chosen = None,
        target: Chosen = None, language: Chosen = None, seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns the probability that each intermediate is the best."""
        return self.statistic(RANKING, study, by=by, encoder=encoder, intermediate=intermediate, target=target,
                              language=language, seed=seed)  # fmt: skip

    def power(
        self, study: str, *, by: By = "mean", encoder: Chosen = None, intermediate: Chosen = None,
        target: Chosen = None, language: Chosen = None, seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns the detectable differences, and how many more runs would settle the observed ones."""
        return self.statistic(POWER, study, by=by, encoder=encoder, intermediate=intermediate, target=target,
                              language=language, seed=seed)  # fmt: skip

    def model(self, study: str, *, target: Chosen = None, seed: Chosen = None) -> pd.DataFrame:
        """Returns a mixed-effects model of the gain on properties of intermediates and languages."""
        return self.statistic(MODEL, study, target=target, seed=seed)

    def diff(self, a: str, b: str) -> Diff:
        """Returns why two runs or studies differ: `.words` in sentences, `.scores` as a data frame."""
        from xtransfer.analysis.diff import diff

        return diff(self, a, b, self.artifacts)

    def compare(
        self, paper: str, study: str | None = None, *, model: Chosen = None, benchmark: Chosen = None,
        language: Chosen = None, each_language: bool = False, encoder: Chosen = None, intermediate: Chosen = None,
        seed: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns our scores beside a paper's, with the differences in protocol.

        model, benchmark and language choose the paper's figures; encoder, intermediate and seed choose our scores.
        """
        from xtransfer.analysis.published_comparison import compare

        return compare(self, paper, study, model=model, benchmark=benchmark, language=language,
                       each_language=each_language, encoder=encoder, intermediate=intermediate, seed=seed)  # fmt: skip

    def view(self, view: str, study: str | None = None, **filters: Chosen) -> pd.DataFrame:
        """Returns rows of a view, sorted by its filter columns, which are the filters. Raises RequestError for others.

        Views of gains and contrasts have a row per seed and no interval.
        """
        return view_rows(self.db, view, study, **filters)

    def leaderboard(
        self, study: str | None = None, *, target: Chosen = None, split: Chosen = None, metric: Chosen = None,
        encoder: Chosen = None, intermediate: Chosen = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Returns means over languages and seeds per target, encoder and intermediate, of a study or of all cells."""
        return self.view("leaderboard" if study else "leaderboard_all", study, target=target, split=split,
                         metric=metric, encoder=encoder, intermediate=intermediate)  # fmt: skip

    def xtreme(
        self, study: str | None = None, *, encoder: Chosen = None, intermediate: Chosen = None, seed: Chosen = None
    ) -> pd.DataFrame:
        """Returns XTREME per encoder, intermediate and seed: benchmarks, total, and how many are missing."""
        return self.view("xtreme", study, encoder=encoder, intermediate=intermediate, seed=seed)

    def xtreme_r(
        self, study: str | None = None, *, encoder: Chosen = None, intermediate: Chosen = None, seed: Chosen = None
    ) -> pd.DataFrame:
        """Returns the same for XTREME-R."""
        return self.view("xtreme_r", study, encoder=encoder, intermediate=intermediate, seed=seed)

    def studies(self) -> list[str]:
        """Returns the names of the recorded studies."""
        return study_names(self.db)

    def sql(self, query: str, *, max_rows: int = 10_000, seconds: float = 30.0) -> pd.DataFrame:
        """Returns the rows of a read-only query, as `xtransfer.results.sql.select_rows`."""
        return select_rows(self.db, query, max_rows=max_rows, seconds=seconds)

    def __repr__(self) -> str:
        return f"<Results: {', '.join(self.studies()) or 'no study'}>"

    def _repr_html_(self) -> str:
        """A notebook's view: a row per study, with the number of its cells and scores."""
        return str(study_counts(self.db).to_html(index=False, border=0))

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
