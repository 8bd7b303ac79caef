"""Data sets of the hub: the commit that a branch is at, and rows at a commit."""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING

from xtransfer.base import hub
from xtransfer.base.errors import EmptySplit, SourceError

if TYPE_CHECKING:
    from datasets import Dataset


@cache
def commit_of(path: str, revision: str | None) -> str:
    """The commit that a branch of a data set (None: main) is at, the same for as long as this process lives.

    Raises SourceError with what to do when the hub does not say.
    """
    from huggingface_hub import HfApi, constants

    def ask() -> str | None:
        return HfApi().dataset_info(path, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT).sha

    try:
        commit = hub.patient(ask, hub.may_pass)
    except Exception as error:  # offline, unknown, gated, timed out: transports raise classes of their own
        at = f" at '{revision}'" if revision else ""
        raise SourceError(
            f"the hub did not say which commit '{path}'{at} is at ({hub.said(error)}); {hub.advice(error)}"
        ) from error
    if commit is None:
        raise SourceError(f"the hub gave no commit for '{path}'; name one as its revision")
    return commit


def read(path: str, config: str | None, split: str, commit: str) -> Dataset:
    """One split at a commit, from the local cache where it has it.

    Raises SourceError with what to do, EmptySplit for files without rows.
    """
    import datasets

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()

    def load() -> Dataset:
        try:
            return datasets.load_dataset(path, config, split=split, revision=commit)
        except ValueError as error:
            if f"BuilderConfig '{config}' not found" not in str(error):
                raise
            # a commit of refs/convert/parquet: a folder per configuration and split, which no card names
            files = {split: f"{config}/{split}/*.parquet"}
            try:
                return datasets.load_dataset(path, data_files=files, split=split, revision=commit)
            except FileNotFoundError:
                raise error from None

    try:
        return hub.patient(load, hub.is_short)
    except Exception as error:  # the libraries below raise some twenty unrelated types
        if "BatchSize must be greater than 0" in hub.said(error):  # how a file without rows fails
            raise EmptySplit(f"the hub, data set '{path}', split '{split}': has no rows") from error
        where = f"the hub, data set '{path}', configuration '{config or 'default'}', split '{split}'"
        raise SourceError(f"{where}: {hub.said(error)}; {_remedy(error)}") from error


def check_access(path: str) -> None:
    """Raises SourceError with what to do where the files of a data set may not be read."""
    from huggingface_hub import HfApi

    try:
        hub.patient(lambda: HfApi().auth_check(path, repo_type="dataset"), hub.may_pass)
    except Exception as error:
        raise SourceError(f"the hub, data set '{path}': {hub.said(error)}; {hub.advice(error)}") from error


@cache
def answers() -> bool:
    """Whether the hub can be reached at all; asked once."""
    from huggingface_hub import constants, get_session

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        get_session().head(constants.ENDPOINT, timeout=constants.HF_HUB_ETAG_TIMEOUT)
    except Exception:  # whatever it is, it is no answer
        return False
    return True


def _remedy(error: Exception) -> str:
    text = str(error)
    if "scripts are no longer supported" in text or "trust_remote_code" in text:
        return (
            "it is a program, and code that a data set brings along is never run; name a revision that holds its "
            "rows as parquet files (often refs/convert/parquet), or put them in a mirror (XTRANSFER_HUB_DIR)"
        )
    of_rows = any(isinstance(cause, ValueError) for cause in hub.causes(error))  # a configuration, a split, a format
    if of_rows and hub.status(error) is None and not hub.is_unreachable(error):
        return "correct the declaration, or its revision"
    return hub.advice(error)
