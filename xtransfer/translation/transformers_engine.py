"""Translates with transformers: slower than CTranslate2; float32 on every device, without a conversion."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSeq2SeqLM, BatchEncoding, GenerationConfig, PreTrainedModel

from xtransfer.base.errors import RequestError
from xtransfer.base.hub_files import fetch
from xtransfer.kinds.batches import budget_batches
from xtransfer.models.pretrained import quiet
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.model_tokenizer import ModelTokenizer
from xtransfer.translation.span_matching import Weights, aligning_layer

_MAX_TOKENS = 4096  # source tokens in a batch, padding included; more did not speed up the laboratory's model


def open_engine(folder: Path, name: str, device: str, beams: int) -> TransformersEngine:
    """Returns the engine of a folder with a Marian or M2M100 model."""
    return TransformersEngine(folder, device, beams, name=name)


class TransformersEngine(ModelEngine):
    """A Marian or M2M100 model in a local folder; greedy decoding, or beam search with `beams` > 1.

    `name`: the model's name in errors, by default the folder; an OPUS-MT name also gives its direction.
    """

    def __init__(
        self, folder: Path, device: str = "cpu", beams: int = 1, max_tokens: int = _MAX_TOKENS, name: str = ""
    ) -> None:
        fetch(folder, "AutoModelForSeq2SeqLM")  # refuses pickles
        tokenizer = ModelTokenizer(folder, name or str(folder))
        super().__init__(folder, tokenizer, ("transformers", version("transformers"), "float32", beams))
        self._model = load_model(folder).to(device).eval()  # type: ignore[arg-type]
        self._attention: str = self._model.config._attn_implementation
        self._device, self._beams, self._max_tokens = device, beams, max_tokens

    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        outputs: list[list[int]] = [[] for _ in rows]
        for batch in budget_batches([len(row) for row in rows], self._max_tokens):
            for number, output in zip(batch, self._batch([rows[place] for place in batch], first), strict=True):
                outputs[number] = self._without_padding(output)
        return outputs

    def attend(self, rows: Sequence[Sequence[int]], first: int | None) -> list[tuple[list[int], Weights]]:
        outputs = self.generate(rows, first)
        attended: list[Weights] = [np.zeros((0, 0), dtype=np.float32) for _ in rows]
        self._model.set_attn_implementation("eager")  # the other ones return no weights
        try:
            for batch in budget_batches([len(row) for row in rows], self._max_tokens):
                weights = self._cross_attention([rows[place] for place in batch], [outputs[place] for place in batch])
                for number, own in zip(batch, weights, strict=True):
                    attended[number] = own[: len(outputs[number]), : len(rows[number])]
        finally:
            self._model.set_attn_implementation(self._attention)
        return list(zip(outputs, attended, strict=True))

    @torch.inference_mode()
    def _cross_attention(self, rows: Sequence[Sequence[int]], outputs: Sequence[Sequence[int]]) -> Weights:
        """Returns cross-attention [rows, output tokens, source tokens], padded."""
        start = self._model.generation_config.decoder_start_token_id
        inputs = self._padded(rows)
        decoder_inputs = self._padded([[start, *one] for one in outputs])
        found = self._model(
            **inputs,
            decoder_input_ids=decoder_inputs["input_ids"],
            decoder_attention_mask=decoder_inputs["attention_mask"],
            output_attentions=True,
        ).cross_attentions
        weights: Weights = found[aligning_layer(len(found))].mean(dim=1).float().cpu().numpy()
        return weights

    def _padded(self, rows: Sequence[Sequence[int]]) -> BatchEncoding:
        padded = self.tokenizer.backend.pad({"input_ids": [list(row) for row in rows]}, return_tensors="pt")
        return padded.to(self._device)

    @torch.inference_mode()
    def _batch(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        inputs = self._padded(rows)
        config = self._model.generation_config
        assert config is not None
        outputs = self._model.generate(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            generation_config=GenerationConfig(
                num_beams=self._beams,
                do_sample=False,
                max_new_tokens=self.output_limit(inputs["input_ids"].shape[1]),
                pad_token_id=config.pad_token_id,
                eos_token_id=config.eos_token_id,
                decoder_start_token_id=config.decoder_start_token_id,
                bad_words_ids=config.bad_words_ids,
                forced_bos_token_id=first,
                forced_eos_token_id=config.forced_eos_token_id,
            ),
        )
        generated: list[list[int]] = outputs[:, 1:].tolist()  # without the start token
        return generated

    def _without_padding(self, output: list[int]) -> list[int]:
        end = self.tokenizer.end
        return output[: output.index(end) + 1] if end in output else output


def load_model(folder: Path) -> PreTrainedModel:
    """Returns a folder's model in float32; raises RequestError if its weights do not fit its configuration."""
    with quiet():
        model, info = AutoModelForSeq2SeqLM.from_pretrained(
            folder, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, output_loading_info=True
        )
    if info["missing_keys"]:
        raise RequestError(
            f"{folder}: its weights lack {len(info['missing_keys'])} tensors, first {min(info['missing_keys'])}: "
            "these are not the weights of this configuration"
        )
    loaded: PreTrainedModel = model
    return loaded
