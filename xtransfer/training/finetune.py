"""Training on one benchmark, or on several at once with a head for each: intermediates and targets alike."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from xtransfer.base.digest import digest
from xtransfer.base.errors import RequestError
from xtransfer.base.hub_files import Start
from xtransfer.base.randomness import derived
from xtransfer.base.stage import Progress, silent
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds import KINDS
from xtransfer.kinds.batches import Batch, collate
from xtransfer.kinds.encoded import EncodedRows, encoded_rows
from xtransfer.kinds.uninformed import uninformed_loss
from xtransfer.models import checkpoints, pretrained
from xtransfer.models.checkpoints import Loaded
from xtransfer.models.model import Model, heads_for
from xtransfer.models.trimmed import Trimming, may_be_trimmed, tokens_of
from xtransfer.models.unpadded.forward import can_be_packed
from xtransfer.recipes.mixture import PROPORTIONAL, Sampling
from xtransfer.recipes.recipe import Recipe
from xtransfer.training.data_parallel import Divided
from xtransfer.training.estimate import Shape, fitting, free_bytes, optimizer_bytes
from xtransfer.training.hard_negatives import with_negatives
from xtransfer.training.loop import adamw
from xtransfer.training.losses import degenerate, summary
from xtransfer.training.memory import InParts
from xtransfer.training.parts import Part, Parts
from xtransfer.training.process_group import ALONE, Team
from xtransfer.training.sampling import BatchPlan
from xtransfer.training.savings import ALL, Savings
from xtransfer.training.selection import BestOnDev
from xtransfer.training.session import Course, Job, train

log = logging.getLogger(__name__)


def finetune(
    start: Start,
    parts: Sequence[Part],
    recipe: Recipe,
    seed: int,
    out: Path,
    state_dir: Path,
    progress: Progress = silent,
    device: str = "cpu",
    *,
    dev: Part | None = None,
    save_every: float = 60.0,
    sampling: Sampling = PROPORTIONAL,
    weights: Sequence[float] = (),
    savings: Savings = ALL,
    team: Team = ALONE,
    memory_kills: int = 0,
) -> dict[str, Any]:
    """Train `start` on `parts` and leave the checkpoint in `out`; returns the facts of the run.

    Parts of one benchmark (its rows in several languages) share a head. Several benchmarks take turns, one
    per batch, in proportion to their rows (the sampling of Phang et al. 2020 without a cap). With another
    `sampling`, or `weights` (one for each part) that differ, it is the parts that take turns. All that is
    random derives from `seed`. `dev` is read with `select: best` alone; no other split is opened here. Of a
    `team` every rank is called alike, with a device of its own; the first writes the checkpoint.

    Facts: steps, loss_first, loss_last, losses [[step, mean], …], dev (the evaluations, select=best only),
    heads (benchmark → "fresh", "carried from X" or "the encoder's own"), degenerate (reason or None; see
    `losses.degenerate`), restarts (the reasons of earlier tries, where the recipe allows any), embeddings_trained
    (rows of the table), examples_per_second, seconds, devices (where several trained together). Raises
    RequestError for what cannot be trained.
    """
    mixed = Parts.of(parts, sampling, weights)
    failed: list[str] = []
    while True:
        number = len(failed)
        own_seed, own_state = (
            (derived(seed, "restart", number), state_dir / str(number)) if failed else (seed, state_dir)
        )
        run = Run(start, mixed, recipe, own_seed, device, dev, savings, team, memory_kills)
        facts = run.train(own_state, progress, save_every)
        if facts["degenerate"] is None or number == recipe.restarts:
            if team.first:
                run.save(out)
            several = {"devices": team.size} if team.size > 1 else {}
            return {**facts, **({"restarts": failed} if recipe.restarts else {}), **several}
        failed.append(facts["degenerate"])
        log.warning("%s; it begins again with another seed (%d of %d)", failed[-1], number + 1, recipe.restarts)


class Run:
    """One try: everything in memory that is trained, and the batches it is trained on."""

    def __init__(
        self,
        start: Start,
        mixed: Parts,
        recipe: Recipe,
        seed: int,
        device: str,
        dev: Part | None,
        savings: Savings,
        team: Team = ALONE,
        memory_kills: int = 0,
    ) -> None:
        self.mixed, self.recipe, self.seed, self.device, self.team = mixed, recipe, seed, device, team
        self.memory_kills = memory_kills
        self.loaded = loaded = checkpoints.load(start, recipe.dropout)
        pretrained.check_length(loaded.encoder, recipe.max_length, start)
        if recipe.freeze_embeddings:
            pretrained.freeze_embeddings(loaded.encoder)
        self.heads, self.came_from = heads_for(loaded, mixed.benchmarks, recipe, seed)
        self.encoded = {
            name: _encode(benchmark, self._with_negatives(benchmark, own), loaded, recipe)
            for name, (benchmark, own) in mixed.rows.items()
        }
        self.plan = mixed.plan({name: len(own) for name, own in self.encoded.items()}, recipe.batch_size, seed)
        self.steps = recipe.steps or math.ceil((recipe.epochs or 0) * self.plan.per_epoch)
        self.trimming = self._trimming(dev) if savings.trimmed else None
        self.model = Model(loaded.encoder, self.heads, recipe.precision, savings.packed).to(device)
        self.best = _watcher(self.model, loaded, recipe, self.plan, self.steps, dev, device, team)

    def train(self, state_dir: Path, progress: Progress, save_every: float) -> dict[str, Any]:
        """Train to the end, or as far as it goes; the facts."""
        plan, best = self.plan, self.best
        course = train(self.job(), state_dir, progress, self.device, save_every)
        if best is not None:
            best.load_best()
        return {
            **summary(course.losses),
            **({"dev": best.facts()} if best else {}),
            "heads": self.came_from,
            "degenerate": _degenerate(course, plan, self._uninformed()),
            "embeddings_trained": self._embeddings_trained(),
            "examples_per_second": round(plan.rows_in(len(course.losses)) / max(course.seconds, 1e-9), 1),
            "seconds": round(course.seconds, 2),
        }

    def job(self) -> Job[tuple[str, Batch]]:
        """What the loop is given."""
        recipe, plan = self.recipe, self.plan
        values = (recipe.model_dump(mode="json"), self.seed, self.steps)
        return Job(
            run=digest(*values, plan.sizes, dict(plan.turns), plan.in_rotation),
            module=self.model,
            optimizer=adamw(self.model, recipe.learning_rate, recipe.weight_decay),
            loss_of=self.model.loss,
            batches=self.batches,
            steps=self.steps,
            warmup=recipe.warmup,
            clip_norm=recipe.clip_norm,
            seed=self.seed,
            watcher=self.best,
            parts=self.in_parts() if self.team.size == 1 else Divided(self.in_parts(), self.team),
            team=self.team,
        )

    def batches(self, first: int) -> Iterator[tuple[str, Batch]]:
        """Endless (benchmark, batch), from step `first` on."""
        tokenizer = self.loaded.tokenizer
        for step, (name, indexes) in enumerate(self.plan.batches(first), start=first):
            batch = collate([self.encoded[name][index] for index in indexes], tokenizer.pad_token_id)
            benchmark, _ = self.mixed.rows[name]
            corrupt = KINDS[benchmark.kind].corrupt
            if corrupt is not None:
                own = torch.Generator().manual_seed(derived(self.seed, "corrupt", step))
                batch = corrupt(batch, tokenizer, own)
            yield benchmark.name, batch.to(self.device)

    def in_parts(self) -> InParts:
        """How batches are computed that may not fit: begins with as much as the estimate allows."""
        encoder, rows, sparing = self.loaded.encoder, -(-self.recipe.batch_size // self.team.size), False
        if can_be_packed(encoder):
            longest = max((max(own.num_tokens(), default=1) for own in self.encoded.values()), default=1)
            free = free_bytes(self.device) - optimizer_bytes(self.model)
            rows, sparing = fitting(Shape.of(encoder.config), rows, longest, free)
        return InParts(self.model, encoder, self.model.items, rows, sparing, self.memory_kills)

    def save(self, out: Path) -> None:
        """Write the checkpoint, with the dropout rates that the encoder came with: a recipe's are its own, not the
        next stage's."""
        self.model.cpu().eval()
        if self.trimming is not None:
            self.trimming.undo()
        for name, rate in self.loaded.dropouts.items():
            setattr(self.loaded.encoder.config, name, rate)
        checkpoints.save(out, self.loaded.encoder, self.loaded.tokenizer, self.heads)

    def _with_negatives(self, benchmark: Benchmark, own: Sequence[Sequence[Row]]) -> Sequence[Sequence[Row]]:
        """Mined by the first device alone: nearly equal texts might be told apart otherwise elsewhere."""
        return self.team.from_first(lambda: with_negatives(benchmark, own, self.loaded, self.recipe, self.device))

    def _trimming(self, dev: Part | None) -> Trimming | None:
        """Not where any token may come up: masks draw from all of them, and a language head predicts them."""
        loaded, recipe = self.loaded, self.recipe
        draws = any(KINDS[benchmark.kind].corrupt is not None for benchmark in self.mixed.benchmarks)
        if draws or not may_be_trimmed(loaded.encoder, recipe.weight_decay):
            return None
        rows = list(self.encoded.values())
        if dev is not None:
            rows.append(_encode(dev[0], [dev[1]], loaded, recipe))
        return Trimming(loaded.encoder, tokens_of(rows) | set(loaded.tokenizer.all_special_ids))

    def _uninformed(self) -> dict[str, float | None]:
        """What ignoring the input costs, by what takes turns."""
        found: dict[str, float | None] = {}
        for name, encoded in self.encoded.items():
            own = KINDS[self.mixed.rows[name][0].kind].uninformed
            found[name] = own(encoded, self.recipe) if own is not None else uninformed_loss(encoded)
        return found

    def _embeddings_trained(self) -> int:
        table: Any = self.loaded.encoder.get_input_embeddings()
        return len(table.weight) if table.weight.requires_grad else 0


