"""A seq2seq model's tokenizer, and the languages between which the model translates."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from xtransfer.base.errors import RequestError
from xtransfer.translation.families import FAMILIES

# Beside the model's own files: {"source": "en", "targets": ["de", …]}, or {"sources": ["de", …], "targets": ["en"]}.
LANGUAGES_FILE = "languages.json"
_DIRECTIONS_FILE = "directions.json"  # `Directions` of a model that was converted
_OPUS = re.compile(r"opus-mt-([a-z]{2,3})-([a-z]{2,3})")
_BLANK = "▁"  # how subwords of sentencepiece, and of tokenizers like it, write the blank before them
_TEXTS_PER_CALL = 4096  # of the tokenizer: bounds what it holds beside the result


@dataclass(frozen=True)
class Directions:
    """What a model translates, and how the target is chosen: by a leading `>>de<<` (`marked`, as OPUS-MT's models
    do), by tokens of both languages (`tokens`), or not at all, where there is only one."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    marked: bool = False
    tokens: Mapping[str, str] = field(default_factory=dict)  # language → token

    def check(self, source: str, target: str) -> None:
        """Raises RequestError for a direction that the model does not have."""
        if source not in self.sources or target not in self.targets or source == target:
            raise RequestError(
                f"this model translates from {', '.join(self.sources)} to {', '.join(self.targets)}, "
                f"not from {source} to {target}"
            )

    def save(self, folder: Path) -> None:
        """Write them beside a model's files, where `Reader` finds them."""
        (folder / _DIRECTIONS_FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


class Reader:
    """Sentences to token ids and back; `name` is what errors and OPUS-MT's directions go by."""

    def __init__(self, folder: Path, name: str) -> None:
        self.tokenizer = _tokenizer(folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.directions = _directions(folder, config, name, self._knows)
        self.longest = int(config["max_position_embeddings"])  # tokens of a sentence, marks and end included

    def encode(self, texts: Sequence[str], source: str, target: str) -> list[array[int]]:
        """Token ids with the marks of the languages; in full, however long."""
        mark = f">>{target}<< " if self.directions.marked else ""
        first = self.token(source)
        encoded: list[array[int]] = []
        for start in range(0, len(texts), _TEXTS_PER_CALL):
            marked = [mark + text.replace("\n", " ") for text in texts[start : start + _TEXTS_PER_CALL]]
            rows = self.tokenizer(marked, add_special_tokens=first is None, verbose=False)["input_ids"]
            encoded += [array("i", row if first is None else [first, *row, self.end]) for row in rows]
        return encoded

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Texts without special tokens and outer blanks."""
        return [text.strip() for text in self.tokenizer.batch_decode(rows, skip_special_tokens=True)]

    def pieces(self, row: Sequence[int]) -> list[str]:
        """What of a text each token is, without blanks; empty for special tokens."""
        special = set(self.tokenizer.all_special_ids)
        tokens = self.tokenizer.convert_ids_to_tokens(list(row))
        return [
            "" if number in special else token.replace(_BLANK, "") for number, token in zip(row, tokens, strict=True)
        ]

    def token(self, language: str) -> int | None:
        """The token that names a language, of a model that has such tokens."""
        token = self.directions.tokens.get(language)
        return None if token is None else int(self.tokenizer.convert_tokens_to_ids(token))

    @property
    def end(self) -> int:
        """The token that ends a sentence."""
        return int(self.tokenizer.eos_token_id)

    def _knows(self, token: str) -> bool:
        return self.tokenizer.convert_tokens_to_ids(token) not in (None, self.tokenizer.unk_token_id)


def _directions(folder: Path, config: Mapping[str, Any], name: str, knows: Callable[[str], bool]) -> Directions:
    """From the files beside the model, an OPUS-MT name, or the languages' tokens; a wrong guess would be garbage that
    looks like text."""
    if (file := folder / _DIRECTIONS_FILE).exists():
        known = json.loads(file.read_text(encoding="utf-8"))
        return Directions(tuple(known["sources"]), tuple(known["targets"]), known["marked"], known["tokens"])
    if config.get("model_type") == "m2m_100":
        return _many(name, knows)
    if config.get("model_type") != "marian":
        raise RequestError(f"{name}: '{config.get('model_type')}' models are not supported, only Marian's and M2M100's")
    if (file := folder / LANGUAGES_FILE).exists():
        said = json.loads(file.read_text(encoding="utf-8"))
        sources = said["sources"] if "sources" in said else [said["source"]]
        return Directions(tuple(sources), tuple(said["targets"]), marked=True)
    if pair := _OPUS.search(name):
        return Directions((pair[1],), (pair[2],))
    raise RequestError(
        f"{name}: cannot tell what it translates; put {LANGUAGES_FILE} beside the model, such as "
        '{"source": "en", "targets": ["de"]}, for a model that reads >>de<< before each sentence'
    )


def _many(name: str, knows: Callable[[str], bool]) -> Directions:
    """Of a model of many languages: those whose tokens its tokenizer has."""
    for tokens in FAMILIES.values():
        known = {code: token for code, token in tokens.items() if knows(token)}
        if len(known) > 1:
            return Directions(tuple(known), tuple(known), tokens=known)
    shapes = " or ".join(tokens["de"] for tokens in FAMILIES.values())
    raise RequestError(f"{name}: its tokenizer has no tokens of languages such as {shapes}; it is no translator")


def _tokenizer(folder: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except (ValueError, OSError, ImportError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RequestError(f"{folder}: its tokenizer cannot be read ({reason})") from error
