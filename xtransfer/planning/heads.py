"""The heads that a checkpoint will have when it is scored, and which of them fits a benchmark."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, TypeAdapter, ValidationError

from xtransfer import benchmarks, kinds
from xtransfer.base.declared import reasons
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark
from xtransfer.models import trainer_head
from xtransfer.models.encoder_check import json_file
from xtransfer.planning.target_phases import trained_on
from xtransfer.study.encoders import EncoderRef
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Target


class Head(BaseModel):
    """What head.json says of a head, as far as it is needed here."""

    kind: str
    labels: tuple[str, ...]


_HEADS = TypeAdapter(dict[str, Head])


def heads_of(ref: EncoderRef) -> dict[str, Head]:
    """Returns benchmark → head of a checkpoint; raises RequestError if a head in its head.json is invalid.

    Without a head.json, the head is the Trainer's classifier, if its labels have names.
    """
    heads = json_file(ref, "head.json").get("heads")
    try:
        found = _HEADS.validate_python(heads) if isinstance(heads, dict) else {}
    except ValidationError as error:
        raise RequestError(
            f"encoder '{ref.slug}': head.json is not of xtransfer or is damaged: {reasons(error)}"
        ) from error
    labels = () if found else trainer_head.labels_of(json_file(ref, "config.json"))
    return {trainer_head.NAME: Head(kind=trainer_head.KIND, labels=labels)} if labels else found


def answered_by(heads: Mapping[str, Head], benchmark: Benchmark) -> str | None:
    """Returns the head that fits a benchmark: its own, or the only one of the same kind and labels; otherwise None."""
    if kinds.retrieves(benchmark):
        return None
    fitting = [name for name, head in heads.items() if head.kind == benchmark.kind and head.labels == benchmark.labels]
    if benchmark.name in fitting:
        return benchmark.name
    return fitting[0] if len(fitting) == 1 else None


def check_head(ref: EncoderRef, intermediate: Intermediate, target: Target) -> None:
    """Raises RequestError if a target that is not trained for is to be scored by a checkpoint without a fitting head.

    Does nothing if the files of a checkpoint cannot be read now; its stage will tell.
    """
    benchmark = benchmarks.get(target.benchmark)
    if trained_on(target) or kinds.retrieves(benchmark):
        return
    parts = [benchmarks.get(part.benchmark) for part in intermediate.parts]
    heads = {one.name: Head(kind=one.kind, labels=one.labels) for one in parts}
    if not parts:
        if ref.source == "hub" and not json_file(ref, "config.json"):
            return
        heads = heads_of(ref)
    if answered_by(heads, benchmark) is None:
        has = "; ".join(f"{name} ({_told(head.kind, head.labels)})" for name, head in heads.items()) or "none"
        remedy = "remove :as-is to fine-tune it" if not target.fine_tune else f"write {benchmark.name}<OTHER"
        raise RequestError(
            f"targets: '{target.slug}': after {intermediate.slug}, '{ref.slug}' has no single head that fits "
            f"{benchmark.name} ({_told(benchmark.kind, benchmark.labels)}); its heads: {has}; {remedy}"
        )


def _told(kind: str, labels: tuple[str, ...]) -> str:
    return f"{kind}: {', '.join(labels[:8])}{' …' if len(labels) > 8 else ''}" if labels else kind
