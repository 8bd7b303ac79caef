"""`xtransfer export-model`: writes or uploads a checkpoint as a plain model, with a card of how it was made."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands.common import AsJson, demand_parent, print_json
from flows.terminal import echo
from xtransfer.base.errors import RequestError
from xtransfer.base.version import __version__

if TYPE_CHECKING:
    from xtransfer.models.plain import Plain
    from xtransfer.models.upload import Repository
    from xtransfer.store.artifacts import Artifact, ArtifactStore

_HUB = "hub:"  # before a repository's name in --to
_SHORTEST = 6  # characters of a key


def command(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A checkpoint folder, or the first characters of a train stage's key in `xtransfer plan --stages`.",
        ),
    ],
    to: Annotated[str, typer.Option(metavar="DIR|hub:OWNER/NAME", help="New folder for the model, or a repository.")],
    head: Annotated[str | None, typer.Option(help="Benchmark whose head it gets, if it has several.")] = None,
    encoder_only: Annotated[
        bool, typer.Option("--encoder-only", help="Without a head: works for every encoder.")
    ] = False,
    public: Annotated[bool, typer.Option("--public", help="hub: everybody may see it; private by default.")] = False,
    force: Annotated[bool, typer.Option("--force", help="hub: replace the files of a repository.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="hub: upload without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a checkpoint as a plain model of transformers or sentence-transformers, or upload it to a hub."""
    from xtransfer.base.disk import new_folder
    from xtransfer.models import upload

    if encoder_only and head is not None:
        raise RequestError("--head names a head, and --encoder-only leaves all out; choose one of the two")
    name = to.removeprefix(_HUB)
    if name == to:
        if public or force or yes:
            raise RequestError(f"--public, --force and --yes are for --to {_HUB}OWNER/NAME")
        demand_parent("--to", Path(to))
        with new_folder(Path(to)) as folder:
            written = _write(checkpoint, folder, head, encoder_only)
        made: dict[str, object] = {"folder": to}
        line = f"{to}: load it with {written.loader}"
    else:
        if not yes and (as_json or not sys.stdin.isatty()):
            raise RequestError("export-model asks before it uploads, which needs a terminal: use --yes to upload "
                               "without asking")  # fmt: skip
        repository = upload.look(name, public=public, force=force)
        with TemporaryDirectory(prefix="xtransfer-upload-") as place:
            written = _write(checkpoint, Path(place), head, encoder_only, name)
            if not as_json:
                _show(repository, upload.check(Path(place)))
            if not (yes or typer.confirm("upload these files?")):
                echo("nothing was uploaded")
                return
            made = {"url": upload.upload(Path(place), repository, f"Exported by xtransfer {__version__}")}
        line = f"{repository.url}: load it with {written.loader}"
    if as_json:
        head_of = written.head.benchmark if written.head else None
        print_json({**made, "loader": written.loader, "head": head_of, "note": written.note or None})
        return
    echo(line)
    if written.note:
        echo(written.note)


def _write(checkpoint: str, folder: Path, head: str | None, encoder_only: bool, where: str = "DIR") -> Plain:
    """Writes a plain model to an empty folder, with a card that says how to load it from `where`."""
    from xtransfer.base.settings import current
    from xtransfer.models import checkpoints, plain
    from xtransfer.store.artifacts import ArtifactStore

    store = ArtifactStore(current().store)
    artifact = None if checkpoint and Path(checkpoint).is_dir() else _found(checkpoint, store)
    loaded = checkpoints.load(Path(checkpoint) if artifact is None else artifact.folder)
    written = plain.write_encoder(loaded, folder) if encoder_only else plain.write(loaded, folder, head)
    if artifact is not None:
        (folder / "README.md").write_text(_card(artifact, written, store, where), encoding="utf-8")
    return written


def _show(repository: Repository, files: Mapping[str, int]) -> None:
    kind = "private" if repository.is_private else "public"
    echo(f"{repository.url} ({kind}{'' if repository.exists else ', new'}):")
    for name, size in files.items():
        echo(f"  {name}  {size / 1e6:.3f} MB{'  (replaced)' if name in repository.files else ''}")
    for name in repository.files:
        if name not in files:
            echo(f"  {name}  (removed)")
    if not repository.is_private:
        echo("Everybody can read it: check the licences of its data in README.md first.")


def _found(text: str, store: ArtifactStore) -> Artifact:
    if len(text) < _SHORTEST:
        raise RequestError(f"checkpoint '{text}': no folder, and a key needs its first {_SHORTEST} characters")
    keys = [key for key in store.keys() if key.startswith(text)]  # noqa: SIM118
    artifact = store.find(keys[0]) if len(keys) == 1 else None
    if artifact is not None and artifact.manifest.kind != "train":
        raise RequestError(f"checkpoint '{text[:80]}': it is the key of '{artifact.manifest.name}', not of a training")
    if artifact is None:
        why = f"{len(keys)} keys in the store start with it" if len(keys) > 1 else "no folder, and no key in the store"
        raise RequestError(
            f"checkpoint '{text[:80]}': {why}; `xtransfer plan STUDY --stages` shows the keys of train stages, "
            "as cached those whose checkpoint is there"
        )
    return artifact


def _card(artifact: Artifact, written: Plain, store: ArtifactStore, where: str) -> str:
    from xtransfer.base.settings import current
    from xtransfer.report.model_card import card
    from xtransfer.results.database import open_database

    with ExitStack() as opened:
        database = None
        with suppress(RequestError):  # there is none
            database = opened.enter_context(open_database(current().database_url, read_only=True))
        return card(artifact, written, store, database, where)
