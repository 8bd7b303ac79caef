"""The files in a model's folder that are loaded, and the digest of a model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from xtransfer.base.digest import digest
from xtransfer.base.remembered_digests import file_digest

READ = (
    "*.json",
    "*.safetensors",
    "*.model",
    "*.spm",
    "*.txt",
)  # weights, settings and tokenizers; never code or pickles
_NOT_LOADED = {
    "manifest.json",  # of an artifact
    "trainer_state.json",
    "all_results.json",
    "train_results.json",
    "eval_results.json",
    "LICENSE.txt",
    "NOTICE.txt",
    "README.txt",
    "requirements.txt",
}  # match READ, but no library reads them


PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")  # can run code when loaded


def only_pickles(names: Iterable[str]) -> list[str]:
    """Returns the pickles among a model's files, given by name, sorted; none if it has weights in safetensors."""
    own = [name for name in names if "/" not in name]
    if any(name.endswith(".safetensors") for name in own):
        return []
    return sorted(name for name in own if any(map(Path(name).match, PICKLES)))


def files_of(folder: Path) -> list[Path]:
    """Returns the files in a model's folder that can be read, sorted."""
    return sorted(path for path in folder.iterdir() if path.is_file() and any(map(path.match, READ)))


def model_digest(folder: Path) -> str:
    """Returns a digest of the names and bytes of the files that affect loading; of no files if the folder is gone.

    READMEs, trainer state, hidden files and subfolders do not count.
    """
    files = files_of(folder) if folder.is_dir() else []
    named = [path for path in files if path.name not in _NOT_LOADED and not path.name.startswith(".")]
    return digest([(path.name, file_digest(path)) for path in named])
