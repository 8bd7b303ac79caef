"""Reads an encoder's tokenizer from its folder, checks it, and writes it to another."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from xtransfer.base.digest import digest, file_digest
from xtransfer.base.errors import RequestError, in_short

_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".ot", ".gguf")
_OURS = {"manifest.json", "head.json"}
_FAST = "tokenizer.json"
_SAMPLE = ("The house is red.", "Das Haus hat 3 Türen.")
_last_read: dict[str, PreTrainedTokenizerBase] = {}  # digest of its files → the last tokenizer


def read_tokenizer(folder: Path, rows: int, causal: bool) -> PreTrainedTokenizerBase:
    """Returns the tokenizer of an encoder with `rows` token embeddings; `causal`: padding may be any token.

    Raises RequestError if it cannot be read, does not fit the encoder, has no padding, or would encode texts otherwise
    once a checkpoint has it.
    """
    try:
        tokenizer = _read_once(folder)
    except RequestError:
        raise
    except Exception as error:  # the libraries raise whatever a value leads to
        raise RequestError(
            f"{folder}: its tokenizer cannot be read ({in_short(error)}); a {_FAST} is needed"
        ) from error
    if len(tokenizer) > rows:
        raise RequestError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens, but the encoder only {rows} embeddings: "
            "they do not belong together"
        )
    if tokenizer.pad_token_id is None and causal:  # many decoders have none, and padding is masked
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        raise RequestError(f"{folder}: the tokenizer has no padding token, so rows cannot be batched")
    return tokenizer


def _read_once(folder: Path) -> PreTrainedTokenizerBase:
    """Reads a tokenizer, unless the last one was read from the same files: the checkpoints of a study share it, and a
    vocabulary of 250,000 pieces takes two seconds, of the twenty that scoring a thousand rows takes."""
    files = [file for file in sorted(folder.glob("*")) if file.is_file() and file.suffix not in _WEIGHTS]
    found = digest(*((file.name, file_digest(file)) for file in files if file.name not in _OURS))
    if found not in _last_read:
        read = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        if not (folder / _FAST).is_file():
            _demand_same_once_saved(read, folder)
        _last_read.clear()
        _last_read[found] = read
    return _last_read[found]


def _demand_same_once_saved(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Raises RequestError if a tokenizer that is converted as it is read, as RemBERT's is, loses its special tokens or
    others on the way: checkpoints would be scored on other inputs than they were trained on."""
    with TemporaryDirectory(prefix="xtransfer-tokenizer-") as place:
        save_tokenizer(tokenizer, Path(place))
        again = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    before, after = (one.convert_ids_to_tokens(one(*_SAMPLE)["input_ids"]) for one in (tokenizer, again))
    if before != after:
        raise RequestError(
            f"{folder}: it has no {_FAST}, and its tokenizer, read from other files, encodes a pair of texts as "
            f"{' '.join(before[:4])} …, and once it is saved as {' '.join(after[:4])} …; add a {_FAST} that its "
            "authors or you have checked"
        )


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes a tokenizer to `folder`, without the truncation and padding of its last call.

    They would be there or not by whether rows were encoded in this process or found in the cache, and other programs
    would cut texts by them.
    """
    if (backend := getattr(tokenizer, "backend_tokenizer", None)) is not None:
        backend.no_truncation()
        backend.no_padding()
    tokenizer.save_pretrained(folder)
