"""The tables that results refer to: languages, metrics, suites, encoders, benchmarks, published scores."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.results.base import Base


class LanguageRow(Base):
    """A language that the project knows, or that a benchmark file declared."""

    __tablename__ = "language"
    __table_args__ = (CheckConstraint("code <> ''", name="coded"),)

    code: Mapped[str] = mapped_column(primary_key=True, doc="ISO 639-1 if it exists, else ISO 639-3")
    name: Mapped[str] = mapped_column(doc="English name")
    family: Mapped[str] = mapped_column(doc="top-level family, as in Glottolog")
    branch: Mapped[str] = mapped_column(doc="branch within Indo-European; elsewhere the same as `family`")
    script: Mapped[str] = mapped_column(doc="script that the language is mostly written in")


class MetricRow(Base):
    """A metric, in points."""

    __tablename__ = "metric"
    __table_args__ = (CheckConstraint("lowest < highest", name="range"),)

    name: Mapped[str] = mapped_column(primary_key=True, doc="name of the metric, as in `score`")
    lowest: Mapped[float] = mapped_column(doc="lowest possible value, in points")
    highest: Mapped[float] = mapped_column(doc="highest possible value, in points")
    definition: Mapped[str] = mapped_column(doc="what it measures, and the reference scorer that it equals")


class SuitePartRow(Base):
    """One score that XTREME or XTREME-R averages: a benchmark in a language by a metric."""

    __tablename__ = "suite_part"

    suite: Mapped[str] = mapped_column(primary_key=True, doc="`xtreme` or `xtreme-r`")
    benchmark: Mapped[str] = mapped_column(primary_key=True, doc="benchmark of the suite")
    scored: Mapped[str] = mapped_column(
        primary_key=True, doc="benchmark whose score is used: the same, or one with the same test rows"
    )
    language: Mapped[str] = mapped_column(ForeignKey("language.code"), primary_key=True, doc="language of the score")
    metric: Mapped[str] = mapped_column(ForeignKey("metric.name"), primary_key=True, doc="metric of the score")


class EncoderRow(Base):
    """A pretrained encoder at one revision."""

    __tablename__ = "encoder"
    __table_args__ = (
        CheckConstraint("name <> ''", name="named"),
        CheckConstraint("source IN ('hub', 'folder', 'trained-here', 'package', 'unknown')", name="source"),
    )

    name: Mapped[str] = mapped_column(
        primary_key=True, doc="as in `cell`: `name@seed`, or `hub id@` with the start of the commit"
    )
    source: Mapped[str] = mapped_column(
        doc="`hub`, `folder` (local, or of a mirror), `trained-here`, `package` or `unknown`"
    )
    id: Mapped[str] = mapped_column(doc="hub id, folder name, Python package, or name in the catalogue of encoders")
    revision: Mapped[str] = mapped_column(doc="commit, digest of the folder or file, or pretraining seed")


class BenchmarkRow(Base):
    """A benchmark as it was declared when its rows were read."""

    __tablename__ = "benchmark"
    __table_args__ = (
        CheckConstraint("name <> ''", name="named"),
        CheckConstraint("num_languages >= 0", name="num_languages"),
    )

    name: Mapped[str] = mapped_column(primary_key=True, doc="name, as in slugs of intermediates and targets")
    revision: Mapped[str] = mapped_column(
        primary_key=True, doc="declared revisions of its sources, joined by '+'; '' if there are none"
    )
    kind: Mapped[str] = mapped_column(doc="task type: pair, choice, tags, span …; '' if unknown")
    metric: Mapped[str | None] = mapped_column(
        ForeignKey("metric.name"), doc="main metric; NULL for training data only"
    )
    num_languages: Mapped[int] = mapped_column(doc="languages that it declares")
    source: Mapped[str] = mapped_column(doc="data sets that its rows come from, joined by '+'")
    licence: Mapped[str] = mapped_column(doc="as its authors state it")


class PublishedRow(Base):
    """A score from a paper or from its authors' code."""

    __tablename__ = "published"
    __table_args__ = (
        CheckConstraint("value BETWEEN -100 AND 100", name="value"),
        CheckConstraint("n_languages IS NULL OR n_languages > 0", name="n_languages"),
        CheckConstraint("paper <> '' AND model <> '' AND setting <> '' AND benchmark <> ''", name="named"),
        CheckConstraint("source <> ''", name="sourced"),
        CheckConstraint("trust IN ('paper', 'authors'' code or README', 'third party')", name="trust"),
        Index(None, "benchmark", "metric", "language"),
    )

    paper: Mapped[str] = mapped_column(primary_key=True, doc="short name of the paper")
    model: Mapped[str] = mapped_column(primary_key=True, doc="name of the model in the paper")
    setting: Mapped[str] = mapped_column(primary_key=True, doc="`zero-shot`, `translate-train`, `intermediate` …")
    benchmark: Mapped[str] = mapped_column(
        primary_key=True, doc="name of the benchmark here; `xtreme` or `xtreme-r` for a total"
    )
    language: Mapped[str] = mapped_column(primary_key=True, doc="language code; '' for the mean over its languages")
    metric: Mapped[str] = mapped_column(ForeignKey("metric.name"), primary_key=True, doc="name of the metric here")
    value: Mapped[float] = mapped_column(doc="points")
    n_languages: Mapped[int | None] = mapped_column(
        doc="number of languages in a mean; NULL if the source does not say"
    )
    source: Mapped[str] = mapped_column(doc="where it is printed: table, README, pull request")
    trust: Mapped[str] = mapped_column(doc="`paper`, `authors' code or README` or `third party`")
    note: Mapped[str] = mapped_column(doc="what a reader must know; '' for nothing")
