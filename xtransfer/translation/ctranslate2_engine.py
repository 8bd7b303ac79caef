"""Translation with CTranslate2: the default, several times as fast as transformers on a CPU."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import torch

from xtransfer.translation.alignment import Weights
from xtransfer.translation.convert import MODEL, VOCABULARY, number_format_of
from xtransfer.translation.engine import ModelEngine
from xtransfer.translation.numbers import computed_in
from xtransfer.translation.reader import Reader

_MAX_TOKENS = {"cpu": 2048, "cuda": 16_384}  # source tokens in a batch, padding included
_STEP = 16  # tokens; sentences whose lengths agree in this are translated in one call, which has one limit


class CTranslate2Engine(ModelEngine):
    """A model that `convert` made; greedy, or beam search with `beams` > 1. On the CPU, as many batches at a time as
    torch may use threads."""

    def __init__(self, folder: Path, device: str = "cpu", beams: int = 1, max_tokens: int | None = None) -> None:
        kind, _, index = device.partition(":")
        able = ctranslate2.get_supported_compute_types(kind)
        self.computed_in = computed_in(number_format_of(folder), kind, able)
        decoding = ("ctranslate2", ctranslate2.__version__, self.computed_in, beams)
        super().__init__(folder, Reader(folder, str(folder)), decoding)
        threads = torch.get_num_threads() if kind == "cpu" else 1
        self._model: Any = ctranslate2.Translator(
            str(folder / MODEL),
            device=kind,
            device_index=int(index or 0),
            compute_type=self.computed_in,
            inter_threads=threads,
            intra_threads=1,
        )
        self._tokens: list[str] = json.loads((folder / MODEL / VOCABULARY).read_text(encoding="utf-8"))
        self._ids = {token: number for number, token in enumerate(self._tokens)}
        pad = self.reader.tokenizer.pad_token_id
        self._never = [[self._tokens[pad]]]  # a Marian model begins with it; transformers never lets one go on so
        self._beams = beams
        self._max_tokens = max_tokens or _MAX_TOKENS[kind]

    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        return [said for alike, most in _alike(rows, self.most) for said in self._call(alike, first, most)]

    def attend(self, rows: Sequence[Sequence[int]], first: int | None) -> list[tuple[list[int], Weights]]:
        return [
            (self._said(result), np.array(result.attention[0], dtype=np.float32))
            for alike, most in _alike(rows, self.most)
            for result in self._results(alike, first, most, return_attention=True)
        ]

    def _call(self, rows: list[Sequence[int]], first: int | None, most: int) -> list[list[int]]:
        return [self._said(result) for result in self._results(rows, first, most)]

    def _said(self, result: Any) -> list[int]:
        return [self._ids[token] for token in result.hypotheses[0]]

    def _results(
        self, rows: list[Sequence[int]], first: int | None, most: int, return_attention: bool = False
    ) -> list[Any]:
        results: list[Any] = self._model.translate_batch(
            [[self._tokens[number] for number in row] for row in rows],
            target_prefix=None if first is None else [[self._tokens[first]]] * len(rows),
            max_batch_size=self._max_tokens,
            batch_type="tokens",
            beam_size=self._beams,
            max_decoding_length=most,
            max_input_length=0,  # no limit: nothing is cut, longer sentences do not get here
            return_end_token=True,
            suppress_sequences=self._never,
            return_attention=return_attention,
        )
        return results


def _alike(rows: Sequence[Sequence[int]], most: Callable[[int], int]) -> Iterator[tuple[list[Sequence[int]], int]]:
    """Neighbouring rows of about one length, and how many tokens each may become."""
    for step, alike in groupby(rows, lambda row: -(-len(row) // _STEP)):
        yield list(alike), most(step * _STEP)
