"""`xtransfer export-model`: writes a checkpoint as a plain model, with a card that says how it was made."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import AsJson, demand_parent, print_json
from flows.terminal import echo
from xtransfer.base.errors import RequestError

if TYPE_CHECKING:
    from xtransfer.models.plain import Plain
    from xtransfer.store.artifacts import Artifact, ArtifactStore

_SHORTEST = 6  # characters of a key


def command(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A checkpoint folder, or the first characters of a train stage's key in `xtransfer plan`.",
        ),
    ],
    to: Annotated[Path, typer.Option(help="New folder for the model.")],
    head: Annotated[str | None, typer.Option(help="Benchmark whose head it gets, if it has several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a checkpoint as a plain model of transformers or sentence-transformers."""
    from xtransfer.base.disk import new_folder
    from xtransfer.base.settings import current
    from xtransfer.models import checkpoints, plain
    from xtransfer.store.artifacts import ArtifactStore

    demand_parent("--to", to)
    store = ArtifactStore(current().store)
    artifact = None if checkpoint and Path(checkpoint).is_dir() else _found(checkpoint, store)
    loaded = checkpoints.load(Path(checkpoint) if artifact is None else artifact.folder)
    with new_folder(to) as folder:
        written = plain.write(loaded, folder, head)
        if artifact is not None:
            (folder / "README.md").write_text(_card(artifact, written, store), encoding="utf-8")
    if as_json:
        print_json({"folder": to, "loader": written.loader, "head": written.head.benchmark})
        return
    echo(f"{to}: load it with {written.loader}")


def _found(text: str, store: ArtifactStore) -> Artifact:
    if len(text) < _SHORTEST:
        raise RequestError(f"checkpoint '{text}': no folder, and a key needs its first {_SHORTEST} characters")
    keys = [key for key in store.keys() if key.startswith(text)]  # noqa: SIM118
    artifact = store.find(keys[0]) if len(keys) == 1 else None
    if artifact is not None and artifact.manifest.kind != "train":
        raise RequestError(f"checkpoint '{text[:80]}': it is the key of '{artifact.manifest.name}', not of a training")
    if artifact is None:
        why = f"{len(keys)} keys in the store start with it" if len(keys) > 1 else "no folder, and no key in the store"
        raise RequestError(f"checkpoint '{text[:80]}': {why}; `xtransfer plan STUDY` shows the keys of train stages")
    return artifact


def _card(artifact: Artifact, written: Plain, store: ArtifactStore) -> str:
    from xtransfer.base.settings import current
    from xtransfer.report.model_card import card
    from xtransfer.results.database import open_database

    with ExitStack() as opened:
        database = None
        with suppress(RequestError):  # there is none
            database = opened.enter_context(open_database(current().database_url, read_only=True))
        return card(artifact, written, store, database)
