"""A watch: what to look at for new checkpoints, and what to run for each. YAML, command line and form make the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from xtransfer.base.declared import Name, Value
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import shown
from xtransfer.study.study import Study


class Evaluation(Value):
    """What a checkpoint is scored on, as `xtransfer evaluate` does."""

    targets: tuple[str, ...] = Field(
        min_length=1, description="What is scored, as in a study: xnli, xcopa<siqa,copa, tatoeba:layer7, xnli:as-is"
    )
    languages: tuple[str, ...] | None = Field(None, description="Languages to score; empty: all that a target has")
    split: Literal["test", "dev"] = Field("test", description="Split that is scored")
    rows: int | None = Field(None, gt=0, description="Score so many rows of each language; empty: all")
    train_rows: int | None = Field(None, gt=0, description="Fine-tune on the first so many rows; empty: all")
    seeds: tuple[int, ...] = Field((0,), min_length=1, description="Training seeds")
    recipe: dict[str, Any] = Field({}, description="Fields of every target's recipe to replace")


class Watch(Value):
    """Sources of checkpoints, and the study that is run for each new one."""

    name: Name = Field(description="Its name: a checkpoint is run once for each; lower-case letters, digits, '.-_'")
    sources: tuple[str, ...] = Field(
        min_length=1,
        description="Folders (/runs/*/checkpoint-*), URLs (s3://bucket/runs/*), or repositories (hf://someone/model)",
    )
    evaluate: Evaluation | None = Field(None, description="Score the checkpoint on targets")
    study: str | None = Field(
        None, description="Or run this study with it as encoder: a built-in name, or the path of a YAML file"
    )
    small: bool = Field(False, description="The small version of the study")
    settings: dict[str, Any] = Field({}, description="Fields of the study to replace: field (or a.b path) → value")
    since: datetime | None = Field(None, description="Pass over what was written before; without a time zone: UTC")
    at_once: int = Field(1, ge=1, le=64, description="How many checkpoints are run at the same time, at most")
    steady_seconds: float = Field(
        60.0, ge=0, description="Seconds for which nothing must have been written to a checkpoint"
    )
    lost_minutes: float = Field(
        10.0, ge=0, description="Minutes after which an event that started nothing counts as lost"
    )

    @field_validator("sources")
    @classmethod
    def _from_anywhere(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        """Local patterns in full, since a worker works elsewhere; URLs without secrets, since they are recorded."""
        if secret := [shown(value) for value in values if "://" in value and shown(value) != value]:
            # no ValueError: pydantic repeats what it was given, secrets and all
            raise RequestError(f"source '{secret[0]}': give user and password in the environment, not in the URL")
        return tuple(value if "://" in value else str(Path(value).expanduser().absolute()) for value in values)

    @field_validator("study")
    @classmethod
    def _file_from_anywhere(cls, value: str | None) -> str | None:
        is_file = value is not None and (value.endswith((".yaml", ".yml")) or "/" in value)
        return str(Path(value).expanduser().absolute()) if value is not None and is_file else value

    @field_validator("since")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    @model_validator(mode="after")
    def _one_thing_to_run(self) -> Watch:
        if (self.evaluate is None) == (self.study is None):
            raise ValueError("give either 'evaluate' (targets to score) or 'study' (one that is run with each)")
        if self.study is None and (self.small or self.settings):
            raise ValueError("'small' and 'settings' go with 'study'; fields of 'evaluate' are its own")
        return self

    def check(self) -> None:
        """Raises RequestError where the watch asks for a study, target or field that there is not."""
        self.study_for("lab-mini@0", self.name)

    def study_name(self, location: str, digest: str) -> str:
        """Under which a checkpoint's results are kept: watch, last part of its place, digest."""
        last = location.partition("@")[0].rstrip("/").rpartition("/")[2]
        return "-".join(filter(None, (self.name, re.sub(r"[^a-z0-9._-]+", "-", last.casefold()), digest[:8])))

    def study_for(self, encoder: str, name: str) -> Study:
        """What is run for a checkpoint; raises RequestError where the watch asks for something impossible."""
        from xtransfer.planning.evaluation import evaluation
        from xtransfer.study.builtin import find

        if self.evaluate is not None:
            return evaluation(encoder, **self.evaluate.model_dump(), name=name)
        study = find(str(self.study))
        study = study.shrunk() if self.small else study
        return study.with_settings({**self.settings, "encoder": encoder, "name": name})
