"""The tables of finished stages and of their roles in cells."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.base.declared import JsonObject
from xtransfer.results.base import Base, cell_key
from xtransfer.results.roles import TRAININGS


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))


_PHASE = f"CASE WHEN role IN ({_listed(TRAININGS)}) THEN phase IS NOT NULL AND phase >= 0 ELSE phase IS NULL END"


class StageRow(Base):
    """A finished stage: the manifest of its artifact."""

    __tablename__ = "stage"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("seconds >= 0", name="seconds"),
        CheckConstraint("energy_joules >= 0", name="energy_joules"),
    )

    key: Mapped[str] = mapped_column(primary_key=True, doc="digest of kind, version, settings and inputs")
    kind: Mapped[str] = mapped_column(
        doc="pretrain, unpack, translator, convert, translate, round-trip, train or score"
    )
    version: Mapped[int] = mapped_column(doc="version of the kind; raised when its results change")
    name: Mapped[str] = mapped_column(doc="readable name")
    settings: Mapped[JsonObject] = mapped_column(doc="every setting that changes the result")
    facts: Mapped[JsonObject] = mapped_column(doc="losses, counts …, and the name of the `processor`")
    packages: Mapped[JsonObject] = mapped_column(doc="package → version")
    host: Mapped[str] = mapped_column(doc="machine it ran on")
    device: Mapped[str] = mapped_column(doc="`cpu`, `cuda:0` …")
    started: Mapped[datetime] = mapped_column(doc="when it started (UTC)")
    seconds: Mapped[float] = mapped_column(doc="run time, in seconds")
    energy_joules: Mapped[float | None] = mapped_column(
        doc="energy used by its processor or GPU, other programs included; NULL without a readable counter",
    )


class CellStageRow(Base):
    """The stages behind a cell: its score stage and all stages that it depends on."""

    __tablename__ = "cell_stage"
    __table_args__ = (
        CheckConstraint(_PHASE, name="phase"),
        Index(None, "stage"),
    )

    cell: Mapped[str] = cell_key()
    stage: Mapped[str] = mapped_column(
        ForeignKey("stage.key", ondelete="CASCADE"), primary_key=True, doc="key of the stage"
    )
    role: Mapped[str] = mapped_column(
        doc="its role in the cell: `pretraining`, `intermediate` or `target` (trainings), `score`, `translation`, "
        "`translator`, `conversion`, `unpacking` or `round-trip`"
    )
    phase: Mapped[int | None] = mapped_column(
        doc="for a training, its number among those of the intermediate or of the target, from 0; otherwise NULL"
    )
    language: Mapped[str] = mapped_column(
        doc="for a training, the language of its rows: one per training with translate-train, joined by '+' for a "
        "mixture; otherwise ''"
    )
