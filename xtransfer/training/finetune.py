"""Trains on one benchmark, or on several with one head each; used for intermediates and targets."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from xtransfer.base.digest import digest
from xtransfer.base.hardware import hardware
from xtransfer.base.hub_files import Start
from xtransfer.base.precision import products_in_tf32
from xtransfer.base.randomness import derived
from xtransfer.base.stage import Facts, Progress, identity, no_progress
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.encoded import EncodedRows, encoded_rows
from xtransfer.kinds.prompts import prompted
from xtransfer.kinds.unfit import reads_last, refuse_unfit
from xtransfer.kinds.uninformed import uninformed_loss
from xtransfer.models import checkpoints, pretrained
from xtransfer.models.checkpoints import Loaded
from xtransfer.models.model import Model, heads_for
from xtransfer.models.trimmed import Trimming, may_be_trimmed, tokens_of
from xtransfer.models.unpadded.routes import has_own_layers
from xtransfer.recipes.mixture import PROPORTIONAL, Sampling
from xtransfer.recipes.recipe import Recipe
from xtransfer.training import lora
from xtransfer.training.data_parallel import DataParallel
from xtransfer.training.estimate import Shape, fitting, free_bytes, optimizer_bytes
from xtransfer.training.hard_negatives import with_negatives
from xtransfer.training.kept_weights import watcher
from xtransfer.training.loop import adamw
from xtransfer.training.losses import degenerate, summary
from xtransfer.training.memory import MicroBatcher
from xtransfer.training.parts import BenchmarkRows, TrainingMixture
from xtransfer.training.process_group import SINGLE_PROCESS, ProcessGroup
from xtransfer.training.rates import rate_factors
from xtransfer.training.sampling import BatchPlan
from xtransfer.training.session import Course, Job, train

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Savings:
    """Computation that a run can skip. Each can be turned off, to show that it changes only the time."""

    packed: bool = True  # no padding, and in the last layer only what the head reads
    trimmed: bool = True  # no embeddings of tokens that the data does not contain


def finetune(
    start: Start,
    parts: Sequence[BenchmarkRows],
    recipe: Recipe,
    seed: int,
    out: Path,
    state_dir: Path,
    progress: Progress = no_progress,
    device: str = "cpu",
    *,
    dev: BenchmarkRows | None = None,
    save_every: float = 60.0,
    sampling: Sampling = PROPORTIONAL,
    weights: Sequence[float] = (),
    savings: Savings = Savings(),
    process_group: ProcessGroup = SINGLE_PROCESS,
    memory_kills: int = 0,
) -> Facts:
    """Trains `start` on `parts` and writes the checkpoint to `out`; returns the facts of the run.

    Parts of one benchmark (its rows in several languages) share a head. By default, each batch comes from one
    benchmark, chosen in proportion to its rows (Phang et al. 2020 without a cap). With another `sampling`, or
    `weights` (one per part) that differ, parts alternate instead of benchmarks. All randomness derives from `seed`.
    `dev` is read only with `select: best`; no other split is read. With a `process_group`, every rank makes the same
    call with its own device; the first rank writes the checkpoint.

    Facts: steps, loss_first, loss_last, losses [[step, mean], …], dev (evaluations; select=best only), averaged_steps
    (average_last only), heads (benchmark → "fresh", "carried from X" or "the encoder's own"), degenerate (reason or
    None; see `losses.degenerate`), restarts (reasons of earlier attempts, if the recipe allows any),
    embeddings_trained (rows of the table), examples_per_second, seconds, devices (if several trained together). Raises
    RequestError if the benchmark cannot be trained on.
    """
    mixed = TrainingMixture.of(parts, sampling, weights)
    failed: list[str] = []
    while True:
        number = len(failed)
        own_seed, own_state = (
            (derived(seed, "restart", number), state_dir / str(number)) if failed else (seed, state_dir)
        )
        run = Run(start, mixed, recipe, own_seed, device, dev, savings, process_group, memory_kills)
        facts = run.train(own_state, progress, save_every)
        if facts["degenerate"] is None or number == recipe.restarts:
            if process_group.first:
                run.save(out)
            several = {"devices": process_group.size} if process_group.size > 1 else {}
            return {**facts, **({"restarts": failed} if recipe.restarts else {}), **several}
        failed.append(facts["degenerate"])
        log.warning("%s; restarting with another seed (%d of %d)", failed[-1], number + 1, recipe.restarts)


class Run:
    """One attempt: the model in memory and its batches."""

    def __init__(
        self,
        start: Start,
        mixed: TrainingMixture,
        recipe: Recipe,
        seed: int,
        device: str,
        dev: BenchmarkRows | None,
        savings: Savings,
        process_group: ProcessGroup = SINGLE_PROCESS,
        memory_kills: int = 0,
    ) -> None:
        self.mixed, self.recipe, self.seed, self.device, self.process_group = mixed, recipe, seed, device, process_group
        self.memory_kills = memory_kills
        refuse_unfit(mixed.benchmarks, recipe)
        last = all(reads_last(benchmark, recipe) for benchmark in mixed.benchmarks)
        self.loaded = loaded = checkpoints.load(start, recipe.dropout, recipe.attention_dropout, last)
        pretrained.check_length(loaded.encoder, recipe.max_length, start)
        if recipe.freeze_embeddings:
            pretrained.freeze_embeddings(loaded.encoder)
        if recipe.lora is not None:
            lora.insert(loaded.encoder, recipe.lora, seed)
        self.heads, self.came_from = heads_for(loaded, mixed.benchmarks, recipe, seed)
        self.encoded = {
            name: _encode(benchmark, self._with_negatives(benchmark, own), loaded, recipe)
            for name, (benchmark, own) in mixed.rows.items()
        }
        self.plan = mixed.plan({name: len(own) for name, own in self.encoded.items()}, recipe.batch_size, seed)
        self.steps = recipe.steps or math.ceil((recipe.epochs or 0) * self.plan.per_epoch)
        self.trimming = self._trimming(dev) if savings.trimmed else None
        packed = savings.packed and not (recipe.lora is not None and lora.needs_padding(loaded.encoder, recipe.lora))
        self.model = Model(loaded.encoder, self.heads, recipe.precision, packed).to(device)
        self.watcher = watcher(
            self.model, loaded.tokenizer, recipe, self.plan.per_epoch, self.steps, dev, device, process_group
        )

    def train(self, state_dir: Path, progress: Progress, save_every: float) -> Facts:
        """Trains to the end, or until the loss is not finite; returns the facts."""
        plan, kept = self.plan, self.watcher
        with products_in_tf32(self.device, self.recipe.precision == "tf32"):  # for gradients, too
            course = train(self.job(), state_dir, progress, self.device, save_every)
        if kept is not None:
            kept.load()
        return {
            **summary(course.losses),
            **(kept.facts() if kept else {}),
            "heads": self.came_from,
            "degenerate": _degenerate(course, plan, self._uninformed()),
            "embeddings_trained": self._embeddings_trained(),
            "examples_per_second": round(plan.rows_in(len(course.losses)) / max(course.seconds, 1e-9), 1),
            **course.facts,
        }

    def job(self) -> Job[tuple[str, Batch]]:
        """Returns the job for the training loop."""
        recipe, plan = self.recipe, self.plan
        values = (identity(recipe), self.seed, self.steps)
        return Job(
            run=digest(*values, plan.sizes, dict(plan.turns), plan.in_rotation),
            module=self.model,
            optimizer=adamw(self.model, recipe.learning_rate, recipe.weight_decay, rate_factors(self.model, recipe)),
            loss_of=self.model.loss,
            batches=self.batches,
            steps=self.steps,
            warmup=recipe.warmup,
            clip_norm=recipe.clip_norm,
            seed=self.seed,
            watcher=self.watcher,
            tokens=lambda named: sum(named[1].lengths),
            backward_pass=self._backward_pass(),
            process_group=self.process_group,
        )

    def batches(self, first: int) -> Iterator[tuple[str, Batch]]:
        """Yields (benchmark, batch) without end, starting with step `first`."""
        tokenizer = self.loaded.tokenizer
        for step, (name, indexes) in enumerate(self.plan.batches(first), start=first):
            batch = collate([self.encoded[name][index] for index in indexes], tokenizer.pad_token_id)
            benchmark, _ = self.mixed.rows[name]
            corrupt = KINDS[benchmark.kind].corrupt
            if corrupt is not None:
                own = torch.Generator().manual_seed(derived(self.seed, "corrupt", step))
                batch = corrupt(batch, tokenizer, own)
            yield benchmark.name, batch.to(self.device)

    def micro_batcher(self) -> MicroBatcher:
        """Returns a micro-batcher that starts with as many rows as the memory estimate allows."""
        encoder, rows, checkpointing = self.loaded.encoder, -(-self.recipe.batch_size // self.process_group.size), False
        if has_own_layers(encoder):
            longest = max((max(own.num_tokens(), default=1) for own in self.encoded.values()), default=1)
            free = free_bytes(self.device) - optimizer_bytes(self.model)
            rows, checkpointing = fitting(Shape.of(encoder.config), rows, longest, free)
        own = hardware(self.device)
        return MicroBatcher(self.model, encoder, self.model.items, rows, checkpointing, self.memory_kills, own)

    def _backward_pass(self) -> MicroBatcher | DataParallel:
        micro_batcher = self.micro_batcher()
        return micro_batcher if self.process_group.size == 1 else DataParallel(micro_batcher, self.process_group)

    def save(self, out: Path) -> None:
        """Writes the checkpoint with the encoder's original dropout rates; a recipe's apply only to its own stage."""
        self.model.cpu().eval()
        if self.trimming is not None:
            self.trimming.undo()
        if self.recipe.lora is not None:
            lora.merge(self.loaded.encoder)
        for name, rate in self.loaded.dropouts.items():
            setattr(self.loaded.encoder.config, name, rate)
        checkpoints.save(out, self.loaded.encoder, self.loaded.tokenizer, self.heads, self.loaded.folder)

    def _with_negatives(self, benchmark: Benchmark, own: Sequence[Sequence[Row]]) -> Sequence[Sequence[Row]]:
        """Mines on the first device only, since near ties may rank differently on others."""
        return self.process_group.from_first(
            lambda: with_negatives(benchmark, own, self.loaded, self.recipe, self.device)
        )

    def _trimming(self, dev: BenchmarkRows | None) -> Trimming | None:
        """Trims embeddings unless any token may occur: masking draws random tokens, and its head predicts them all."""
        loaded, recipe = self.loaded, self.recipe
        draws = any(KINDS[benchmark.kind].corrupt is not None for benchmark in self.mixed.benchmarks)
        if draws or not may_be_trimmed(loaded.encoder, recipe.weight_decay):
            return None
        rows = list(self.encoded.values())
        if dev is not None:
            rows.append(_encode(dev[0], [dev[1]], loaded, recipe))
        return Trimming(loaded.encoder, tokens_of(rows) | set(loaded.tokenizer.all_special_ids))

    def _uninformed(self) -> dict[str, float | None]:
        """Returns, for each part of the mixture, the loss of ignoring the input."""
        found: dict[str, float | None] = {}
        smoothing = self.recipe.label_smoothing
        for name, encoded in self.encoded.items():
            own = KINDS[self.mixed.rows[name][0].kind].uninformed
            found[name] = own(encoded, self.recipe) if own is not None else uninformed_loss(encoded, smoothing)
        return found

    def _embeddings_trained(self) -> int:
        table = self.loaded.encoder.get_input_embeddings().weight
        assert isinstance(table, torch.Tensor)
        return len(table) if table.requires_grad else 0


def _encode(benchmark: Benchmark, rows: Sequence[Sequence[Row]], loaded: Loaded, recipe: Recipe) -> EncodedRows:
    kind, dual = KINDS[benchmark.kind], recipe.dual
    if kind.dual:
        rows = [prompted(kind, own, dual.query_prompt, dual.passage_prompt) for own in rows]
    return encoded_rows(kind, rows, loaded.tokenizer, recipe.max_length)


def _degenerate(course: Course, plan: BatchPlan, uninformed: Mapping[str, float | None]) -> str | None:
    names = [name for name, _ in itertools.islice(plan.batches(1), len(course.losses))]
    reasons = []
    for name in dict.fromkeys(names):
        own = [loss for loss, of in zip(course.losses, names, strict=True) if of == name]
        reasons.append(degenerate(name, own, uninformed[name]))
    return "; ".join(reason for reason in reasons if reason) or None
