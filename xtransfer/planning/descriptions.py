"""What is known of intermediates and targets before training, and the stages that find out more. Runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from xtransfer.base.errors import SourceError
from xtransfer.base.stage import Stage
from xtransfer.benchmarks import BENCHMARKS
from xtransfer.data.revisions import Pins
from xtransfer.models.encoder_check import check_encoder, positions_of
from xtransfer.planning.costs import rows_of, trained_rows
from xtransfer.planning.single_runs import Wanted
from xtransfer.planning.translation_planner import TranslationPlanner
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_settings import DescribeSettings
from xtransfer.study.study import Study, Target

_MAX_LENGTH = 128  # tokens per sequence


@dataclass(frozen=True)
class Descriptions:
    """Which artifacts describe what, for one encoder."""

    wanted: Wanted
    intermediates: Mapping[str, tuple[str, ...]]  # slug → keys of its parts
    targets: Mapping[tuple[str, str], str]  # (slug, language) → key


def descriptions(
    encoder: str, intermediates: Iterable[str], targets: Iterable[tuple[str, str]], rows: int, pins: Pins | None = None
) -> Descriptions:
    """Plans descriptions of intermediates' first training rows, and of targets' first dev rows by language.

    Left out is what has no such rows: parts that an engine translates, languages without a dev split, and benchmarks
    that are not known or not in reach.

    Args:
        encoder: as in a study.
        intermediates: slugs.
        targets: slugs and languages.
        rows: of each.

    Raises RequestError for an encoder that cannot be used.
    """
    from xtransfer.data.source import split_available  # imports datasets

    planner = TranslationPlanner(pins or Pins())
    ref = planner.pins.encoder(encoder)
    check_encoder(ref, {})
    source, length = planner.model(ref), min(_MAX_LENGTH, positions_of(ref) or _MAX_LENGTH)
    results: dict[str, Stage] = {}

    def key(benchmark: str, split: Literal["train", "dev"], code: str) -> str | None:
        if benchmark not in BENCHMARKS or not BENCHMARKS[benchmark].has(split, code):
            return None
        if split_available(BENCHMARKS[benchmark], split, code) is not None:
            return None
        try:
            pin = planner.pins.data(benchmark, split, [code])
        except SourceError:
            return None
        settings = DescribeSettings(encoder=source, benchmark=benchmark, split=split, language=code, data=pin,
                                    rows=rows, max_length=length)  # fmt: skip
        stage = planner.stage(f"describe {benchmark}@{code} {split} for {ref.slug}", settings)
        results[stage.key] = stage
        return stage.key

    of_parts = {slug: [key(part.benchmark, "train", part.language) for part in Intermediate.parse(slug).all_parts
                       if not part.engine] for slug in intermediates}  # fmt: skip
    of_targets = {(slug, code): key(Target.parse(slug).benchmark, "dev", code) for slug, code in targets}
    return Descriptions(
        Wanted(tuple(results.values()), tuple(planner.stages.values())),
        {slug: tuple(one for one in keys if one) for slug, keys in of_parts.items()},
        {where: one for where, one in of_targets.items() if one},
    )


def rows_seen(study: Study) -> dict[str, float]:
    """Returns for each intermediate but `direct` the rows that its training will see, in all phases together; 5,000 are
    assumed of a split that is not in reach."""
    found = {}
    for one in study.intermediates:
        phases = [
            sum(rows_of(part.benchmark, part.language if not part.engine else "en", "train", study.intermediate_rows)
                for part in phase.parts)
            for phase in one.phases
        ]  # fmt: skip
        if phases:
            found[one.slug] = sum(trained_rows(max(1, whole), study.intermediate_recipe) for whole in phases)
    return found
