"""Data sets on the hub: the commit of a branch, and rows at a commit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from xtransfer.base import hub
from xtransfer.base.errors import EmptySplit, SourceError

if TYPE_CHECKING:
    from datasets import Dataset


@cache
def commit_of(path: str, revision: str | None) -> str:
    """Returns the current commit of a data set's branch (None: main), the same for the lifetime of this process.

    Raises SourceError with advice if the hub does not answer.
    """
    from huggingface_hub import HfApi, constants

    def ask() -> str | None:
        return HfApi().dataset_info(path, revision=revision, timeout=constants.HF_HUB_ETAG_TIMEOUT).sha

    try:
        commit = hub.patient(ask, hub.is_transient)
    except Exception as error:  # offline, unknown, gated, timed out: transports raise their own exception classes
        at = f" at '{revision}'" if revision else ""
        raise SourceError(
            f"the hub did not return the commit of '{path}'{at} ({hub.said(error)}); {hub.advice(error)}"
        ) from error
    if commit is None:
        raise SourceError(f"the hub returned no commit for '{path}'; set a commit as its revision")
    return commit


def read(path: str, config: str | None, split: str, commit: str) -> Dataset:
    """Returns one split at a commit, from the local cache if possible.

    Raises SourceError with advice, or EmptySplit for files without rows.
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
            # a commit of refs/convert/parquet has a folder per configuration and split, without a data set card
            files = {split: f"{config}/{split}/*.parquet"}
            try:
                return datasets.load_dataset(path, data_files=files, split=split, revision=commit)
            except FileNotFoundError:
                raise error from None

    try:
        with nullcontext() if hub.answers() else _offline():
            return hub.patient(load, hub.is_short)
    except Exception as error:  # the libraries raise some twenty unrelated types
        if "BatchSize must be greater than 0" in hub.said(error):  # the error for a file without rows
            raise EmptySplit(f"hub data set '{path}', split '{split}': has no rows") from error
        where = f"hub data set '{path}', configuration '{config or 'default'}', split '{split}'"
        raise SourceError(f"{where}: {hub.said(error)}; {_remedy(error)}") from error


def check_access(path: str) -> None:
    """Raises SourceError with advice if the files of a data set may not be read."""
    from huggingface_hub import HfApi

    try:
        hub.patient(lambda: HfApi().auth_check(path, repo_type="dataset"), hub.is_transient)
    except Exception as error:
        raise SourceError(f"hub data set '{path}': {hub.said(error)}; {hub.advice(error)}") from error


@contextmanager
def _offline() -> Iterator[None]:
    """Reads only the local cache: the libraries would ask a hub that does not answer again and again."""
    import datasets
    from huggingface_hub import constants

    before = datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE, constants.HF_HUB_OFFLINE = before


def _remedy(error: Exception) -> str:
    text = str(error)
    if "scripts are no longer supported" in text or "trust_remote_code" in text:
        return (
            "it needs a loading script, and code of data sets is never run; set a revision with parquet files (often "
            "refs/convert/parquet), or put its rows into a mirror (XTRANSFER_HUB_DIR)"
        )
    of_rows = any(isinstance(cause, ValueError) for cause in hub.causes(error))  # wrong configuration, split or format
    if of_rows and hub.status(error) is None and not hub.is_unreachable(error):
        return "correct the declaration or its revision"
    return hub.advice(error)
