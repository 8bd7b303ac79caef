"""The files of a model's folder that loading reads, and the digest that names the model by them."""

from __future__ import annotations

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
    "manifest.json",  # of an artifact of the store
    "trainer_state.json",
    "all_results.json",
    "train_results.json",
    "eval_results.json",
    "LICENSE.txt",
    "NOTICE.txt",
    "README.txt",
    "requirements.txt",
}  # match, and no library reads them


def files_of(folder: Path) -> list[Path]:
    """The files of a model's folder that are ever read."""
    return sorted(path for path in folder.iterdir() if path.is_file() and any(map(path.match, READ)))


def model_digest(folder: Path) -> str:
    """A digest of the names and bytes of the files that decide what is loaded; of an empty list where it is gone.

    A README, a trainer's own state, hidden files and subfolders do not count.
    """
    files = files_of(folder) if folder.is_dir() else []
    named = [path for path in files if path.name not in _NOT_LOADED and not path.name.startswith(".")]
    return digest([(path.name, file_digest(path)) for path in named])
