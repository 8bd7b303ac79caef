"""Engines: what turns sentences of one language into another's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

from xtransfer.data.batches import budget_batches
from xtransfer.errors import RequestError
from xtransfer.stages.spec import Progress, silent
from xtransfer.training.pretrained import Start, fetch, quiet
from xtransfer.translation.families import FAMILIES

_MAX_TOKENS = 4096  # source tokens in a batch, padding included; more did not speed the laboratory's model up
_LONG = 256  # tokens; models of many languages were trained on single sentences and leave parts of longer texts out
_SENTENCE_END = re.compile(r"(?<=[.!?。！？؟।])\s+|(?<=[。！？])")
_NO_BLANKS = ("ja", "km", "my", "th", "yue", "zh")  # written without blanks between sentences
_OPUS = re.compile(r"opus-mt-([a-z]{2,3})-([a-z]{2,3})")
LANGUAGES_FILE = "languages.json"  # {"source": "en", "targets": ["de", …]} beside the model's own files


class Engine(Protocol):
    """Translates sentences. Equal sentences get equal translations, in the order in which they came."""

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Progress = silent) -> list[str]:
        """One output per sentence; empty where the engine could not translate it."""
        ...


@dataclass(frozen=True)
class Directions:
    """What a model translates, and how the target is chosen: by a leading `>>de<<` (`marked`, as OPUS-MT's models
    do), by tokens of both languages (`tokens`), or not at all, where there is only one."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    marked: bool = False
    tokens: Mapping[str, str] = field(default_factory=dict)  # language → token


class TransformersEngine:
    """A seq2seq model of Marian's or M2M100's kind, from a local folder or a hub; greedy, or beam search with
    `beams` > 1."""

    def __init__(self, model: Start | str, device: str = "cpu", beams: int = 1, max_tokens: int = _MAX_TOKENS) -> None:
        start = (model, "main") if isinstance(model, str) else model
        folder = fetch(start, "AutoModelForSeq2SeqLM")
        self._tokenizer = _tokenizer(folder)
        self.directions = _directions(folder, str(model if isinstance(model, str | Path) else model[0]), self._knows)
        self._model = _model(folder).to(device).eval()
        self._longest = int(self._model.config.max_position_embeddings)
        self._device, self._beams, self._max_tokens = device, beams, max_tokens

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Progress = silent) -> list[str]:
        """Each distinct sentence once, sorted by length.

        A model of many languages translates a text of more than 256 tokens sentence by sentence. What is over a
        model's length even so comes back empty. Raises RequestError for a direction that the model does not have.
        """
        self._check(source, target)
        distinct = list(dict.fromkeys(sentences))
        parts = dict(zip(distinct, self._in_parts(distinct, source, target), strict=True))
        pieces = list(dict.fromkeys(piece for several in parts.values() for piece in several))
        found = dict(zip(pieces, self._translated(pieces, source, target, progress), strict=True))
        return [joined([found[piece] for piece in parts[sentence]], target) for sentence in sentences]

    def _in_parts(self, texts: Sequence[str], source: str, target: str) -> list[list[str]]:
        if not self.directions.tokens:
            return [[text] for text in texts]
        lengths = map(len, self._encode(texts, source, target))
        return [sentences_of(text) if length > _LONG else [text] for text, length in zip(texts, lengths, strict=True)]

    def _translated(self, texts: Sequence[str], source: str, target: str, progress: Progress) -> list[str]:
        encoded = self._encode(texts, source, target)
        fitting = [number for number, ids in enumerate(encoded) if len(ids) <= self._longest]
        made = [""] * len(texts)
        done = 0
        for batch in budget_batches([len(encoded[number]) for number in fitting], self._max_tokens):
            numbers = [fitting[place] for place in batch]
            outputs = self._generate([encoded[number] for number in numbers], self._token(target))
            for number, text in zip(numbers, outputs, strict=True):
                made[number] = text
            done += len(numbers)
            progress(f"translating to {target}", done, len(fitting))
        return made

    def _encode(self, texts: Sequence[str], source: str, target: str) -> list[list[int]]:
        """Token ids with the marks of the languages; in full, however long."""
        if not texts:
            return []
        mark = f">>{target}<< " if self.directions.marked else ""
        first = self._token(source)
        marked = [mark + text for text in texts]
        encoded: list[list[int]] = self._tokenizer(marked, add_special_tokens=first is None, verbose=False)["input_ids"]
        return encoded if first is None else [[first, *ids, self._tokenizer.eos_token_id] for ids in encoded]

    def _token(self, language: str) -> int | None:
        token = self.directions.tokens.get(language)
        return None if token is None else int(self._tokenizer.convert_tokens_to_ids(token))

    def _knows(self, token: str) -> bool:
        return self._tokenizer.convert_tokens_to_ids(token) not in (None, self._tokenizer.unk_token_id)

    @torch.inference_mode()
    def _generate(self, rows: list[list[int]], first: int | None) -> list[str]:
        """What the model says to each row; its output begins with the token `first`, where there is one."""
        inputs = self._tokenizer.pad({"input_ids": rows}, return_tensors="pt").to(self._device)
        config = self._model.generation_config
        width = inputs["input_ids"].shape[1]
        outputs = self._model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            generation_config=GenerationConfig(
                num_beams=self._beams,
                do_sample=False,
                max_new_tokens=min(self._longest - 1, 2 * width + 10),  # longer output has lost its way
                pad_token_id=config.pad_token_id,
                eos_token_id=config.eos_token_id,
                decoder_start_token_id=config.decoder_start_token_id,
                bad_words_ids=config.bad_words_ids,
                forced_bos_token_id=first,
                forced_eos_token_id=config.forced_eos_token_id,
            ),
        )
        said = outputs if first is None else outputs[:, 2:]  # after the start and the language
        return [text.strip() for text in self._tokenizer.batch_decode(said, skip_special_tokens=True)]

    def _check(self, source: str, target: str) -> None:
        able = self.directions
        if source not in able.sources or target not in able.targets or source == target:
            raise RequestError(
                f"this model translates from {', '.join(able.sources)} to {', '.join(able.targets)}, "
                f"not from {source} to {target}"
            )


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, as far as their final marks show them."""
    return [part for part in _SENTENCE_END.split(text.strip()) if part] or [text]


def joined(sentences: Sequence[str], language: str) -> str:
    """One text; empty where any sentence is, so that a text is never translated in part."""
    if not all(sentences):
        return ""
    return ("" if language in _NO_BLANKS else " ").join(sentences)


def _directions(folder: Path, name: str, knows: Callable[[str], bool]) -> Directions:
    """From the file beside the model, an OPUS-MT name, or the languages' tokens; a wrong guess would be garbage that
    looks like text."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") == "m2m_100":
        return _many(name, knows)
    if config.get("model_type") != "marian":
        raise RequestError(f"{name}: '{config.get('model_type')}' models are not supported, only Marian's and M2M100's")
    file = folder / LANGUAGES_FILE
    if file.exists():
        said = json.loads(file.read_text(encoding="utf-8"))
        return Directions((said["source"],), tuple(said["targets"]), marked=True)
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


def _model(folder: Path) -> Any:
    with quiet():
        model, info = AutoModelForSeq2SeqLM.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
        )
    if info["missing_keys"]:
        raise RequestError(
            f"{folder}: its weights lack {len(info['missing_keys'])} tensors, first {min(info['missing_keys'])}: "
            "these are not the weights of this configuration"
        )
    return model
