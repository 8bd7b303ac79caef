"""Tiny untrained models of many languages, of M2M100's architecture, with each family's own tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import sentencepiece
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer, NllbTokenizer

from xtransfer.models.pretrained import quiet

TEXT = ["the red house and the blue tree", "das rote haus und der blaue baum", "la maison rouge et le bateau bleu"]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def make_nllb(folder: Path, positions: int = 64) -> Path:
    """Letters are its subwords."""
    letters = sorted({letter for text in TEXT for letter in text.replace(" ", "▁")})
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *letters])}
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=[])
    tokenizer.save_pretrained(folder)
    return _save(folder, len(vocabulary), len(tokenizer), positions)


def make_m2m100(folder: Path, positions: int = 64) -> Path:
    """A sentencepiece model trained on the spot, and M2M100's vocabulary file, as its repositories have them."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = str(folder / "sentencepiece.bpe")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT), model_prefix=prefix, vocab_size=40, model_type="bpe", minloglevel=2
    )
    (folder / "sentencepiece.bpe.vocab").unlink()
    pieces = sentencepiece.SentencePieceProcessor(model_file=f"{prefix}.model")
    words = [pieces.id_to_piece(number) for number in range(3, pieces.get_piece_size())]
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *words])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    tokenizer = M2M100Tokenizer(str(folder / "vocab.json"), f"{prefix}.model", num_madeup_words=0)
    tokenizer.save_pretrained(folder)
    return _save(folder, len(vocabulary), len(vocabulary) + 100, positions)


def _save(folder: Path, letters: int, vocab_size: int, positions: int) -> Path:
    torch.manual_seed(0)
    config = M2M100Config(
        vocab_size=vocab_size,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=positions,
        init_std=0.5,  # with less, an untrained model says the same to everything
        tie_word_embeddings=True,
    )
    with quiet():
        model = M2M100ForConditionalGeneration(config)
        with torch.no_grad():  # letters, not the end or a language, are what it says next
            model.get_input_embeddings().weight[: len(SPECIAL)] *= 0.1
            model.get_input_embeddings().weight[letters:] *= 0.3
        model.save_pretrained(folder)
    return folder
