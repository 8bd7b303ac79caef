"""Training a translator on parallel text: one Marian model from one language to several, or back.

A leading token `>>de<<` names the target (Johnson et al. 2017, in OPUS-MT's spelling). The result is a transformers
folder with a `tokenizer.json`: no sentencepiece file and no pickle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast

from xtransfer.base.digest import digest
from xtransfer.base.precision import autocast
from xtransfer.base.randomness import derived, own_randomness
from xtransfer.base.stage import Facts, Progress, identity, no_progress
from xtransfer.models.pretrained import quiet
from xtransfer.models.tokenizer_files import save_tokenizer
from xtransfer.recipes.translator import LANGUAGES_FILE, TranslatorRecipe
from xtransfer.training import cooccurrence
from xtransfer.training.loop import adamw
from xtransfer.training.losses import degenerate, summary
from xtransfer.training.session import Job, train
from xtransfer.training.tokenizer import train_tokenizer
from xtransfer.training.translator_pairs import Languages, Pair, batches_of, languages_of, mark, pairs_of

__all__ = ["TranslatorRecipe", "train_translator"]

_IGNORED = -100  # the label that cross-entropy skips


def train_translator(
    texts: Sequence[dict[str, str]],
    recipe: TranslatorRecipe,
    seed: int,
    out: Path,
    state_dir: Path,
    progress: Progress = no_progress,
    device: str = "cpu",
    *,
    to_english: bool = False,
    save_every: float = 60.0,
) -> Facts:
    """Trains on parallel `texts` (language → sentence) from English to all their other languages, or back to English.

    Writes the model to `out`. Facts: steps, loss_first, loss_last, losses, degenerate, num_texts, languages,
    vocab_size, num_parameters, seconds. Raises RequestError if no text has both English and another language.
    """
    languages = languages_of(texts, to_english)
    progress("tokenizer", 0, recipe.steps)
    tokenizer = _tokenizer(texts, languages.targets, recipe)
    pairs = pairs_of(texts, languages, tokenizer, recipe.max_length)
    model = _model(tokenizer, recipe, seed)
    if recipe.embeddings == "co-occurrence":
        _begin_alike(model, texts, tokenizer, seed)
    if recipe.precision == "bf16":
        model.set_attn_implementation("eager")  # bf16, captions, one core: 177 pairs per second, 119 with sdpa
    nn.Module.to(model, device)
    optimizer = adamw(model, recipe.learning_rate)

    def batches(first: int) -> Iterator[dict[str, Tensor]]:
        for chosen in batches_of(pairs, recipe.batch_size, recipe.by_length, seed, first):
            batch = _collate(chosen, tokenizer.pad_token_id)
            yield {name: tensor.to(device) for name, tensor in batch.items()}

    def loss_of(batch: dict[str, Tensor]) -> Tensor:
        with autocast(recipe.precision, device):
            loss: Tensor = model(**batch).loss
        return loss

    run = digest(identity(recipe), seed, languages.sources, languages.targets, len(pairs))
    job = Job(run, model, optimizer, loss_of, batches, recipe.steps, recipe.warmup, recipe.clip_norm, seed)
    course = train(job, state_dir, progress, device, save_every, message="training the translator")
    _save(out, model, tokenizer, languages)
    return {
        **summary(course.losses),
        "degenerate": degenerate("translator", course.losses, None),
        "num_texts": len(texts),
        "languages": languages.all,
        "vocab_size": len(tokenizer),
        "num_parameters": model.num_parameters(),
        **course.facts,
    }


def _tokenizer(
    texts: Sequence[dict[str, str]], targets: Sequence[str], recipe: TranslatorRecipe
) -> PreTrainedTokenizerFast:
    sentences = [text[language] for text in texts for language in sorted(text)]
    tokenizer = train_tokenizer(sentences, recipe.vocab_size, lowercase=False, max_length=recipe.max_length)
    tokenizer.add_special_tokens({"additional_special_tokens": [mark(language) for language in targets]})
    end = tokenizer.eos_token
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"$A {end}", pair=None, special_tokens=[(end, tokenizer.eos_token_id)]
    )
    return tokenizer


def _model(tokenizer: PreTrainedTokenizerFast, recipe: TranslatorRecipe, seed: int) -> MarianMTModel:
    config = MarianConfig(
        vocab_size=len(tokenizer),
        decoder_vocab_size=len(tokenizer),
        max_position_embeddings=recipe.max_length,
        d_model=recipe.width,
        encoder_layers=recipe.layers,
        decoder_layers=recipe.layers,
        encoder_attention_heads=recipe.heads,
        decoder_attention_heads=recipe.heads,
        encoder_ffn_dim=recipe.feed_forward,
        decoder_ffn_dim=recipe.feed_forward,
        dropout=recipe.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        activation_function="relu",
        scale_embedding=True,
        # Marian's 0.02 is for a width of 512; at a width of 96, positions drown out words and learning starts late.
        # Laboratory, en-de, seed 1, learning rate 5e-3: 44% exact matches after 500 steps with 0.02, 87% after 400
        # with this. (Learning rate 3e-3, 400 steps: 87% for each of seeds 0, 1 and 2.)
        init_std=0.5 * recipe.width**-0.5,
        share_encoder_decoder_embeddings=True,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=tokenizer.bos_token_id,
        decoder_start_token_id=tokenizer.pad_token_id,  # as in Marian models
        forced_eos_token_id=tokenizer.eos_token_id,
    )
    with own_randomness("cpu"):
        torch.manual_seed(derived(seed, "translator"))
        return MarianMTModel(config)


def _begin_alike(
    model: MarianMTModel, texts: Sequence[dict[str, str]], tokenizer: PreTrainedTokenizerFast, seed: int
) -> None:
    """Initialises subwords of the same texts, mostly translations, with similar vectors of the usual norm."""
    # Multi30k, width 256, one seed: loss 5.52 after 80 steps of 32 pairs, 5.95 with random vectors
    written = [[text[language] for language in sorted(text)] for text in texts]
    tokens = [np.concatenate(tokenizer(one, add_special_tokens=False, verbose=False)["input_ids"]) for one in written]
    counted = [one.astype(np.int64) for one in tokens]
    found = cooccurrence.embeddings(counted, len(tokenizer), model.config.d_model, derived(seed, "embeddings"))
    vectors = torch.from_numpy(found)
    known = vectors.norm(dim=1) > 0
    with torch.no_grad():
        table: Tensor = model.get_input_embeddings().weight  # type: ignore[assignment]
        table[known] = vectors[known] * model.config.init_std * model.config.d_model**0.5


def _collate(pairs: list[Pair], pad_id: int) -> dict[str, Tensor]:
    asked = _padded([one for one, _ in pairs], pad_id)
    return {
        "input_ids": asked,
        "attention_mask": (asked != pad_id).long(),
        "labels": _padded([two for _, two in pairs], _IGNORED),
    }


def _padded(rows: list[list[int]], value: int) -> Tensor:
    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def _save(out: Path, model: MarianMTModel, tokenizer: PreTrainedTokenizerFast, languages: Languages) -> None:
    with quiet():
        model.cpu().eval().save_pretrained(out)
    save_tokenizer(tokenizer, out)
    several = len(languages.sources) > 1
    source = {"sources": languages.sources} if several else {"source": languages.sources[0]}
    said = {**source, "targets": languages.targets}
    (out / LANGUAGES_FILE).write_text(json.dumps(said) + "\n", encoding="utf-8")
