"""The tables of what results refer to: languages, metrics, suites, encoders, benchmarks, published figures."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.results.base import Base


class LanguageRow(Base):
    """A language that the project knows."""

    __tablename__ = "language"
    __table_args__ = (CheckConstraint("code <> ''", name="coded"),)

    code: Mapped[str] = mapped_column(primary_key=True, doc="ISO 639-1 where there is one, else ISO 639-3")
    name: Mapped[str] = mapped_column(doc="English name")
    family: Mapped[str] = mapped_column(doc="top-level family")
    branch: Mapped[str] = mapped_column(doc="branch within Indo-European, else the family again")
    script: Mapped[str] = mapped_column(doc="script that most text of the language is written in")


class MetricRow(Base):
    """A metric, in points."""

    __tablename__ = "metric"
    __table_args__ = (CheckConstraint("lowest < highest", name="range"),)

    name: Mapped[str] = mapped_column(primary_key=True, doc="as in scores")
    lowest: Mapped[float] = mapped_column(doc="least possible value, in points")
    highest: Mapped[float] = mapped_column(doc="greatest possible value, in points")
    definition: Mapped[str] = mapped_column(doc="what is measured, and whose scorer it equals")


class SuitePartRow(Base):
    """One number that XTREME or XTREME-R counts: a benchmark in a language by a metric."""

    __tablename__ = "suite_part"

    suite: Mapped[str] = mapped_column(primary_key=True, doc="`xtreme` or `xtreme-r`")
    benchmark: Mapped[str] = mapped_column(primary_key=True, doc="benchmark as a part of the suite")
    scored: Mapped[str] = mapped_column(
        primary_key=True, doc="benchmark that may be scored for it: itself, or one with the same test rows"
    )
    language: Mapped[str] = mapped_column(ForeignKey("language.code"), primary_key=True, doc="language that counts")
    metric: Mapped[str] = mapped_column(ForeignKey("metric.name"), primary_key=True, doc="metric that counts")


class EncoderRow(Base):
    """A pretrained encoder at one revision."""

    __tablename__ = "encoder"
    __table_args__ = (
        CheckConstraint("name <> ''", name="named"),
        CheckConstraint("source IN ('hub', 'folder', 'trained-here', 'unknown')", name="source"),
    )

    name: Mapped[str] = mapped_column(primary_key=True, doc="as in cells: `name@seed`, or `hub id@commit` cut short")
    source: Mapped[str] = mapped_column(doc="`hub`, `folder` (a mirror's too), `trained-here` or `unknown`")
    id: Mapped[str] = mapped_column(doc="hub id, name of the folder, or name in the catalogue of encoders")
    revision: Mapped[str] = mapped_column(doc="commit, digest of the folder, or seed of pretraining")


class BenchmarkRow(Base):
    """A benchmark as it was declared when cells read it."""

    __tablename__ = "benchmark"
    __table_args__ = (
        CheckConstraint("name <> ''", name="named"),
        CheckConstraint("num_languages >= 0", name="num_languages"),
    )

    name: Mapped[str] = mapped_column(primary_key=True, doc="as in slugs of intermediates and targets")
    revision: Mapped[str] = mapped_column(
        primary_key=True, doc="revisions that its sources are declared at, joined by '+'; '' where they name none"
    )
    kind: Mapped[str] = mapped_column(doc="how it is encoded and decoded: pair, choice, tags, span …; '' if unknown")
    metric: Mapped[str | None] = mapped_column(ForeignKey("metric.name"), doc="main metric; NULL: only trained on")
    num_languages: Mapped[int] = mapped_column(doc="languages that it declares")
    source: Mapped[str] = mapped_column(doc="data sets that its rows come from, joined by '+'")
    licence: Mapped[str] = mapped_column(doc="as its authors state it")


class PublishedRow(Base):
    """A figure from a paper or from its authors' code."""

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
    model: Mapped[str] = mapped_column(primary_key=True, doc="model as the paper names it")
    setting: Mapped[str] = mapped_column(primary_key=True, doc="`zero-shot`, `translate-train`, `intermediate` …")
    benchmark: Mapped[str] = mapped_column(
        primary_key=True, doc="our name of the benchmark; `xtreme` or `xtreme-r` for a total"
    )
    language: Mapped[str] = mapped_column(primary_key=True, doc="language code; '' for the mean over its languages")
    metric: Mapped[str] = mapped_column(ForeignKey("metric.name"), primary_key=True, doc="our name of the metric")
    value: Mapped[float] = mapped_column(doc="the figure, in points")
    n_languages: Mapped[int | None] = mapped_column(doc="languages that a mean is over, where the source says so")
    source: Mapped[str] = mapped_column(doc="where exactly it stands")
    trust: Mapped[str] = mapped_column(doc="`paper`, `authors' code or README` or `third party`")
    note: Mapped[str] = mapped_column(doc="what a reader must know of it; '' for nothing")
