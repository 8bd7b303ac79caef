"""The page in Prefect of a run that made artifacts: what each is, its key, its time, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prefect.artifacts import create_table_artifact

from tasks.keys import artifact_key


@dataclass(frozen=True)
class Made:
    """One artifact that a run was asked for."""

    name: str
    key: str
    seconds: float  # of making it, then or now
    was_stored: bool
    facts: dict[str, Any]  # what the stage says of itself

    def row(self) -> dict[str, Any]:
        told = {name: value for name, value in self.facts.items() if isinstance(value, str | int | float | bool)}
        return {
            "artifact": self.name,
            "seconds": round(self.seconds, 1),
            "cached": "yes" if self.was_stored else "",
            **{name: round(value, 3) if isinstance(value, float) else value for name, value in told.items()},
            "key": self.key,
        }


def publish_made(title: str, made: Sequence[Made]) -> None:
    """Show a table of what was made, under a key that is the same in every run of that title."""
    create_table_artifact([one.row() for one in made], artifact_key(title), f"Artifacts of {title}")