def _encode(benchmark: Benchmark, rows: Sequence[Sequence[Row]], loaded: Loaded, recipe: Recipe) -> EncodedRows:
    return encoded_rows(KINDS[benchmark.kind], rows, loaded.tokenizer, recipe.max_length)


def _watcher(
    model: Model, loaded: Loaded, recipe: Recipe, plan: BatchPlan, steps: int, dev: Part | None, device: str, team: Team
) -> BestOnDev | None:
    if recipe.select == "last":
        return None
    if dev is None or not dev[1]:
        raise RequestError("select: best needs the English dev rows of the target, and there are none")
    benchmark, rows = dev
    name = benchmark.name if benchmark.name in model.order else next(iter(model.order))
    every = recipe.evaluate_every or plan.per_epoch
    head = model.heads[model.order[name]]
    return BestOnDev(
        model, head, loaded.tokenizer, benchmark, rows, recipe.max_length, every, steps, device, recipe.patience, team
    )


def _degenerate(course: Course, plan: BatchPlan, uninformed: Mapping[str, float | None]) -> str | None:
    names = [name for name, _ in itertools.islice(plan.batches(1), len(course.losses))]
    reasons = []
    for name in dict.fromkeys(names):
        own = [loss for loss, of in zip(course.losses, names, strict=True) if of == name]
        reasons.append(degenerate(name, own, uninformed[name]))
    return "; ".join(reason for reason in reasons if reason) or None
