"""Translation with transformers: slower than CTranslate2, in float32 on every device."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForSeq2SeqLM, GenerationConfig

from xtransfer.base.errors import RequestError
from xtransfer.base.hub_files import Start, fetch
from xtransfer.kinds.batches import budget_batches
from xtransfer.models.pretrained import quiet
from xtransfer.translation.alignment import Weights, aligning_layer
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.reader import Reader

_MAX_TOKENS = 4096  # source tokens in a batch, padding included; more did not speed the laboratory's model up


class TransformersEngine(ModelEngine):
    """A seq2seq model of Marian's or M2M100's kind, from a local folder or a hub; greedy, or beam search with
    `beams` > 1."""

    def __init__(self, model: Start | str, device: str = "cpu", beams: int = 1, max_tokens: int = _MAX_TOKENS) -> None:
        start = (model, "main") if isinstance(model, str) else model
        folder = fetch(start, "AutoModelForSeq2SeqLM")
        reader = Reader(folder, str(start if isinstance(start, Path) else start[0]))
        super().__init__(folder, reader, ("transformers", version("transformers"), "float32", beams))
        self._model = load_model(folder).to(device).eval()
        self._attention = self._model.config._attn_implementation
        self._device, self._beams, self._max_tokens = device, beams, max_tokens

    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        said: list[list[int]] = [[] for _ in rows]
        for batch in budget_batches([len(row) for row in rows], self._max_tokens):
            for number, output in zip(batch, self._batch([rows[place] for place in batch], first), strict=True):
                said[number] = self._to_the_end(output)
        return said

    def attend(self, rows: Sequence[Sequence[int]], first: int | None) -> list[tuple[list[int], Weights]]:
        said = self.generate(rows, first)
        attended: list[Weights] = [np.zeros((0, 0), dtype=np.float32) for _ in rows]
        self._model.set_attn_implementation("eager")  # the other ones keep no weights
        try:
            for batch in budget_batches([len(row) for row in rows], self._max_tokens):
                weights = self._looked([rows[place] for place in batch], [said[place] for place in batch])
                for number, own in zip(batch, weights, strict=True):
                    attended[number] = own[: len(said[number]), : len(rows[number])]
        finally:
            self._model.set_attn_implementation(self._attention)
        return list(zip(said, attended, strict=True))

    @torch.inference_mode()
    def _looked(self, rows: Sequence[Sequence[int]], said: Sequence[Sequence[int]]) -> Weights:
        """[rows, tokens said, tokens of the row], padded."""
        config = self._model.generation_config
        inputs = self._padded(rows)
        outputs = self._padded([[config.decoder_start_token_id, *one] for one in said])
        found = self._model(
            **inputs,
            decoder_input_ids=outputs["input_ids"],
            decoder_attention_mask=outputs["attention_mask"],
            output_attentions=True,
        ).cross_attentions
        weights: Weights = found[aligning_layer(len(found))].mean(dim=1).float().cpu().numpy()
        return weights

    def _padded(self, rows: Sequence[Sequence[int]]) -> Any:
        padded = self.reader.tokenizer.pad({"input_ids": [list(row) for row in rows]}, return_tensors="pt")
        return padded.to(self._device)

    @torch.inference_mode()
    def _batch(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        inputs = self._padded(rows)
        config = self._model.generation_config
        outputs = self._model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            generation_config=GenerationConfig(
                num_beams=self._beams,
                do_sample=False,
                max_new_tokens=self.most(inputs["input_ids"].shape[1]),
                pad_token_id=config.pad_token_id,
                eos_token_id=config.eos_token_id,
                decoder_start_token_id=config.decoder_start_token_id,
                bad_words_ids=config.bad_words_ids,
                forced_bos_token_id=first,
                forced_eos_token_id=config.forced_eos_token_id,
            ),
        )
        said: list[list[int]] = outputs[:, 1:].tolist()  # after the start
        return said

    def _to_the_end(self, said: list[int]) -> list[int]:
        """Without the padding behind the end."""
        end = self.reader.end
        return said[: said.index(end) + 1] if end in said else said


def load_model(folder: Path) -> Any:
    """The model of a folder, in float32; raises RequestError where its weights are not those of its configuration."""
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
