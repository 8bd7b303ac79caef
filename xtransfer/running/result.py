"""What `xtransfer.run` returns: the results of one study."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xtransfer.analysis.results import Results, open_results
from xtransfer.analysis.statistic import Chosen
from xtransfer.base.settings import Settings
from xtransfer.base.words import counted, duration
from xtransfer.running.runners import Ran
from xtransfer.study.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from xtransfer.analysis.statistic import By
    from xtransfer.running.plot import GainsPlot


@dataclass(frozen=True, repr=False)
class StudyResult:
    """The results of a study that was run; in a notebook, its gains as tables.

        result = run("lab")
        result.gains(target="lab-inference")       # a pandas data frame
        result.plot("lab-inference")               # shown by a notebook; .save("gains.svg") writes it
        result.report                              # the path of the HTML page

    Methods read the database at each call. Filters are values or lists of values; unknown ones raise RequestError.
    `open_results` answers more questions.
    """

    study: Study
    ran: Ran
    settings: Settings  # where the run wrote, whatever the environment says later

    @property
    def rounds(self) -> str:
        """Of a study by rounds: what they have shown, in a sentence or two; empty for any other."""
        return self.ran.rounds

    @property
    def report(self) -> Path:
        """The HTML page of the report; plots and tables are beside it."""
        return self.ran.report

    def scores(
        self,
        *,
        encoder: Chosen = None,
        intermediate: Chosen = None,
        target: Chosen = None,
        language: Chosen = None,
        metric: Chosen = None,
        seed: Chosen = None,
    ) -> pd.DataFrame:
        """Returns one row per score: value (points), n (items), chance (points), and the cell's status."""
        with self._results() as results:
            return results.scores(self.study.name, encoder=encoder, intermediate=intermediate, target=target,
                                  language=language, metric=metric, seed=seed)  # fmt: skip

    def gains(
        self,
        *,
        by: By = "language",
        encoder: Chosen = None,
        intermediate: Chosen = None,
        target: Chosen = None,
        language: Chosen = None,
        seed: Chosen = None,
    ) -> pd.DataFrame:
        """Returns the paired gains over `direct` in points with 95% intervals, as `xtransfer.analysis.gains`.

        `by`: a row per language (and their means), family, script or mean.
        """
        with self._results() as results:
            return results.gains(self.study.name, by=by, encoder=encoder, intermediate=intermediate, target=target,
                                 language=language, seed=seed)  # fmt: skip

    def contrasts(
        self,
        first: str | None = None,
        second: str | None = None,
        *,
        by: By = "language",
        encoder: Chosen = None,
        target: Chosen = None,
        language: Chosen = None,
        seed: Chosen = None,
    ) -> pd.DataFrame:
        """Returns first minus second in points, paired, with intervals; every pair of intermediates if none is named.

        With `first` alone: `first` minus every other intermediate.
        """
        with self._results() as results:
            return results.contrasts(self.study.name, first, second, by=by, encoder=encoder, target=target,
                                     language=language, seed=seed)  # fmt: skip

    def plot(self, target: str | None = None, *, encoder: str | None = None, intervals: bool = False) -> GainsPlot:
        """Returns a heat map of the gains, or with `intervals` every gain with its 95% interval.

        Raises RequestError if the study has several targets or encoders and none is named, or no gain.
        """
        from xtransfer.running.plot import gains_plot

        return gains_plot(self.gains(target=target, encoder=encoder), intervals=intervals, encoder_named=bool(encoder))

    def left_out(self) -> pd.DataFrame:
        """Returns one row per cell without usable scores: encoder, intermediate, target, seed and reason."""
        import pandas as pd

        columns = ["encoder", "intermediate", "target", "seed", "reason"]
        return pd.DataFrame(self.gains().attrs["excluded"], columns=columns)

    @contextmanager
    def _results(self) -> Iterator[Results]:
        with open_results(self.settings.database_url, store=self.settings.store) as results:
            yield results

    def __repr__(self) -> str:
        said = f" {self.rounds}" if self.rounds else ""
        return f"<StudyResult: {self._words()}; report: {_near(self.report)}>{said}"

    def _words(self) -> str:
        return f"{self.study.name}, {counted(len(self.ran.stages), 'stage')} ran in {duration(self.ran.seconds)}"

    def _repr_html_(self) -> str:
        from xtransfer.report.tables import grids, headline
        from xtransfer.running.notebook import gains_table, joined, paragraph

        gains = self.gains()
        left_out = counted(len(gains.attrs["excluded"]), "cell")
        more = [f"{left_out} without usable scores: left_out() says why"] if gains.attrs["excluded"] else []
        more += [f"recorded, and not part of this run: {one}" for one in self.ran.not_in_run]
        return joined(
            [
                paragraph(self._words()),
                *map(paragraph, filter(None, [self.rounds])),
                *map(gains_table, grids(headline(gains))),
                *map(paragraph, [*more, f"report: {_near(self.report)}"]),
            ]
        )


def _near(file: Path) -> str:
    """Returns a path below the working folder without that folder."""
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)
