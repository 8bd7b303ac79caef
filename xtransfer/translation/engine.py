"""Engines: what turns sentences of one language into another's."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

from xtransfer.data.batches import budget_batches
from xtransfer.errors import RequestError
from xtransfer.stages.spec import Progress, silent
from xtransfer.training.pretrained import Start, fetch, quiet

_MAX_TOKENS = 4096  # source tokens in a batch, padding included; more did not speed the laboratory's model up
_OPUS = re.compile(r"opus-mt-([a-z]{2,3})-([a-z]{2,3})")
LANGUAGES_FILE = "languages.json"  # {"source": "en", "targets": ["de", …]} beside the model's own files


class Engine(Protocol):
    """Translates sentences. Equal sentences get equal translations, in the order in which they came."""

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Progress = silent) -> list[str]:
        """One output per sentence; empty where the engine could not translate it."""
        ...


@dataclass(frozen=True)
class Directions:
    """What a model translates. `marked`: the target is chosen by a leading `>>de<<`, as OPUS-MT's models
    do."""

    source: str
    targets: tuple[str, ...]
    marked: bool


class TransformersEngine:
    """A seq2seq model of Marian's kind, from a local folder or a hub; greedy, or beam search with `beams`
    > 1."""

    def __init__(self, model: Start | str, device: str = "cpu", beams: int = 1, max_tokens: int = _MAX_TOKENS) -> None:
        start = (model, "main") if isinstance(model, str) else model
        folder = fetch(start)
        self.directions = _directions(folder, str(model if isinstance(model, str | Path) else model[0]))
        self._tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        with quiet():
            self._model = AutoModelForSeq2SeqLM.from_pretrained(
                folder, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
            )
        self._model.to(device).eval()
        self._longest = int(self._model.config.max_position_embeddings)
        self._device, self._beams, self._max_tokens = device, beams, max_tokens

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Progress = silent) -> list[str]:
        """Each distinct sentence once, sorted by length. A sentence over the model's length comes back empty.

        Raises RequestError for a direction that the model does not have.
        """
        self._check(source, target)
        mark = f">>{target}<< " if self.directions.marked else ""
        distinct = list(dict.fromkeys(sentences))
        marked = [mark + sentence for sentence in distinct]
        encoded = self._tokenizer(marked, verbose=False)["input_ids"] if distinct else []  # lengths: see below
        fitting = [number for number, ids in enumerate(encoded) if len(ids) <= self._longest]
        made = [""] * len(distinct)
        done = 0
        for batch in budget_batches([len(encoded[number]) for number in fitting], self._max_tokens):
            numbers = [fitting[place] for place in batch]
            for number, text in zip(numbers, self._generate([encoded[number] for number in numbers]), strict=True):
                made[number] = text
            done += len(numbers)
            progress(f"translating to {target}", done, len(fitting))
        found = dict(zip(distinct, made, strict=True))
        return [found[sentence] for sentence in sentences]

    @torch.inference_mode()
    def _generate(self, rows: list[list[int]]) -> list[str]:
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
                forced_eos_token_id=config.forced_eos_token_id,
            ),
        )
        return [text.strip() for text in self._tokenizer.batch_decode(outputs, skip_special_tokens=True)]

    def _check(self, source: str, target: str) -> None:
        able = self.directions
        if source != able.source or target not in able.targets:
            raise RequestError(
                f"this model translates from {able.source} to {', '.join(able.targets)}, not from {source} to {target}"
            )


def _directions(folder: Path, name: str) -> Directions:
    """From the file beside the model, or from an OPUS-MT name; a wrong guess would be garbage that looks
    like text."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "marian":
        raise RequestError(f"{name}: '{config.get('model_type')}' models are not supported, only Marian's")
    file = folder / LANGUAGES_FILE
    if file.exists():
        said = json.loads(file.read_text(encoding="utf-8"))
        return Directions(said["source"], tuple(said["targets"]), marked=True)
    if pair := _OPUS.search(name):
        return Directions(pair[1], (pair[2],), marked=False)
    raise RequestError(
        f"{name}: cannot tell what it translates; put {LANGUAGES_FILE} beside the model, such as "
        '{"source": "en", "targets": ["de"]}, for a model that reads >>de<< before each sentence'
    )
