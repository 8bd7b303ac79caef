"""The tables of executed stages, and of what each is in the cells that rest on it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from xtransfer.results.base import Base
from xtransfer.results.roles import TRAININGS


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))


_PHASE = f"CASE WHEN role IN ({_listed(TRAININGS)}) THEN phase IS NOT NULL AND phase >= 0 ELSE phase IS NULL END"


class StageRow(Base):
    """An executed stage: the manifest of its artifact."""

    __tablename__ = "stage"
    __table_args__ = (
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("seconds >= 0", name="seconds"),
        CheckConstraint("energy_joules >= 0", name="energy_joules"),
    )

    key: Mapped[str] = mapped_column(primary_key=True, doc="digest of kind, version, settings and inputs")
    kind: Mapped[str] = mapped_column(doc="pretrain, translator, convert, translate, train or score")
    version: Mapped[int] = mapped_column(doc="raised when what the kind computes changes")
    name: Mapped[str] = mapped_column(doc="readable name")
    settings: Mapped[dict[str, Any]] = mapped_column(doc="everything that changes the result, as JSON")
    facts: Mapped[dict[str, Any]] = mapped_column(doc="losses, counts … and `processor`, what computed it (JSON)")
    packages: Mapped[dict[str, Any]] = mapped_column(doc="package → version (JSON)")
    host: Mapped[str] = mapped_column(doc="machine that it ran on")
    device: Mapped[str] = mapped_column(doc="`cpu`, `cuda:0` …")
    started: Mapped[datetime] = mapped_column(doc="when it began (UTC)")
    seconds: Mapped[float] = mapped_column(doc="how long it took")
    energy_joules: Mapped[float | None] = mapped_column(
        doc="energy of its processor or GPU meanwhile, other programs' share included; NULL where no counter is read",
    )


class CellStageRow(Base):
    """The stages behind a cell: its score stage and all that fed it."""

    __tablename__ = "cell_stage"
    __table_args__ = (
        CheckConstraint(_PHASE, name="phase"),
        Index(None, "stage"),
    )

    cell: Mapped[str] = mapped_column(
        ForeignKey("cell.key", ondelete="CASCADE"), primary_key=True, doc="key of the cell"
    )
    stage: Mapped[str] = mapped_column(
        ForeignKey("stage.key", ondelete="CASCADE"), primary_key=True, doc="key of the stage"
    )
    role: Mapped[str] = mapped_column(
        doc="what it is there: `pretraining`, `intermediate` or `target` (trainings), `score`, `translation`, "
        "`translator`, `conversion` or `round-trip`"
    )
    phase: Mapped[int | None] = mapped_column(
        doc="of a training: its place among those of the intermediate or of the target, from 0; NULL for other roles"
    )
    language: Mapped[str] = mapped_column(
        doc="of the rows of a training: with translate-train a target has one for each; several of a mixture are "
        "joined by '+'; '' for other roles"
    )
