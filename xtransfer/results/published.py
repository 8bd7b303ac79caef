"""Published scores from papers, READMEs and authors' code, to compare reproductions with.

`papers/` has one YAML file per paper; the table `published` is a copy of them. A score is listed under the document it
was read in, and `trust` says what kind of document that is. Every score was read in its source or calculated from such
scores; `derived` then says how.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xtransfer.base.errors import DataError, unknown
from xtransfer.base.languages import LANGUAGES
from xtransfer.metrics.metrics import METRICS
from xtransfer.results.upsert import Values

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C loader is ten times faster
FOLDER = Path(__file__).parent / "papers"
MEAN = "mean"  # in a file: the mean over the languages of the benchmark
Trust = Literal["paper", "authors' code or README", "third party"]

# Metrics that only published scores have: name → lowest and highest value, definition
FURTHER_METRICS: Mapping[str, tuple[float, float, str]] = {
    "score": (0.0, 100.0, "score of a whole suite, group or benchmark, as its source defines it"),
    "gain": (-100.0, 100.0, "difference from the same model without an intermediate task"),
    "map": (0.0, 100.0, "mean average precision over the whole ranking (LAReQA's paper)"),
    "precision@1": (0.0, 100.0, "share of queries whose answer is ranked first"),
    "precision@3": (0.0, 100.0, "share of queries whose answer is in the top 3"),
    "precision@10": (0.0, 100.0, "share of queries whose answer is in the top 10"),
    "eigen_similarity": (0.0, 100.0, "sum of squared differences of the Laplacian eigenvalues of two spaces: lower is "
                         "more similar; not in points, and unbounded"),
}  # fmt: skip


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Nearest(_Value):
    """Another paper whose scores are the closest comparison."""

    paper: str
    models: tuple[str, ...] = ()  # of these models only; empty: all


class TheirRecipe(_Value):
    """The published training recipe of a benchmark, as far as it is known; `era` if scripts changed over time."""

    era: str = ""
    epochs: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    max_length: int | None = None
    warmup: float | None = None
    weight_decay: float | None = None


class Block(_Value):
    """Scores of one model in one setting, printed in one place."""

    model: str = Field(min_length=1)
    setting: str = Field(min_length=1)
    source: str = Field(min_length=1)  # where it is printed: table, README, pull request
    trust: Trust
    split: Literal["test", "dev"] = "test"
    derived: str = ""  # the calculation, if the score is not printed but follows from others
    note: str = ""
    incomparable: str = ""  # why our scores cannot be compared with these
    differs_from_parts: bool = False  # the source's mean is not the mean of its parts
    scores: dict[str, dict[str, dict[str, float]]]  # benchmark → metric → language or `mean` → value


class Paper(_Value):
    """One file of `papers/`."""

    paper: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    suite: Literal["xtreme", "xtreme-r"] | None = None  # suite whose benchmarks and languages it uses
    encoders: dict[str, str] = {}  # model → hub id
    nearest: tuple[Nearest, ...] = ()
    num_languages: dict[str, int] = {}  # benchmark → languages in its mean
    trained_first: dict[str, tuple[str, ...]] = {}  # benchmark → benchmarks trained on before it is scored
    protocol: dict[str, tuple[str, ...]] = {}  # benchmark ("": all) → notes for a comparison
    recipe_source: str = ""
    recipes: dict[str, tuple[TheirRecipe, ...]] = {}
    figures: tuple[Block, ...]

    @model_validator(mode="after")
    def _figures_are_possible(self) -> Paper:
        faults = [fault for one in self.listed() for fault in _faults(one)]
        keys = [one.key for one in self.listed()]
        faults += [f"{' / '.join(key)}: listed twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def listed(self) -> Iterator[Figure]:
        """Yields its scores one by one."""
        for block in self.figures:
            for benchmark, metrics in block.scores.items():
                for metric, values in metrics.items():
                    for code, value in values.items():
                        language = "" if code == MEAN else code
                        yield Figure(self.paper, benchmark, language, metric, value, block, self._over(benchmark, code))

    def _over(self, benchmark: str, code: str) -> int | None:
        return self.num_languages.get(benchmark) if code == MEAN else None


@dataclass(frozen=True)
class Figure:
    """One published number."""

    paper: str
    benchmark: str  # name here for the same test data, `xtreme`, `xtreme:qa` …, or its own name
    language: str  # empty: mean over the benchmark's languages
    metric: str
    value: float
    block: Block
    num_languages: int | None  # in a mean, if known

    @property
    def key(self) -> tuple[str, ...]:
        return (self.paper, self.block.model, self.block.setting, self.benchmark, self.language, self.metric)

    def row(self) -> Values:
        """Returns its row of the table `published`."""
        names = ("paper", "model", "setting", "benchmark", "language", "metric")
        return dict(zip(names, self.key, strict=True)) | {
            "value": self.value,
            "n_languages": self.num_languages,
            "source": self.block.source,
            "trust": self.block.trust,
            "note": self._note(),
        }

    def _note(self) -> str:
        block = self.block
        parts = [
            f"derived: {block.derived}" if block.derived else "",
            "development rows" if block.split == "dev" else "",
            block.note,
            f"not comparable: {block.incomparable}" if block.incomparable else "",
        ]
        return "; ".join(part for part in parts if part)


def _faults(one: Figure) -> Iterator[str]:
    where = " / ".join(one.key)
    if one.metric not in METRICS and one.metric not in FURTHER_METRICS:
        yield f"{where}: no metric '{one.metric}'"
        return
    declared = METRICS.get(one.metric)
    lowest, highest = (declared.minimum, declared.maximum) if declared else FURTHER_METRICS[one.metric][:2]
    if not lowest <= one.value <= highest:
        yield f"{where}: {one.value} is not between {lowest:g} and {highest:g}"
    if one.language and one.language not in LANGUAGES:
        yield f"{where}: no language '{one.language}'"


@cache
def papers() -> dict[str, Paper]:
    """Returns all papers by slug; raises DataError that names an invalid file and lists its faults."""
    found = [_read(file) for file in sorted(FOLDER.glob("*.yaml"))]
    return {one.paper: one for one in found}


def _read(file: Path) -> Paper:
    try:
        paper = Paper.model_validate(yaml.load(file.read_text(encoding="utf-8"), _Loader))  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise DataError(f"{file.name}: not valid YAML: {error}") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors()]
        raise DataError(f"{file.name}: {'; '.join(faults)}") from error
    if paper.paper != file.stem:
        raise DataError(f"{file.name}: paper is '{paper.paper}'; give the file the same name")
    return paper


def paper(slug: str) -> Paper:
    """Returns the paper of a slug; raises RequestError with the nearest slug if it is unknown."""
    if slug not in papers():
        raise unknown("paper", slug, papers())
    return papers()[slug]


def figures(slug: str) -> list[Figure]:
    """Returns a paper's own scores, then those of the papers in `nearest`."""
    own = paper(slug)
    found = list(own.listed())
    for other in own.nearest:
        found += [one for one in paper(other.paper).listed() if not other.models or one.block.model in other.models]
    return found
