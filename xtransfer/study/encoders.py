"""What the strings in `Study.encoders` mean: an encoder trained on the spot, of a hub, or in a local folder.

`name@seed`       of the catalogue below, trained as a cached stage: `lab-tiny@0`
`id`, `id@commit` of a hub: `xlm-roberta-base`, `microsoft/mdeberta-v3-base@a0484667…`; pinned to a commit, or to the
                  digest of `<XTRANSFER_HUB_DIR>/<id>` where the mirror holds it
a path            to a folder in transformers' layout, pinned to its digest: `./my-encoder`, `~/models/x`
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
from xtransfer.base.model_files import model_digest
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe

log = logging.getLogger(__name__)

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_REACH_SECONDS = 20.0
_SHOWN = 12  # characters of a commit or digest in a slug


class EncoderRef(BaseModel):
    """One encoder at one revision."""

    model_config = ConfigDict(frozen=True)

    slug: str  # what tables show: `lab-tiny@0`, `xlm-roberta-base@e73636d4f797`
    source: Literal["trained-here", "hub", "folder"]
    id: str  # catalogue name, hub id, or absolute path of the folder
    revision: str  # seed, commit, or digest of the folder


@dataclass(frozen=True)
class TrainedHere:
    """An encoder that is trained on the spot on a corpus of `data.corpora`."""

    name: str
    corpus: str
    num_texts: int
    languages: tuple[str, ...] | None  # None: all that the corpus has
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
        recipe=PretrainingRecipe(),
        description="tiny XLM-R of the laboratory world, from parallel text in its six languages",
    ),
    TrainedHere(
        name="lab-mini",
        corpus="lab",
        num_texts=1500,
        languages=None,
        recipe=PretrainingRecipe(steps=60),
        description="the same after seconds of training: it shows that everything runs, and learns next to nothing",
    ),
    TrainedHere(
        name="mirror-tiny",
        corpus="mirror-text",
        num_texts=60_000,
        languages=None,
        recipe=PretrainingRecipe(vocab_size=16_000, max_length=96, steps=2000),
        description="tiny XLM-R from the unlabelled text of the hub mirror, without any sentence of an evaluation set",
    ),
    TrainedHere(
        name="mirror-mini",
        corpus="mirror-text",
        num_texts=6000,
        languages=None,
        recipe=PretrainingRecipe(vocab_size=8000, max_length=96, steps=120),
        description="the same after a minute of training: it shows that everything runs, and learns next to nothing",
    ),
)


def pool_of(slug: str) -> str | None:
    """`NAME@*` for `NAME@SEED`, whose seeds are a random sample; None for a hub id or a folder.

    Their revisions, twelve characters of a commit or digest, are other models of one name, not draws from it.
    """
    name, _, revision = slug.rpartition("@")
    return f"{name}@*" if name and revision.isdecimal() and len(revision) < _SHOWN else None


def resolve(text: str) -> EncoderRef:
    """The encoder that `text` names, pinned. Asks the hub only for a hub id without a full commit.

    Raises RequestError for what does not exist, SourceError where the hub that would know cannot be reached.
    """
    text = text.strip()
    if _is_place(text):
        return _folder(text)
    name, _, revision = text.partition("@")
    if name in ENCODERS:
        if not re.fullmatch("0|[1-9][0-9]{0,9}", revision) or int(revision) > LARGEST_SEED:
            raise RequestError(f"encoder '{text[:80]}' is trained here; write it with a seed: {name}@0")
        return EncoderRef(slug=text, source="trained-here", id=name, revision=revision)
    if not may_be_on_hub(text):
        raise unknown("encoder", text, ENCODERS)
    mirror = settings.current().hub_dir
    if mirror is not None and in_mirror(name):
        return _mirrored(name, revision, mirror / name)
    return _on_hub(name, revision)


def may_be_on_hub(text: str) -> bool:
    """Whether only a mirror or the hub could say if there is such an encoder."""
    name, _, revision = text.strip().partition("@")
    if _is_place(text.strip()) or name in ENCODERS or not _HUB_ID.fullmatch(name):
        return False
    return "/" in name or not revision.isdecimal() or len(revision) >= 7


def in_mirror(text: str) -> bool:
    """Whether the mirror holds a model of the hub."""
    mirror = settings.current().hub_dir
    return mirror is not None and (mirror / text.strip().partition("@")[0] / "config.json").is_file()


def unpinned(text: str) -> EncoderRef:
    """A model of the hub as it was asked for, at no revision."""
    return EncoderRef(slug=text.strip(), source="hub", id=text.strip(), revision="")


def _is_place(text: str) -> bool:
    return text.startswith(("./", "../", "/", "~")) or ("/" in text and Path(text).is_dir())


def _folder(text: str) -> EncoderRef:
    folder = Path(text).expanduser().resolve()
    if not (folder / "config.json").is_file():
        what = "holds no config.json" if folder.is_dir() else "is no folder"
        raise RequestError(f"encoder '{text}': {folder} {what}; name a folder that save_pretrained has written")
    digest = model_digest(folder)
    return EncoderRef(slug=f"{folder.name}@{digest[:_SHOWN]}", source="folder", id=str(folder), revision=digest)


def _mirrored(name: str, revision: str, folder: Path) -> EncoderRef:
    if revision:
        log.warning("%s: taken from the mirror as it is there, not at %s", name, revision)
    digest = model_digest(folder)
    return EncoderRef(slug=f"{name}@{digest[:_SHOWN]}", source="folder", id=str(folder), revision=digest)


def _on_hub(name: str, revision: str) -> EncoderRef:
    commit = revision if hub.is_commit(revision) else _commit(name, revision or "main")
    return EncoderRef(slug=f"{name}@{commit[:_SHOWN]}", source="hub", id=name, revision=commit)


def _commit(name: str, revision: str) -> str:
    """The commit of a branch or tag now, or, where the hub does not answer, when its files were last cached."""
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        commit = hub.patient(
            lambda: HfApi().model_info(name, revision=revision, timeout=_REACH_SECONDS).sha, hub.is_transient
        )
    except GatedRepoError as error:
        raise RequestError(
            f"encoder '{name}' is gated: accept its terms on the hub and log in (`hf auth login`)"
        ) from error
    except RevisionNotFoundError as error:
        raise RequestError(f"encoder '{name}' has no revision '{revision}'") from error
    except RepositoryNotFoundError as error:
        raise RequestError(f"{unknown('encoder', name, ENCODERS)}; the hub has no model of this name either") from error
    except Exception as error:  # offline, timed out, refused: transports raise classes of their own
        cached = try_to_load_from_cache(name, "config.json", revision=revision)
        if isinstance(cached, str):
            log.warning("the hub does not answer; %s is taken as it was cached", name)
            return Path(cached).parent.name
        raise SourceError(
            f"{unknown('encoder', name, ENCODERS)}; the hub did not say whether it has a model of this name "
            f"({hub.said(error)}; {hub.advice(error)}). You may also name a local folder (./{name}), or set "
            f"XTRANSFER_HUB_DIR to a mirror that holds {name}/config.json"
        ) from error
    if commit is None:
        raise SourceError(f"the hub gave no commit for '{name}'; name one: {name}@COMMIT")
    return commit
