"""Finds a hub model's weights as safetensors in a pull request, when its main branch has only pickles."""

from __future__ import annotations

import logging
from functools import partial

from xtransfer.base import hub

log = logging.getLogger(__name__)

_CONVERTER = "SFconvertbot"  # the hub's account that converts weights; anybody can open a request with the same title
_TITLE = "Adding `safetensors` variant of this model"
_NO_REQUESTS = (401, 403, 404, 410)  # what the hub answers for a repository that takes none


def converted(name: str, seconds: float) -> str | None:
    """Returns the commit of the hub's own conversion to safetensors, or None.

    A conversion by anybody else is only logged: its weights may be others than the model's. `seconds` limits each query
    for a commit. Raises what the hub's client raises if the hub cannot be asked.
    """
    from huggingface_hub import HfApi

    def asked() -> list[tuple[str, str]]:
        found = HfApi().get_repo_discussions(name, discussion_type="pull_request", discussion_status="open")
        return [(f"refs/pr/{one.num}", one.author) for one in found if one.title == _TITLE]

    try:
        requests = hub.patient(asked, hub.is_transient)
    except Exception as error:  # each transport raises its own classes
        if hub.status(error) in _NO_REQUESTS:
            return None
        raise
    for revision, _ in (one for one in requests if one[1] == _CONVERTER):
        info = hub.patient(partial(HfApi().model_info, name, revision=revision, timeout=seconds), hub.is_transient)
        if any(file.rfilename.endswith(".safetensors") for file in info.siblings or ()):
            log.warning("%s: main has only pickles; using the hub's conversion to safetensors, %s", name, revision)
            return info.sha
    for revision, author in requests:
        log.warning(
            "%s: main has only pickles; %s, by %s, has safetensors: to trust it, name %s@%s",
            name, revision, author, name, revision,
        )  # fmt: skip
    return None
