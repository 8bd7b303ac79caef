"""Uploads the folder of a plain model to a hub, in one commit, so that a repository never has half of a model.

The token is huggingface_hub's: from `hf auth login` or HF_TOKEN. It is read there, and never by this program.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from xtransfer.base.errors import RequestError, SourceError
from xtransfer.base.hub import advice, is_transient, patient, said, status

T = TypeVar("T")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_UPLOADED = (".safetensors", ".json", ".txt", ".model", ".jinja", ".md")  # nothing that runs code when it is loaded
_QUERY = re.compile(r"\?[^\s']+")
_HUBS_OWN = ".gitattributes"


@dataclass(frozen=True)
class Repository:
    """A model repository as it is before an upload."""

    name: str  # OWNER/NAME
    exists: bool
    is_private: bool  # as it is, or will be made
    files: tuple[str, ...] = ()
    commit: str | None = None

    @property
    def url(self) -> str:
        from huggingface_hub import constants

        return f"{constants.ENDPOINT}/{self.name}"


def look(name: str, *, public: bool = False, force: bool = False) -> Repository:
    """Returns a repository that a model may be uploaded to; nothing is changed.

    Raises RequestError for an invalid name, without a token, for a repository with files unless `force`, and for a
    public one unless `public`; SourceError if the hub cannot be asked.
    """
    from huggingface_hub import HfApi, constants, get_token
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    if not _NAME.fullmatch(name):
        raise RequestError(f"hub:{name[:100]}: write hub:OWNER/NAME, with letters, digits, '-', '_' and '.'")
    if constants.HF_HUB_OFFLINE:
        raise RequestError(f"hub:{name}: HF_HUB_OFFLINE is set; unset it to upload")
    if not get_token():
        raise RequestError(
            f"hub:{name}: there is no token; run `hf auth login` with one that can write, or set HF_TOKEN"
        )
    try:
        info = _asked(name, lambda: HfApi().model_info(name), RepositoryNotFoundError)
    except GatedRepoError as error:
        raise SourceError(f"hub:{name}: {said(error)}; {advice(error)}") from error
    except RepositoryNotFoundError:
        return Repository(name, exists=False, is_private=not public)
    files = tuple(one.rfilename for one in info.siblings or () if one.rfilename != _HUBS_OWN)
    if files and not force:
        raise RequestError(
            f"hub:{name}: already has {len(files)} files ({', '.join(files[:3])}); choose another name, or use --force "
            "to replace them all"
        )
    if not info.private and not public:
        raise RequestError(f"hub:{name}: this repository is public; use --public if the model may be, or another name")
    return Repository(name, True, bool(info.private), files, info.sha)


def check(folder: Path) -> dict[str, int]:
    """Returns the files to upload with their sizes in bytes; raises RequestError for a file of another kind."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    if other := [name for name in files if not name.endswith(_UPLOADED)]:
        raise RequestError(
            f"{', '.join(other[:4])}: not uploaded; only weights in safetensors, and {', '.join(_UPLOADED[1:])}"
        )
    return {name: path.stat().st_size for name, path in files.items()}


def upload(folder: Path, to: Repository, message: str) -> str:
    """Uploads all files of a folder, replacing those of the repository; returns the commit's address.

    A new repository is made first. Raises SourceError if the hub refuses, or if somebody else has changed the
    repository since `look`; it then has what it had before.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api, new = HfApi(), check(folder)
    adds = [CommitOperationAdd(name, folder / name) for name in new]
    deletes = [CommitOperationDelete(name, is_folder=False) for name in to.files if name not in new]
    if not to.exists:
        _asked(to.name, lambda: api.create_repo(to.name, private=to.is_private))
    made = _asked(
        to.name,
        lambda: api.create_commit(to.name, [*adds, *deletes], commit_message=message, parent_commit=to.commit),
    )
    return str(made.commit_url)


def _asked(name: str, call: Callable[[], T], but: type[Exception] | tuple[()] = ()) -> T:
    """Returns what the hub answers; raises SourceError with advice, or the error `but` as it is."""
    try:
        return patient(call, is_transient) if but else call()  # a change is not asked for twice
    except but:
        raise
    except Exception as error:  # the library raises its own errors, those of its HTTP library, and plain ones
        code = status(error)
        if code in (401, 403):
            how = "the token may not write there: make one with write access in the hub's settings, `hf auth login`"
        elif code == 412:
            how = "somebody else has changed it in the meantime; look at it and start again"
        elif code == 409:
            how = "it exists by now; run the same command again"
        elif code is None:
            how = "check the network and run the same command again"
        else:
            how = advice(error)
        reason = _QUERY.sub("?…", said(error))  # the addresses that large files go to are signed
        raise SourceError(f"hub:{name}: {reason}; {how}") from error
