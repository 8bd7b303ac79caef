"""Figures that papers, READMEs and authors' code report: what a reproduction is compared with.

One YAML file a paper in `papers/`; the files are the truth, the table `published` is made equal to them. A figure
stands under the document in which it was read, and `trust` says what kind of document that is. Nothing is here that
was not read there; what follows by arithmetic says how (`derived`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from xtransfer.base.errors import DataError, unknown
from xtransfer.base.languages import LANGUAGES
from xtransfer.metrics.metrics import METRICS

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C is ten times as fast
FOLDER = Path(__file__).parent / "papers"
MEAN = "mean"  # in a file: the mean over the languages of the benchmark
Trust = Literal["paper", "authors' code or README", "third party"]

# Metrics of published figures alone: name → lowest and highest value, definition
FURTHER_METRICS: Mapping[str, tuple[float, float, str]] = {
    "score": (0.0, 100.0, "of a suite, a group or a benchmark as a whole, as its source defines it"),
    "gain": (-100.0, 100.0, "over the same model without an intermediate task"),
    "map": (0.0, 100.0, "mean average precision without a limit (LAReQA's paper)"),
    "precision@1": (0.0, 100.0, "share of queries whose answer is the first"),
    "precision@3": (0.0, 100.0, "share of queries whose answer is among the first 3"),
    "precision@10": (0.0, 100.0, "share of queries whose answer is among the first 10"),
    "eigen_similarity": (0.0, 100.0, "squared differences of the Laplacian eigenvalues of two spaces, summed: lower is "
                         "more alike; not in points, and without a highest value"),
}  # fmt: skip


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Nearest(_Value):
    """Another paper whose figures stand nearest to a paper's own."""

    paper: str
    models: tuple[str, ...] = ()  # of these models only; empty: all


class TheirRecipe(_Value):
    """How a benchmark was trained on, as far as it was read; `era` where scripts changed."""

    era: str = ""
    epochs: float | None = None
    learning_rate: float | None = None
    batch_size: int | None = None
    max_length: int | None = None
    warmup: float | None = None
    weight_decay: float | None = None


class Block(_Value):
    """Figures of one model in one setting that stand in one place."""

    model: str = Field(min_length=1)
    setting: str = Field(min_length=1)
    source: str = Field(min_length=1)  # where exactly: table, README, pull request
    trust: Trust
    split: Literal["test", "dev"] = "test"
    derived: str = ""  # the arithmetic, for a figure that stands nowhere but follows from others
    note: str = ""
    incomparable: str = ""  # why no number of ours may stand beside these
    differs_from_parts: bool = False  # a mean that is not the mean of what it is over, in the source itself
    scores: dict[str, dict[str, dict[str, float]]]  # benchmark → metric → language or `mean` → value


class Paper(_Value):
    """One file."""

    paper: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    suite: Literal["xtreme", "xtreme-r"] | None = None  # whose benchmarks and languages its figures are of
    encoders: dict[str, str] = {}  # model → hub id
    nearest: tuple[Nearest, ...] = ()
    num_languages: dict[str, int] = {}  # of a benchmark's mean
    trained_first: dict[str, tuple[str, ...]] = {}  # benchmark → what was trained on before it is scored
    protocol: dict[str, tuple[str, ...]] = {}  # benchmark ("" all) → what a comparison must know
    recipe_source: str = ""
    recipes: dict[str, tuple[TheirRecipe, ...]] = {}
    figures: tuple[Block, ...]

    @model_validator(mode="after")
    def _figures_are_possible(self) -> Paper:
        faults = [fault for one in self.listed() for fault in _faults(one)]
        keys = [one.key for one in self.listed()]
        faults += [f"{' / '.join(key)}: stands twice" for key in sorted({key for key in keys if keys.count(key) > 1})]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def listed(self) -> Iterator[Figure]:
        """Its figures, one by one."""
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
    benchmark: str  # ours where it is the same test data, `xtreme`, `xtreme:qa` …, else a name of its own
    language: str  # empty: the mean over the benchmark's languages
    metric: str
    value: float
    block: Block
    num_languages: int | None  # that a mean is over, where it is known

    @property
    def key(self) -> tuple[str, ...]:
        return (self.paper, self.block.model, self.block.setting, self.benchmark, self.language, self.metric)

    def row(self) -> dict[str, Any]:
        """As a row of the table `published`."""
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
        yield f"{where}: {one.value} is not within {lowest:g} and {highest:g}"
    if one.language and one.language not in LANGUAGES:
        yield f"{where}: no language '{one.language}'"


@cache
def papers() -> dict[str, Paper]:
    """Every paper by its slug; raises DataError that names the file and all that is wrong in it."""
    found = [_read(file) for file in sorted(FOLDER.glob("*.yaml"))]
    return {one.paper: one for one in found}


def _read(file: Path) -> Paper:
    try:
        paper = Paper.model_validate(yaml.load(file.read_text(encoding="utf-8"), _Loader))  # noqa: S506, a safe one
    except yaml.YAMLError as error:
        raise DataError(f"{file.name}: is not YAML: {error}") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors()]
        raise DataError(f"{file.name}: {'; '.join(faults)}") from error
    if paper.paper != file.stem:
        raise DataError(f"{file.name}: its paper is '{paper.paper}'; name the file after it")
    return paper


def paper(slug: str) -> Paper:
    """The paper of a slug; raises RequestError with the nearest for an unknown one."""
    if slug not in papers():
        raise unknown("paper", slug, papers())
    return papers()[slug]


def figures(slug: str) -> list[Figure]:
    """A paper's own figures, then the nearest of others."""
    own = paper(slug)
    found = list(own.listed())
    for other in own.nearest:
        found += [one for one in paper(other.paper).listed() if not other.models or one.block.model in other.models]
    return found
