"""Tokenization for translation models: which languages a model translates, and how it is told which ones.

Models of the architecture M2M100 are many-to-many: the source text begins with a token of its language, and the output
with one of the target's.
  m2m100  Fan et al. 2021: `__de__`, with ISO 639 codes
  nllb    NLLB Team 2022: `deu_Latn`, the codes of FLORES-200
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from xtransfer.base.errors import RequestError
from xtransfer.base.languages import FLORES, codes
from xtransfer.recipes.translator import LANGUAGES_FILE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_M2M100 = codes(
    "af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht hu "
    "hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no oc or pa pl ps pt ro "
    "ru sd si sk sl so sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu"
)

FAMILIES: Mapping[str, Mapping[str, str]] = {
    "m2m100": {code: f"__{code}__" for code in _M2M100},
    "nllb": {**FLORES, "sat": "sat_Beng"},  # its token; its Santali is in Ol Chiki, as in FLORES-200
}  # family → our language code → the model's token

_DIRECTIONS_FILE = "directions.json"  # `Directions`, beside a converted model
_OPUS = re.compile(r"opus-mt-([a-z]{2,3})-([a-z]{2,3})")
_BLANK = "▁"  # how sentencepiece writes the blank before a token
_TEXTS_PER_CALL = 4096  # of the tokenizer, to bound its memory


def languages_of(family: str) -> tuple[str, ...]:
    """Returns the languages of a family, English first, since studies translate from it."""
    return ("en", *(code for code in FAMILIES[family] if code != "en"))


@dataclass(frozen=True)
class Directions:
    """The directions of a model, and how it is told the target.

    By a prefix `>>de<<` (`marked`, as in multilingual OPUS-MT models), by tokens of both languages (`tokens`), or not
    at all if there is only one target.
    """

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
        """Writes them beside a model's files, where `ModelTokenizer` finds them."""
        (folder / _DIRECTIONS_FILE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")


class ModelTokenizer:
    """Converts sentences to token ids and back; knows what the model needs to know about languages."""

    def __init__(self, folder: Path, name: str) -> None:
        """`name`: the model's name in errors; an OPUS-MT name also gives its direction."""
        self.backend = _load(folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.directions = _directions(folder, config.get("model_type"), name, self._knows)
        self.longest = int(config["max_position_embeddings"])  # tokens of a sentence, special tokens included

    def encode(self, texts: Sequence[str], source: str, target: str) -> list[array[int]]:
        """Returns token ids of each text with the tokens of its languages, not truncated."""
        mark = f">>{target}<< " if self.directions.marked else ""
        first = self.language_token(source)
        encoded: list[array[int]] = []
        for start in range(0, len(texts), _TEXTS_PER_CALL):
            marked = [mark + text.replace("\n", " ") for text in texts[start : start + _TEXTS_PER_CALL]]
            rows = self.backend(marked, add_special_tokens=first is None, verbose=False)["input_ids"]
            encoded += [array("i", row if first is None else [first, *row, self.end]) for row in rows]
        return encoded

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """Returns texts without special tokens and outer blanks."""
        return [
            text.strip() for text in self.backend.batch_decode([list(row) for row in rows], skip_special_tokens=True)
        ]

    def pieces(self, row: Sequence[int]) -> list[str]:
        """Returns the characters of the text for each token, without blanks; empty for special tokens."""
        special = set(self.backend.all_special_ids)
        tokens = self.backend.convert_ids_to_tokens(list(row))
        return [
            "" if number in special else token.replace(_BLANK, "") for number, token in zip(row, tokens, strict=True)
        ]

    def language_token(self, language: str) -> int | None:
        """Returns the id of a language's token; None for models without such tokens."""
        token = self.directions.tokens.get(language)
        return None if token is None else self._id(token)

    @property
    def end(self) -> int:
        """The id of the token that ends a sentence."""
        found = self.backend.eos_token_id
        assert isinstance(found, int)
        return found

    def _id(self, token: str) -> int | None:
        found = self.backend.convert_tokens_to_ids(token)
        return found if isinstance(found, int) else None

    def _knows(self, token: str) -> bool:
        return self._id(token) not in (None, self.backend.unk_token_id)


def _directions(folder: Path, model_type: str | None, name: str, knows: Callable[[str], bool]) -> Directions:
    """Returns directions from the files beside the model, an OPUS-MT name, or the tokenizer's language tokens.

    They are never guessed: a wrong direction gives garbage that looks like text.
    """
    if (file := folder / _DIRECTIONS_FILE).exists():
        known = json.loads(file.read_text(encoding="utf-8"))
        return Directions(tuple(known["sources"]), tuple(known["targets"]), known["marked"], known["tokens"])
    if model_type == "m2m_100":
        return _many_to_many(name, knows)
    if model_type != "marian":
        raise RequestError(f"{name}: '{model_type}' models are not supported, only Marian and M2M100 models")
    if (file := folder / LANGUAGES_FILE).exists():
        stated = json.loads(file.read_text(encoding="utf-8"))
        sources = stated["sources"] if "sources" in stated else [stated["source"]]
        return Directions(tuple(sources), tuple(stated["targets"]), marked=True)
    if pair := _OPUS.search(name):
        return Directions((pair[1],), (pair[2],))
    raise RequestError(
        f"{name}: its languages are unknown; put {LANGUAGES_FILE} beside the model, such as "
        '{"source": "en", "targets": ["de"]}, for a model that reads >>de<< before each sentence'
    )


def _many_to_many(name: str, knows: Callable[[str], bool]) -> Directions:
    """Returns the directions between all languages whose tokens the tokenizer has."""
    for tokens in FAMILIES.values():
        known = {code: token for code, token in tokens.items() if knows(token)}
        if len(known) > 1:
            return Directions(tuple(known), tuple(known), tokens=known)
    shapes = " or ".join(tokens["de"] for tokens in FAMILIES.values())
    raise RequestError(f"{name}: its tokenizer has no language tokens such as {shapes}, so it is not a translator")


def _load(folder: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer  # not needed to plan a study

    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        return tokenizer
    except (ValueError, OSError, ImportError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RequestError(f"{folder}: its tokenizer cannot be read ({reason})") from error
