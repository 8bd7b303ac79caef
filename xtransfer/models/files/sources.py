"""Where checkpoints appear: a pattern of local folders, a pattern behind an fsspec URL, or a repository's commits.

`/runs/*/checkpoint-*`          folders on this machine
`s3://bucket/runs/*/step_*`     folders of any file system that fsspec supports
`hf://someone/model@branch`     every commit of a branch (default: main) of a model repository on the hub
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fsspec.core import url_to_fs

from xtransfer.base import hub
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.models.files.files import Files

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from huggingface_hub import GitCommitInfo

HUB = "hf://"
_REPOSITORY = re.compile(r"hf://(?P<id>[\w.-]+/[\w.-]+)(@(?P<branch>[\w./-]+))?")
_STEP = re.compile(r"(?:checkpoint|step|iter|iteration)[-_ ]?(\d+)", re.IGNORECASE)
_BEING_WRITTEN = (re.compile(r"^(\.|tmp|temp)"), re.compile(r"\.(tmp|temp|part|partial|incomplete)$"))


@dataclass(frozen=True)
class Candidate:
    """A location where a checkpoint may be."""

    location: str  # absolute path, URL, or hf://id@commit
    source: str
    step: int | None
    moment: float | None  # time of the commit, in seconds since 1970; None: taken from its files
    open: Callable[[], Files]

    @property
    def fixed(self) -> bool:
        """Whether the location is immutable, like a commit."""
        return self.location.startswith(HUB)

    @property
    def being_written(self) -> str:
        """Why its name suggests that it is unfinished; empty if it does not."""
        name = self.location.rstrip("/").rpartition("/")[2]
        told = any(pattern.search(name) for pattern in _BEING_WRITTEN)
        return f"'{name}' looks like the name of an unfinished checkpoint" if told else ""


def look(source: str) -> list[Candidate]:
    """Returns the locations that a source has now, sorted by folder and step.

    Raises RequestError for an invalid source, SourceError if it cannot be read.
    """
    if source.startswith(HUB):
        return _commits(source)
    try:
        system, path = url_to_fs(source)
        found = [one["name"] for one in system.glob(path, detail=True).values() if one["type"] == "directory"]
    except (ValueError, ImportError) as error:
        raise RequestError(f"source '{source}': {error}") from error
    except Exception as error:  # file systems raise their own exception classes
        raise SourceError(f"source '{source}' cannot be read: {hub.said(error)}") from error
    candidates = {one.location: one for one in (_folder(system, name, source) for name in found)}
    return sorted(candidates.values(), key=_order)


def opened(location: str) -> Files:
    """Returns the files at a recorded location; reading them raises FileNotFoundError if they are gone."""
    if location.startswith(HUB):
        return _hub_files(location)
    system, path = url_to_fs(location)
    return Files(system, path)


def step_of(text: str) -> int | None:
    """Returns the training step in a folder name or commit title: `checkpoint-500`, `step_500`, `step 500`; or None."""
    found = _STEP.findall(text)
    return int(found[-1]) if found else None


def _folder(system: AbstractFileSystem, name: str, source: str) -> Candidate:
    local = "file" in (system.protocol if isinstance(system.protocol, tuple) else (system.protocol,))
    location = str(Path(name).resolve()) if local else str(system.unstrip_protocol(name))
    step = step_of(location.rstrip("/").rpartition("/")[2])
    return Candidate(location, source, step, None, lambda: Files(system, location if local else name))


def _order(candidate: Candidate) -> tuple[str, int, str]:
    return candidate.location.rpartition("/")[0], candidate.step or 0, candidate.location


def _commits(source: str) -> list[Candidate]:
    """Returns the commits of a branch, oldest first."""
    from huggingface_hub import HfApi

    match = _REPOSITORY.fullmatch(source)
    if match is None:
        raise RequestError(f"source '{source}' is not valid; write hf://someone/model or hf://someone/model@branch")
    name, branch = match["id"], match["branch"] or "main"
    try:
        listed = hub.patient(lambda: HfApi().list_repo_commits(name, revision=branch), hub.is_transient)
    except Exception as error:  # transports raise their own exception classes
        raise SourceError(f"source '{source}': {hub.said(error)}; {hub.advice(error)}") from error
    return [_commit(source, name, one) for one in reversed(listed)]


def _commit(source: str, name: str, commit: GitCommitInfo) -> Candidate:
    location = f"{HUB}{name}@{commit.commit_id}"
    moment = commit.created_at.timestamp()
    return Candidate(location, source, step_of(commit.title), moment, lambda: _hub_files(location))


def _hub_files(location: str) -> Files:
    from huggingface_hub import HfFileSystem

    return Files(HfFileSystem(), location.removeprefix(HUB))
