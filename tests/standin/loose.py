"""Settings of any form, for stages whose kind does not matter to a test."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict

from xtransfer.base.stage import FolderModel, StageSettings


class Loose(StageSettings):
    model_config = ConfigDict(extra="allow")

    kind: ClassVar[str] = "loose"
    role: ClassVar[str] = "loose"

    encoder: FolderModel | None = None
