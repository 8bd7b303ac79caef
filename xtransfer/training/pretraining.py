"""Pretrains a small multilingual encoder from raw text in several languages.

Objectives: masked language modelling (Devlin et al. 2019), on pairs of translations if the text is parallel
(translation language modelling, Conneau & Lample 2019); and corruption detection: the second sentence of a pair was
changed or belongs to another text, and the model predicts which tokens are wrong (replaced-token detection, Clark et
al. 2020; on translations XLM-E, Chi et al. 2022) and whether any is. Embeddings start from co-occurrence statistics.
The result is an ordinary transformers folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaForMaskedLM

from xtransfer.base.digest import digest
from xtransfer.base.stage import Facts
from xtransfer.models.pretrained import quiet
from xtransfer.models.tokenizer_files import save_tokenizer
from xtransfer.models.tokenizer_layout import BOS, EOS, PAD, SPECIAL_TOKENS
from xtransfer.models.unpadded.modules import Encoder
from xtransfer.recipes.pretraining_recipe import PretrainingRecipe
from xtransfer.training.cooccurrence import Ints, embeddings, neighbour_profiles
from xtransfer.training.corruption import Corruptor
from xtransfer.training.pretraining_batches import Batch, Corpus, Sampler
from xtransfer.training.tokenizer import train_tokenizer

Progress = Callable[[str, int, int, dict[str, float]], None]
_STATE_SECONDS = 30.0
_TOKENIZER_SENTENCES = 200_000  # more text does not change the merges of a small vocabulary


def pretrain(
    texts: list[dict[str, str]],
    recipe: PretrainingRecipe,
    seed: int,
    out: Path,
    progress: Progress | None = None,
    state_dir: Path | None = None,
) -> Facts:
    """Pretrains on `texts` (language -> sentence; several languages in one are translations) and writes to `out`.

    With `state_dir`, an interrupted run resumes from there and ends with the same weights. Returns the facts of the
    run.
    """
    started = time.monotonic()
    report = progress or (lambda message, done, total, metrics: None)
    report("tokenizer", 0, recipe.steps, {})
    sentences = [sentence for text in texts for sentence in text.values()]
    tokenizer = train_tokenizer(
        _some(sentences, _TOKENIZER_SENTENCES, seed), recipe.vocab_size, recipe.lowercase, recipe.max_length
    )
    longest = (recipe.max_length - 5) // 2  # leaves room for four special tokens and one that corruption may insert
    corpus = Corpus(texts, _encode(tokenizer, sentences, longest))
    report("co-occurrence", 0, recipe.steps, {})
    profiles = neighbour_profiles(corpus.sentences, len(tokenizer), seed)
    sampler = Sampler(corpus, Corruptor(corpus.sentences, profiles), recipe, seed)
    learner = Learner(recipe, len(tokenizer), seed)
    if corpus.parallel:
        together = [np.concatenate([corpus.sentences[row] for row in text]) for text in corpus.parallel]
        start = embeddings(together, len(tokenizer), recipe.hidden_size, seed)
        learner.start_embeddings(torch.from_numpy(start) * recipe.embedding_norm)
    state = None if state_dir is None else state_dir / "pretraining.pt"
    metrics = _train(learner, sampler, recipe, state, report)
    out.mkdir(parents=True, exist_ok=True)
    with quiet():
        learner.model.save_pretrained(out)
        save_tokenizer(tokenizer, out)
    return {
        **metrics,
        "steps": recipe.steps,
        "num_texts": len(texts),
        "num_sentences": len(sentences),
        "vocab_size": len(tokenizer),
        "num_parameters": sum(weight.numel() for weight in learner.model.parameters()),
        "seconds": round(time.monotonic() - started, 1),
    }


def _some(sentences: list[str], most: int, seed: int) -> list[str]:
    """Returns all sentences, or a random sample of `most` in their order."""
    if len(sentences) <= most:
        return sentences
    chosen = np.random.default_rng(seed).choice(len(sentences), most, replace=False)
    return [sentences[index] for index in np.sort(chosen)]


def _encode(tokenizer: PreTrainedTokenizerFast, sentences: list[str], longest: int) -> list[Ints]:
    rows: list[Ints] = []
    for start in range(0, len(sentences), 10_000):
        batch = tokenizer(
            sentences[start : start + 10_000], add_special_tokens=False, truncation=True, max_length=longest
        )
        rows += [np.asarray(ids, dtype=np.int64) for ids in batch["input_ids"]]
    return rows


class Learner(nn.Module):
    """The encoder with its language-modelling head, and two detection heads that are discarded after training."""

    def __init__(self, recipe: PretrainingRecipe, vocab_size: int, seed: int) -> None:
        super().__init__()
        config = XLMRobertaConfig(
            vocab_size=vocab_size,
            hidden_size=recipe.hidden_size,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.heads,
            intermediate_size=recipe.intermediate_size,
            max_position_embeddings=recipe.max_length + PAD + 1,
            hidden_dropout_prob=recipe.dropout,
            attention_probs_dropout_prob=recipe.dropout,
            type_vocab_size=1,
            bos_token_id=BOS,
            pad_token_id=PAD,
            eos_token_id=EOS,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = XLMRobertaForMaskedLM(config)
            size = recipe.hidden_size
            self.token_head = nn.Sequential(nn.Linear(size, size), nn.GELU(), nn.Linear(size, 1))
            self.sequence_head = nn.Sequential(nn.Linear(size, size), nn.Tanh(), nn.Linear(size, 1))
            self._start_attention(recipe.similarity_start)
            nn.init.eye_(self.model.lm_head.dense.weight)  # at the start, a state predicts the token it resembles
        self._start_positions(recipe.position_norm)
        self.recipe = recipe

    def _start_attention(self, sharpness: float) -> None:
        """Initialises queries and keys with equal projections (mimetic initialisation, Trockman & Kolter 2023)."""
        for layer in cast(Encoder, self.model.roberta).encoder.layer if sharpness else ():
            attention = layer.attention.self
            with torch.no_grad():
                nn.init.orthogonal_(attention.query.weight, gain=sharpness)
                attention.key.weight.copy_(attention.query.weight)

    def _start_positions(self, norm: float) -> None:
        table = cast(Encoder, self.model.roberta).embeddings.position_embeddings.weight
        size = table.shape[1]
        if norm:
            rates = 1000.0 ** (-torch.arange(0, size, 2) / size)
            angles = torch.arange(len(table))[:, None] * rates
            waves = torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)
            with torch.no_grad():
                table.copy_(waves * norm / (size / 2) ** 0.5)

    def start_embeddings(self, values: Tensor) -> None:
        """Initialises embeddings from the nonzero rows of `values`; other tokens stay random, at half the length."""
        table = self.model.get_input_embeddings().weight
        assert isinstance(table, Tensor)
        known = values.norm(dim=1) > 0
        known[: len(SPECIAL_TOKENS)] = False
        with torch.no_grad():
            table.mul_(self.recipe.embedding_norm / 2 / table.norm(dim=1, keepdim=True).clamp_min(1e-6))
            table[known] = values[known]
            table[PAD] = 0

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, float]]:
        hidden = self.model.roberta(input_ids=batch.ids, attention_mask=batch.attention).last_hidden_state
        recipe, loss, metrics = self.recipe, hidden.new_zeros(()), {}
        if len(batch.original):
            masked = nn.functional.cross_entropy(self.model.lm_head(hidden[batch.masked]), batch.original)
            loss = loss + masked
            metrics["masked_loss"] = masked.item()
        for name, head, states, labels, weight in (
            ("token", self.token_head, hidden, batch.wrong, recipe.token_detection_weight),
            ("sequence", self.sequence_head, hidden[:, 0], batch.altered, recipe.sequence_detection_weight),
        ):
            asked = labels >= 0
            if asked.any():
                scores, truth = head(states[asked]).squeeze(-1), labels[asked].float()
                loss = loss + weight * nn.functional.binary_cross_entropy_with_logits(scores, truth)
                right = (scores > 0) == (truth > 0.5)
                metrics[f"{name}_accuracy"] = right.float().mean().item()
                if name == "token":
                    metrics["token_recall"] = right[truth > 0.5].float().mean().item()
        return loss, metrics


def _train(
    learner: Learner, sampler: Sampler, recipe: PretrainingRecipe, state: Path | None, report: Progress
) -> dict[str, float]:
    optimizer = _optimizer(learner, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    done, averages = 0, {}
    run = digest(recipe.model_dump(mode="json"), sampler.seed, len(sampler.corpus.sentences))
    saved = torch.load(state, weights_only=True) if state is not None and state.exists() else {}
    if saved.get("run") == run:  # a state of another run is ignored
        learner.load_state_dict(saved["learner"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        done, averages = saved["done"], saved["averages"]
    saved_at = time.monotonic()
    learner.train()
    with torch.random.fork_rng(devices=[]):
        for step in range(done, recipe.steps):
            torch.manual_seed(sampler.seed * 1_000_003 + step)  # so that dropout, too, depends only on the step
            loss, metrics = learner(sampler.batch(step))
            loss.backward()
            nn.utils.clip_grad_norm_(learner.parameters(), recipe.clip_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            for name, value in metrics.items():
                averages[name] = value if step == 0 else averages.get(name, value) * 0.98 + value * 0.02
            if (step + 1) % 50 == 0 or step + 1 == recipe.steps:
                report("pretraining", step + 1, recipe.steps, dict(averages))
            if state is not None and time.monotonic() - saved_at > _STATE_SECONDS:
                _save_state(state, run, learner, optimizer, schedule, step + 1, averages)
                saved_at = time.monotonic()
    return {name: round(value, 4) for name, value in averages.items()}


def _optimizer(learner: Learner, recipe: PretrainingRecipe) -> torch.optim.AdamW:
    table = learner.model.get_input_embeddings().weight
    others = [weight for weight in learner.parameters() if weight is not table]
    groups: list[dict[str, object]] = [
        {"params": [weight for weight in others if weight.ndim > 1]},
        {"params": [weight for weight in others if weight.ndim <= 1], "weight_decay": 0.0},
        {"params": [table], "lr": recipe.learning_rate * recipe.embedding_lr_scale, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98))


def _rate(step: int, recipe: PretrainingRecipe) -> float:
    """Returns the learning rate factor: linear warm-up, then linear decay to zero."""
    rising = max(1, round(recipe.warmup * recipe.steps))
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (recipe.steps - step) / max(1, recipe.steps - rising))


def _save_state(
    path: Path,
    run: str,
    learner: Learner,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    done: int,
    averages: dict[str, float],
) -> None:
    """Replaces the state atomically: after a kill, either the old or the new one is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    torch.save(
        {
            "run": run,
            "learner": learner.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "done": done,
            "averages": averages,
        },
        temporary,
    )
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
