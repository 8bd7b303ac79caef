"""Training on one benchmark, or on several at once with a head for each: intermediates and targets alike."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.data.batches import Batch, collate, epoch_order
from xtransfer.data.encoded import EncodedRows, encoded_rows
from xtransfer.digest import digest
from xtransfer.errors import RequestError
from xtransfer.kinds import KINDS
from xtransfer.kinds.language_head import LanguageHead
from xtransfer.stages.spec import Progress, silent
from xtransfer.training import checkpoints, pretrained
from xtransfer.training.checkpoints import HeadInfo, Loaded, SavedHead
from xtransfer.training.loop import adamw, derived, own_randomness
from xtransfer.training.losses import degenerate, summary, uninformed_loss
from xtransfer.training.pretrained import Start
from xtransfer.training.recipe import Recipe
from xtransfer.training.selection import BestOnDev
from xtransfer.training.session import Course, Job, train

Part = tuple[Benchmark, Sequence[Row]]


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
) -> dict[str, Any]:
    """Train `start` on `parts` and leave the checkpoint in `out`; returns the facts of the run.

    Parts of one benchmark (its rows in several languages) share a head. Several benchmarks take turns, one
    per batch, in proportion to their rows (the sampling of Phang et al. 2020 without a cap). All that is
    random derives from `seed`. `dev` is read with `select: best` alone; no other split is opened here.

    Facts: steps, loss_first, loss_last, losses [[step, mean], …], dev (the evaluations, select=best only),
    heads (benchmark → "fresh", "carried from X" or "the encoder's own"), degenerate (reason or None; see
    `losses.degenerate`), examples_per_second, seconds. Raises RequestError for what cannot be trained.
    """
    rows = _by_benchmark(parts)
    loaded = checkpoints.load(start, recipe.dropout)
    _check_length(loaded, recipe, start)
    if recipe.freeze_embeddings:
        pretrained.freeze_embeddings(loaded.encoder)
    heads, came_from = _heads(loaded, [benchmark for benchmark, _ in rows.values()], recipe, seed)
    model = Model(loaded.encoder, heads).to(device)
    encoded = {name: _encode(benchmark, own, loaded, recipe) for name, (benchmark, own) in rows.items()}
    plan = BatchPlan({name: len(own) for name, own in encoded.items()}, recipe.batch_size, seed)
    steps = recipe.steps or math.ceil((recipe.epochs or 0) * plan.per_epoch)
    best = _watcher(model, loaded, recipe, plan, steps, dev, device)

    def batches(first: int) -> Iterator[tuple[str, Batch]]:
        pad_id = loaded.tokenizer.pad_token_id
        for step, (name, indexes) in enumerate(plan.batches(first), start=first):
            batch = collate([encoded[name][index] for index in indexes], pad_id)
            corrupt = KINDS[rows[name][0].kind].corrupt
            if corrupt is not None:
                own = torch.Generator().manual_seed(derived(seed, "corrupt", step))
                batch = corrupt(batch, loaded.tokenizer, own)
            yield name, batch.to(device)

    optimizer = adamw(model, recipe.learning_rate, recipe.weight_decay)
    run = digest(recipe.model_dump(mode="json"), seed, steps, plan.sizes)
    job = Job(run, model, optimizer, model.loss, batches, steps, recipe.warmup, recipe.clip_norm, seed, best)
    course = train(job, state_dir, progress, device, save_every)
    if best is not None:
        best.load_best()
    _save(out, loaded, model, heads)
    return {
        **summary(course.losses),
        **({"dev": best.facts()} if best else {}),
        "heads": came_from,
        "degenerate": _degenerate(course, plan, encoded),
        "examples_per_second": round(plan.rows_in(len(course.losses)) / max(course.seconds, 1e-9), 1),
        "seconds": round(course.seconds, 2),
    }


class Model(nn.Module):
    """An encoder and one head per benchmark."""

    def __init__(self, encoder: nn.Module, heads: Mapping[str, SavedHead]) -> None:
        super().__init__()
        self.encoder = encoder
        self.heads = nn.ModuleList(saved.module for saved in heads.values())  # names may hold dots, keys may not
        self.order = {name: number for number, name in enumerate(heads)}

    def loss(self, named: tuple[str, Batch]) -> Tensor:
        """Mean loss of a batch of one benchmark."""
        name, batch = named
        states = self.encoder(**batch.inputs()).last_hidden_state
        head: Any = self.heads[self.order[name]]
        loss: Tensor = head.loss(head(states, batch), batch)
        return loss


@dataclass(frozen=True)
class BatchPlan:
    """Which rows make which batch, as a function of the step alone, so that a resumed run needs no saved
    order."""

    sizes: dict[str, int]  # benchmark → rows
    batch_size: int
    seed: int

    @property
    def per_epoch(self) -> int:
        """Batches in a pass over all rows; the last of each benchmark may be smaller."""
        return sum(math.ceil(size / self.batch_size) for size in self.sizes.values())

    def batches(self, first: int) -> Iterator[tuple[str, list[int]]]:
        """Endless (benchmark, indexes of rows), from step `first` (1, 2 …) on."""
        epoch, skipped = divmod(first - 1, self.per_epoch)
        while True:
            yield from itertools.islice(self._epoch(epoch), skipped, None)
            epoch, skipped = epoch + 1, 0

    def rows_in(self, steps: int) -> int:
        """Rows in the first so many steps."""
        return sum(len(indexes) for _, indexes in itertools.islice(self.batches(1), steps))

    def _epoch(self, epoch: int) -> list[tuple[str, list[int]]]:
        made = []
        for name, size in self.sizes.items():
            order = epoch_order(size, derived(self.seed, "order", name), epoch)
            made += [(name, order[at : at + self.batch_size]) for at in range(0, size, self.batch_size)]
        if len(self.sizes) == 1:
            return made
        return [made[index] for index in epoch_order(len(made), derived(self.seed, "mixture"), epoch)]


def _by_benchmark(parts: Sequence[Part]) -> dict[str, tuple[Benchmark, list[Sequence[Row]]]]:
    rows: dict[str, tuple[Benchmark, list[Sequence[Row]]]] = {}
    for benchmark, own in parts:
        if KINDS[benchmark.kind].head is None:
            raise RequestError(f"'{benchmark.name}' is of kind {benchmark.kind}: nothing is trained on it")
        if not own:
            raise RequestError(f"'{benchmark.name}': no rows to train on")
        rows.setdefault(benchmark.name, (benchmark, []))[1].append(own)
    if not rows:
        raise RequestError("nothing to train on: no benchmark was given")
    return rows


def _check_length(loaded: Loaded, recipe: Recipe, start: Start) -> None:
    longest = pretrained.longest_sequence(loaded.encoder)
    if longest is not None and recipe.max_length > longest:
        raise RequestError(
            f"max_length {recipe.max_length}: the encoder {start if isinstance(start, Path) else start[0]} has "
            f"positions for {longest} tokens; set max_length to at most {longest}"
        )


def _heads(
    loaded: Loaded, benchmarks: Sequence[Benchmark], recipe: Recipe, seed: int
) -> tuple[dict[str, SavedHead], dict[str, str]]:
    heads, came_from = {}, {}
    rate = pretrained.head_dropout(loaded.encoder.config) if recipe.dropout is None else recipe.dropout
    for benchmark in benchmarks:
        info = HeadInfo(benchmark.name, benchmark.kind, tuple(benchmark.labels), rate)
        with own_randomness("cpu"):
            torch.manual_seed(derived(seed, "head", benchmark.name))
            module = checkpoints.new_head(info, loaded.encoder.config.hidden_size)
        checkpoints.bind(module, loaded.encoder)
        source = _carry(loaded, benchmark, module) if recipe.head == "carry" else None
        heads[benchmark.name] = SavedHead(info, module)
        came_from[benchmark.name] = f"carried from {source}" if source else _first(module, loaded)
    return heads, came_from


def _first(module: nn.Module, loaded: Loaded) -> str:
    """What a head that carries nothing on starts from: a language head, from the one in the encoder's files."""
    if isinstance(module, LanguageHead) and loaded.folder is not None:
        return "the encoder's own" if module.adopt(pretrained.left_over(loaded.folder)) else "fresh"
    return "fresh"


