"""A watch: where to look for new checkpoints, and what to run for each; the same value from YAML, CLI and form."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from xtransfer.base.declared import LONGEST_NAME, Name, Seed, Value
from xtransfer.base.errors import RequestError
from xtransfer.base.settings import absolute, shown
from xtransfer.study.study import Study


class Evaluation(Value):
    """What a checkpoint is scored on, as by `xtransfer evaluate`. Any: recipe fields, validated by Recipe."""

    targets: tuple[str, ...] = Field(
        min_length=1, description="Targets, as in a study: xnli, xcopa<siqa,copa, tatoeba:layer7, xnli:as-is"
    )
    languages: tuple[str, ...] | None = Field(None, description="Languages to score; empty: all of a target")
    split: Literal["test", "dev"] = Field("test", description="Split to score")
    rows: int | None = Field(None, gt=0, description="Score only this many rows per language; empty: all")
    train_rows: int | None = Field(None, gt=0, description="Fine-tune on only this many rows; empty: all")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1, description="Training seeds")
    recipe: dict[str, Any] = Field({}, description="Fields to replace in every target's recipe")


class Watch(Value):
    """Sources of checkpoints, and the study to run for each new one. Any: study fields, validated by Study."""

    name: Name = Field(description="A name; each checkpoint runs once per name. Lower-case letters, digits, '.-_'")
    sources: tuple[str, ...] = Field(
        min_length=1,
        description="Folders (/runs/*/checkpoint-*), URLs (s3://bucket/runs/*), or repositories (hf://someone/model)",
    )
    evaluate: Evaluation | None = Field(None, description="Score each checkpoint on these targets")
    study: str | None = Field(
        None, description="Or run this study with it as encoder: a built-in study's name or a YAML file's path"
    )
    small: bool = Field(False, description="Run the small version of the study")
    settings: dict[str, Any] = Field({}, description="Fields of the study to replace: field (or a.b path) → value")
    since: datetime | None = Field(None, description="Ignore older checkpoints; without a time zone: UTC")
    at_once: int = Field(1, ge=1, le=64, description="Maximum number of checkpoints that run at the same time")
    steady_seconds: float = Field(
        60.0, ge=0, le=1e6, description="Seconds without changes after which a checkpoint counts as complete"
    )
    lost_minutes: float = Field(
        10.0, ge=0, le=1e6, description="Minutes after which an event that started no run counts as lost"
    )

    @field_validator("sources")
    @classmethod
    def _from_anywhere(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        """Makes local patterns absolute, for workers elsewhere; rejects URLs with secrets, since they are recorded."""
        if secret := [shown(value) for value in values if "://" in value and shown(value) != value]:
            # not ValueError: pydantic would repeat the input, including secrets
            raise RequestError(f"source '{secret[0]}': put user and password into the environment, not into the URL")
        return tuple(value if "://" in value else str(absolute(value, "sources")) for value in values)

    @field_validator("study")
    @classmethod
    def _file_from_anywhere(cls, value: str | None) -> str | None:
        is_file = value is not None and (value.endswith((".yaml", ".yml")) or "/" in value)
        return str(absolute(value, "study")) if value is not None and is_file else value

    @field_validator("since")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    @model_validator(mode="after")
    def _one_thing_to_run(self) -> Watch:
        if (self.evaluate is None) == (self.study is None):
            raise ValueError("give either 'evaluate' (targets to score) or 'study' (a study to run)")
        if self.study is None and (self.small or self.settings):
            raise ValueError("'small' and 'settings' need 'study'; with 'evaluate', set its own fields")
        return self

    def check(self) -> None:
        """Raises RequestError if the watch's study, a target or a field does not exist."""
        self.study_for("lab-mini@0", self.name)

    def study_name(self, location: str, digest: str) -> str:
        """Returns the study name for a checkpoint's results: watch, last part of its location (shortened), digest."""
        last = location.partition("@")[0].rstrip("/").rpartition("/")[2]
        words = "-".join(filter(None, (self.name, re.sub(r"[^a-z0-9._-]+", "-", last.casefold()))))
        return f"{words[: LONGEST_NAME - 9]}-{digest[:8]}"

    def study_for(self, encoder: str, name: str) -> Study:
        """Returns the study to run for a checkpoint; raises RequestError if the watch is invalid."""
        from xtransfer.planning.evaluation import evaluation
        from xtransfer.study.builtin import find

        if self.evaluate is not None:
            return evaluation(encoder, **self.evaluate.model_dump(), name=name)
        study = find(str(self.study))
        study = study.shrunk() if self.small else study
        return study.with_settings({**self.settings, "encoder": encoder, "name": name})
