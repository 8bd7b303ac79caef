"""Turns a study into cells, and cells into stages; each shared stage occurs once. Computes only; runs nothing."""

from __future__ import annotations

from functools import partial

from xtransfer.data.revisions import Pins
from xtransfer.models.encoder_check import check_encoder
from xtransfer.planning.heads import check_head
from xtransfer.planning.planner import Planner
from xtransfer.planning.study_check import check, scored_languages
from xtransfer.stages import curves
from xtransfer.study.cells import Cell, Plan
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Study, Target


def plan(study: Study, pins: Pins | None = None) -> Plan:
    """Returns the cells and stages of a study; raises RequestError, before anything runs, if something cannot run."""
    check(study)
    curves.chosen()  # a library that is missing is told of now
    pins = pins or Pins()
    for encoder in study.encoders:
        check_encoder(pins.encoder(encoder), study.recipes())
    planner = Planner(pins, study.intermediate_rows, study.intermediate_recipe, len(study.encoders) > 1)
    cells = tuple(
        _cell(planner, study, encoder, intermediate, target, seed)
        for encoder in study.encoders
        for intermediate in study.intermediates
        for target in study.targets
        for seed in study.seeds
    )
    return Plan(study, cells, tuple(planner.stages.values()))


def _cell(planner: Planner, study: Study, encoder: str, intermediate: Intermediate, target: Target, seed: int) -> Cell:
    ref = planner.pins.encoder(encoder)
    check_head(ref, intermediate, target)
    recipe = study.recipe_for(target)
    start = planner.intermediate(ref, intermediate, seed)
    languages = scored_languages(study, target)
    train = partial(planner.target, ref, start, intermediate, target, recipe, seed)
    others = [code for code in languages if code != "en"] if target.translate == "train" else []
    own = {code: stage for code in others if (stage := train(code)) is not None}
    checkpoint = train() if len(own) < len(languages) else None
    scored = planner.score(ref, checkpoint, intermediate, target, languages, recipe.max_length, seed, own)
    return Cell(ref.slug, intermediate, target, seed, scored)
