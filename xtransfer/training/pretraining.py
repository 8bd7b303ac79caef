"""Pretraining of a small multilingual encoder, from nothing but raw text in several languages.

Objectives: masked language modelling (Devlin et al. 2019), over pairs of translations where the text is
parallel (translation language modelling, Conneau & Lample 2019), and detection of tampering: the second
sentence of a pair was changed, or belongs to another text, and the model says which tokens are wrong
(replaced-token detection, Clark et al. 2020; on translations XLM-E, Chi et al. 2022) and whether any is.
Embeddings start from co-occurrence statistics. The result is an ordinary transformers folder.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import XLMRobertaConfig, XLMRobertaForMaskedLM

from xtransfer.digest import digest
from xtransfer.errors import DataError
from xtransfer.training.cooccurrence import Ints, embeddings, neighbour_profiles
from xtransfer.training.corruption import Corruptor
from xtransfer.training.pretrained import quiet
from xtransfer.training.pretraining_recipe import PretrainingRecipe
from xtransfer.training.tokenizer import BOS, EOS, MASK, PAD, SPECIAL_TOKENS, train_tokenizer

Progress = Callable[[str, int, int, dict[str, float]], None]
_STATE_SECONDS = 30.0
_POOL = 8  # batches that are drawn together
_TOKENIZER_SENTENCES = 200_000  # more text does not change the merges of a small vocabulary


def pretrain(
    texts: list[dict[str, str]],
    recipe: PretrainingRecipe,
    seed: int,
    out: Path,
    progress: Progress | None = None,
    state_dir: Path | None = None,
) -> dict[str, Any]:
    """Train on `texts` (language -> sentence; several languages in one are translations) and write to `out`.

    With `state_dir`, the state is kept there and a killed run goes on from it to the same weights.
    Returns the facts of the run.
    """
    started = time.monotonic()
    report = progress or (lambda message, done, total, metrics: None)
    report("tokenizer", 0, recipe.steps, {})
    sentences = [sentence for text in texts for sentence in text.values()]
    tokenizer = train_tokenizer(
        _some(sentences, _TOKENIZER_SENTENCES, seed), recipe.vocab_size, recipe.lowercase, recipe.max_length
    )
    longest = (recipe.max_length - 5) // 2  # four special tokens, and one that tampering may insert
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
        tokenizer.save_pretrained(out)
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
    """All sentences, or so many of them in their order."""
    if len(sentences) <= most:
        return sentences
    chosen = np.random.default_rng(seed).choice(len(sentences), most, replace=False)
    return [sentences[index] for index in np.sort(chosen)]


def _encode(tokenizer: Any, sentences: list[str], longest: int) -> list[Ints]:
    rows: list[Ints] = []
    for start in range(0, len(sentences), 10_000):
        batch = tokenizer(
            sentences[start : start + 10_000], add_special_tokens=False, truncation=True, max_length=longest
        )
        rows += [np.asarray(ids, dtype=np.int64) for ids in batch["input_ids"]]
    return rows


class Corpus:
    """Tokenised sentences without the empty ones, and `texts`: the numbers of those that say the same."""

    def __init__(self, texts: list[dict[str, str]], encoded: list[Ints]) -> None:
        self.sentences = [tokens for tokens in encoded if len(tokens)]
        self.texts: list[range] = []
        remaining, first = iter(encoded), 0
        for text in texts:
            last = first + sum(len(next(remaining)) > 0 for _ in text)
            if last > first:
                self.texts.append(range(first, last))
            first = last
        self.parallel = [rows for rows in self.texts if len(rows) > 1]
        if not self.texts:
            raise DataError("no text to pretrain on: every sentence is empty")


class Sequence(NamedTuple):
    """Two sentences as shown, with what is asked about them; -1 means not asked."""

    tokens: Ints
    original: Ints  # the token behind a mask
    wrong: Ints  # 1 where a token is the work of tampering
    altered: int  # 1 if the second sentence was tampered with


class Batch:
    """Sequences as tensors. `masked` marks the positions whose tokens are `original`."""

    def __init__(self, sequences: list[Sequence]) -> None:
        width = max(len(sequence.tokens) for sequence in sequences)
        stack = np.full((3, len(sequences), width), -1, dtype=np.int64)
        stack[0] = PAD
        for row, sequence in enumerate(sequences):
            stack[:, row, : len(sequence.tokens)] = sequence[:3]
        ids, original, wrong = torch.from_numpy(stack)
        self.ids, self.wrong = ids, wrong
        self.attention = (ids != PAD).long()
        self.masked = original >= 0
        self.original = original[self.masked]
        self.altered = torch.tensor([sequence.altered for sequence in sequences])


class Sampler:
    """Batches, each a pure function of (seed, step), so that a resumed run sees what the killed one would have."""

    def __init__(self, corpus: Corpus, corrupt: Corruptor, recipe: PretrainingRecipe, seed: int) -> None:
        self.corpus, self.corrupt, self.recipe, self.seed = corpus, corrupt, recipe, seed
        self.pool = functools.lru_cache(maxsize=1)(self._pool)

    def batch(self, step: int) -> Batch:
        number, place = divmod(step, _POOL)
        return self.pool(number)[place]

    def _pool(self, number: int) -> list[Batch]:
        """Some batches at once, each of sequences of like length: a quarter less padding."""
        rng = np.random.default_rng([self.seed, number])
        drawn = [self._draw(rng) for _ in range(_POOL * self.recipe.batch_size)]
        drawn.sort(key=lambda sequence: len(sequence.tokens))
        size = self.recipe.batch_size
        return [Batch(drawn[place * size : (place + 1) * size]) for place in rng.permutation(_POOL)]

    def _draw(self, rng: np.random.Generator) -> Sequence:
        first, second = self._pair(rng)
        if rng.random() >= self.recipe.detection_share:
            return _masked(first, second, self.recipe.masked_share, rng)
        changed, wrong, altered = self._tampered(second, rng)
        return _asked(first, changed, wrong, altered)

    def _pair(self, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """A sentence and its translation, or the sentence twice."""
        text = self.corpus.texts[rng.integers(len(self.corpus.texts))]
        one = other = int(rng.integers(len(text)))
        if len(text) > 1 and rng.random() < self.recipe.translation_share:
            other = (one + int(rng.integers(1, len(text)))) % len(text)
        return self.corpus.sentences[text[one]], self.corpus.sentences[text[other]]

    def _tampered(self, second: Ints, rng: np.random.Generator) -> tuple[Ints, Ints, int]:
        """The second sentence as shown, which of its tokens are wrong, and whether it was tampered with."""
        if rng.random() >= self.recipe.altered_share:
            return second, np.zeros_like(second), 0
        if rng.random() < self.recipe.unrelated_share:
            other = self.corpus.sentences[rng.integers(len(self.corpus.sentences))]
            return other, np.full_like(other, -1), 1  # which tokens are wrong has no answer here
        changed, wrong = self.corrupt(second, rng)
        return changed, wrong.astype(np.int64), 1  # int64: -1, 0 or 1


def _joined(first: Ints, second: Ints) -> Ints:
    return np.concatenate([[BOS], first, [EOS, EOS], second, [EOS]])


def _asked(first: Ints, second: Ints, wrong: Ints, altered: int) -> Sequence:
    tokens = _joined(first, second)
    asked = np.full_like(tokens, -1)
    asked[len(first) + 3 : -1] = wrong
    return Sequence(tokens, np.full_like(tokens, -1), asked, altered)


def _masked(first: Ints, second: Ints, share: float, rng: np.random.Generator) -> Sequence:
    tokens = _joined(first, second)
    chosen = (rng.random(len(tokens)) < share) & (tokens >= len(SPECIAL_TOKENS))
    original = np.where(chosen, tokens, -1)
    shown = np.where(chosen & (rng.random(len(tokens)) < 0.9), MASK, tokens)  # a tenth stays as it is
    return Sequence(shown, original, np.full_like(tokens, -1), -1)


class Learner(nn.Module):
    """The encoder with its language-model head, and the two detection heads that are thrown away."""

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
            nn.init.eye_(self.model.lm_head.dense.weight)  # a state starts out naming the token it resembles
        self._start_positions(recipe.position_norm)
        self.recipe = recipe

    def _start_attention(self, sharpness: float) -> None:
        """Equal projections for queries and keys (mimetic initialisation, Trockman & Kolter 2023)."""
        layers: Any = self.model.roberta.encoder.layer
        for layer in layers if sharpness else ():
            attention = layer.attention.self
            with torch.no_grad():
                nn.init.orthogonal_(attention.query.weight, gain=sharpness)
                attention.key.weight.copy_(attention.query.weight)

    def _start_positions(self, norm: float) -> None:
        encoder_inputs: Any = self.model.roberta.embeddings
        table = encoder_inputs.position_embeddings.weight
        size = table.shape[1]
        if norm:
            rates = 1000.0 ** (-torch.arange(0, size, 2) / size)
            angles = torch.arange(len(table))[:, None] * rates
            waves = torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)
            with torch.no_grad():
                table.copy_(waves * norm / (size / 2) ** 0.5)

    def start_embeddings(self, values: Tensor) -> None:
        """Tokens that `values` knows (rows that are not zero) start from it, the others random, half as long."""
        table: Any = self.model.get_input_embeddings().weight
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
    if saved.get("run") == run:  # the state of another run is not gone on from
        learner.load_state_dict(saved["learner"])
        optimizer.load_state_dict(saved["optimizer"])
        schedule.load_state_dict(saved["schedule"])
        done, averages = saved["done"], saved["averages"]
    saved_at = time.monotonic()
    learner.train()
    with torch.random.fork_rng(devices=[]):
        for step in range(done, recipe.steps):
            torch.manual_seed(sampler.seed * 1_000_003 + step)  # dropout, too, depends on the step alone
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
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in others if weight.ndim > 1]},
        {"params": [weight for weight in others if weight.ndim <= 1], "weight_decay": 0.0},
        {"params": [table], "lr": recipe.learning_rate * recipe.embedding_lr_scale, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98))


def _rate(step: int, recipe: PretrainingRecipe) -> float:
    """Linear warm-up, then linear decay to zero."""
    rising = max(1, round(recipe.warmup * recipe.steps))
    if step < rising:
        return (step + 1) / rising
    return max(0.0, (recipe.steps - step) / max(1, recipe.steps - rising))


def _save_state(
    path: Path, run: str, learner: Learner, optimizer: Any, schedule: Any, done: int, averages: dict[str, float]
) -> None:
    """Replace the state in one step: a kill leaves the old one or the new one, never half of one."""
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