def _carry(loaded: Loaded, benchmark: Benchmark, module: nn.Module) -> str | None:
    """Start `module` from the first compatible head, the benchmark's own first; the name of what it came
    from."""
    carry = KINDS[benchmark.kind].carry
    for name in sorted(loaded.heads, key=lambda name: name != benchmark.name):
        saved = loaded.heads[name]
        if carry is not None and carry(saved.module, module):
            return name
    return None


def _encode(benchmark: Benchmark, rows: Sequence[Sequence[Row]], loaded: Loaded, recipe: Recipe) -> EncodedRows:
    return encoded_rows(KINDS[benchmark.kind], rows, loaded.tokenizer, recipe.max_length)


def _watcher(
    model: Model, loaded: Loaded, recipe: Recipe, plan: BatchPlan, steps: int, dev: Part | None, device: str
) -> BestOnDev | None:
    if recipe.select == "last":
        return None
    if dev is None or not dev[1]:
        raise RequestError("select: best needs the English dev rows of the target, and there are none")
    benchmark, rows = dev
    name = benchmark.name if benchmark.name in model.order else next(iter(model.order))
    every = recipe.evaluate_every or plan.per_epoch
    head = model.heads[model.order[name]]
    return BestOnDev(model, head, loaded.tokenizer, benchmark, rows, recipe.max_length, every, steps, device)


def _degenerate(course: Course, plan: BatchPlan, encoded: Mapping[str, EncodedRows]) -> str | None:
    names = [name for name, _ in itertools.islice(plan.batches(1), len(course.losses))]
    reasons = []
    for name in dict.fromkeys(names):
        own = [loss for loss, of in zip(course.losses, names, strict=True) if of == name]
        reasons.append(degenerate(name, own, uninformed_loss(encoded[name])))
    return "; ".join(reason for reason in reasons if reason) or None


def _save(out: Path, loaded: Loaded, model: Model, heads: Mapping[str, SavedHead]) -> None:
    """Save with the dropout rates that the encoder came with: a recipe's are its own, not the next
    stage's."""
    model.cpu().eval()
    for name, rate in loaded.dropouts.items():
        setattr(loaded.encoder.config, name, rate)
    checkpoints.save(out, loaded.encoder, loaded.tokenizer, heads)
