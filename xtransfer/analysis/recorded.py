"""The recorded differences between two results: settings, revisions, versions and machines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from xtransfer.analysis.run_lookup import Side
from xtransfer.results.roles import INTERMEDIATE, TARGET
from xtransfer.results.schema import CellRow, CellStageRow, StageRow
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.stage_settings import TrainSettings, TranslateSettings

CATEGORIES = (
    "encoder", "encoder revision", "intermediate", "target", "seed", "recipe", "data revision", "rows", "languages",
    "setting", "stage version", "package", "machine",
)  # fmt: skip
_COUNTS = ("steps", "items", "rows", "kept", "dropped", "num_texts", "num_sentences")  # facts that count rows
_TOLD_ELSEWHERE = re.compile(
    r"seed|benchmark|language|intermediate|(start|checkpoint)(\..*)?|(.*\.)?key|parts\.\d+\.(benchmark|language)|dev\.benchmark"
)
_WORDS = {"score": "scoring", "translator": "translator training"}  # role → words, if they differ
_SHOWN = 4  # values listed per side; if there are more, only those that the other side lacks
_DIGEST = re.compile(r"[0-9a-f]{32,64}")

Place = tuple[str, str, str]  # category, stage or "", field or ""


@dataclass(frozen=True)
class Difference:
    """One recorded value that differs."""

    category: str
    where: str  # the stages it belongs to; empty: the result as a whole
    name: str  # field; empty if the category says it all
    a: str
    b: str

    def __str__(self) -> str:
        field = " ".join(part for part in (self.where and f"{self.where}:", self.name) if part)
        return f"{field} {self.a or 'none'} and {self.b or 'none'}".strip()


def differences(a: Side, b: Side) -> list[Difference]:
    """Returns everything recorded for both that differs, in the order of `CATEGORIES`.

    Stages that only one of the two has are not listed: a different intermediate, target or encoder implies them.
    """
    one, two = _recorded(a), _recorded(b)
    both = {where for _, where, _ in one} & {where for _, where, _ in two}
    places = [place for place in dict.fromkeys([*one, *two]) if place[1] in both]
    found = [
        Difference(*place, *_told(one.get(place, set()), two.get(place, set())))
        for place in places
        if one.get(place) != two.get(place)
    ]
    return sorted(found, key=lambda difference: CATEGORIES.index(difference.category))


def _recorded(side: Side) -> dict[Place, set[str]]:
    """Returns place → the values that occur there."""
    found: dict[Place, set[str]] = {}
    for place, value in [*_of_cells(side), *_of_stages(side), *_of_reads(side)]:
        found.setdefault(place, set()).add(value)
    return found


def _of_cells(side: Side) -> Iterator[tuple[Place, str]]:
    for cell in side.cells:
        yield ("encoder", "", ""), cell.encoder
        yield ("encoder revision", "", ""), cell.encoder_revision
        yield ("intermediate", "", ""), cell.intermediate
        yield ("target", "", ""), cell.target
        yield ("seed", "", ""), str(cell.seed)


def _of_stages(side: Side) -> Iterator[tuple[Place, str]]:
    cells = {cell.key: cell for cell in side.cells}
    whats: dict[str, dict[str, None]] = {}
    stages = {stage.key: stage for stage in side.stages}
    for link in side.links:
        engine = side.engines.get(link.stage, "")
        what = _what(stages[link.stage], link, cells[link.cell], engine, named=side.is_study)
        whats.setdefault(link.stage, {})[what] = None
    for stage in side.stages:
        for what in whats[stage.key]:
            yield from _of_stage(stage, what)


def _of_stage(stage: StageRow, what: str) -> Iterator[tuple[Place, str]]:
    yield ("stage version", what, stage.kind), str(stage.version)
    for path, value in _flat(stage.settings):
        if not _TOLD_ELSEWHERE.fullmatch(path):
            yield (_category(path), what, path.removeprefix("recipe.")), value
    for name in _COUNTS:
        if name in stage.facts:
            yield ("rows", what, name), str(stage.facts[name])
    for name, version in stage.packages.items():
        yield ("package", "", name), str(version)
    yield ("machine", "", "host"), stage.host
    yield ("machine", "", "device"), stage.device


def _of_reads(side: Side) -> Iterator[tuple[Place, str]]:
    """Yields the revisions of the data sets, which people can read; the stages' digests of rows are more exact."""
    for benchmark, role, revision in side.reads:
        yield ("data revision", f"{benchmark} as {role}", "revision"), revision


def _what(stage: StageRow, link: CellStageRow, cell: CellRow, engine: str, *, named: bool) -> str:
    """Returns the role of a stage in a cell; `named` adds its subject, to tell the stages of a study apart."""
    if link.role == INTERMEDIATE:
        phases, number = Intermediate.parse(cell.intermediate).phases, (link.phase or 0) + 1
        of = Intermediate.of(phases[:number]).slug
        which = f", phase {number}" if len(phases) > 1 and not named else ""
        return f"intermediate training ({of})" if named else f"intermediate training{which}"
    if link.role == TARGET:
        training = TrainSettings.of(stage)
        benchmarks = "+".join(part.benchmark for part in training.parts) if training is not None else ""
        on = " on ".join(filter(None, ["target training", benchmarks]))
        return f"{on} ({cell.target})" if named else on
    said = _WORDS.get(link.role, link.role)
    translation = TranslateSettings.of(stage)
    of = {"pretraining": cell.encoder, "unpacking": cell.encoder, "score": cell.target}.get(link.role, "")
    if translation is not None:
        of = f"{translation.benchmark} to {translation.language} by {engine}"
    return f"{said} ({of})" if named and of else said


def _category(path: str) -> str:
    last = path.rpartition(".")[2]
    if path.startswith("recipe."):
        return "recipe"
    if last in ("data", "dev", "pin") or path.startswith("dev."):
        return "data revision"
    if last in ("rows", "num_texts"):
        return "rows"
    return "languages" if path == "languages" else "setting"


def _flat(values: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Yields path and text of the leaves of nested settings; a list of plain values is one leaf."""
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    elif isinstance(values, list) and any(isinstance(value, Mapping) for value in values):
        for number, value in enumerate(values):
            yield from _flat(value, f"{path}.{number}")
    elif isinstance(values, list):
        yield path, " ".join(map(str, values))
    else:
        yield path, "" if values is None else f"{values:g}" if isinstance(values, float) else str(values)


def _told(a: set[str], b: set[str]) -> tuple[str, str]:
    return _listed(a, b), _listed(b, a)


def _listed(values: set[str], others: set[str]) -> str:
    shown = values if len(values) <= _SHOWN else values - others
    more = f" and {len(values & others)} that both have" if len(shown) < len(values) else ""
    texts = sorted((_short(value) for value in shown if value), key=lambda text: (len(text), text))
    return (", ".join(texts) + more).removeprefix(" and ")


def _short(value: str) -> str:
    """Returns a digest, or the commit of an encoder, as its first 8 characters; other values as they are."""
    name, at, revision = value.rpartition("@")
    if at and re.fullmatch(r"[0-9a-f]{40}", revision):
        return f"{name}@{revision[:8]}"
    return value[:8] if _DIGEST.fullmatch(value) else value
