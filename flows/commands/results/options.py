"""Options that several questions share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class By(StrEnum):
    """What rows of gains and contrasts are about."""

    language = "language"
    family = "family"
    script = "script"
    mean = "mean"


Several = list[str] | None
AnyStudy = Annotated[str | None, typer.Option("--study", help="Name of a study that was run; all where left out.")]
OneStudy = Annotated[str, typer.Option("--study", help="Name of a study that was run.")]
Encoders = Annotated[Several, typer.Option("--encoder", help="Only this encoder. Repeatable.")]
Intermediates = Annotated[Several, typer.Option("--intermediate", help="Only this one. Repeatable.")]
Targets = Annotated[Several, typer.Option("--target", help="Only this target. Repeatable.")]
Languages = Annotated[Several, typer.Option("--language", help="Only this language. Repeatable.")]
Metrics = Annotated[Several, typer.Option("--metric", help="Only this metric. Repeatable.")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Only this training seed. Repeatable.")]
AsBy = Annotated[By, typer.Option("--by", help="Rows: languages and their means, or families, scripts, means alone.")]
