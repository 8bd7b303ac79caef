"""What a study covers, and what its scores mean: more seeds make the same study larger, another recipe makes another.

Works on the JSON of a study, as databases and bundles hold it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from xtransfer.base.errors import RequestError
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Study, Target

Definition = Mapping[str, Any]  # Any: JSON

EXTENTS = ("encoders", "intermediates", "targets", "languages", "seeds")
_WORDS = ("name", "question", "note", "small", "align_tags")  # none changes what a score means


def normal(definition: Definition) -> dict[str, Any]:
    """A definition with every field of this version (Any: JSON); raises ValidationError for one that is no study."""
    return Study.model_validate(definition).model_dump(mode="json")


def differences(ours: Definition, theirs: Definition) -> list[tuple[str, Any, Any]]:
    """Returns (field path, ours, theirs) where two normal definitions mean different things; Any: JSON."""
    found: list[tuple[str, Any, Any]] = []
    for name in sorted(ours.keys() - {*EXTENTS, *_WORDS}):
        found += _unequal(name, ours[name], theirs[name])
    for name in ("intermediates", "targets"):
        mine, other = _by_slug(name, ours), _by_slug(name, theirs)
        for slug in (slug for slug in mine if slug in other):
            found += _unequal(f"{name} {slug}", mine[slug], other[slug])
    return found


def united(ours: Definition, theirs: Definition) -> dict[str, Any]:
    """Our definition with what only theirs covers added (Any: JSON), for definitions without differences."""
    whole = dict(ours)
    for name in EXTENTS:
        mine, other = ours.get(name), theirs.get(name)
        if name in ("intermediates", "targets"):
            first = _by_slug(name, ours)
            whole[name] = [*first.values(), *(one for slug, one in _by_slug(name, theirs).items() if slug not in first)]
        elif mine is None or other is None:
            whole[name] = None  # languages: all
        else:
            whole[name] = [*mine, *(one for one in other if one not in mine)]
    return whole


def extended(recorded: Definition, asked: Study) -> Study:
    """The study as it is after `asked` is added to what is recorded of it.

    Raises RequestError where the two would mean different things by one name.
    """
    new = asked.model_dump(mode="json")
    try:
        old = normal(recorded)
    except ValidationError as error:
        raise RequestError(
            f"study '{asked.name}' was recorded by a version of xtransfer whose settings this one cannot read; "
            f"{_another(asked)}"
        ) from error
    if changed := differences(old, new):
        lines = [f"  {name}: {_short(before)} is recorded, {_short(now)} was asked" for name, before, now in changed]
        raise RequestError(
            "\n".join([f"study '{asked.name}' is recorded with other settings:", *lines, _another(asked)])
        )
    words = {name: new[name] for name in _WORDS}
    return Study.model_validate({**united(old, new), **words})


def left_out(whole: Study, asked: Study) -> list[str]:
    """What a study covers and a run of `asked` does not, in words: `seeds 0, 1`; languages are always all run."""
    found = {
        "encoders": [one for one in whole.encoders if one not in asked.encoders],
        "intermediates": _beyond([one.slug for one in whole.intermediates], [one.slug for one in asked.intermediates]),
        "targets": _beyond([one.slug for one in whole.targets], [one.slug for one in asked.targets]),
        "seeds": _beyond([str(one) for one in whole.seeds], [str(one) for one in asked.seeds]),
    }
    return [f"{name} {', '.join(gone)}" for name, gone in found.items() if gone]


def _beyond(whole: list[str], part: list[str]) -> list[str]:
    return [one for one in whole if one not in part]


def _another(asked: Study) -> str:
    return (
        f"give this one a name of its own (--set name={asked.name}-2), or remove the recorded results first: "
        f"xtransfer results forget {asked.name}"
    )


def _by_slug(name: str, definition: Definition) -> dict[str, Any]:
    parse: type[Intermediate] | type[Target] = Intermediate if name == "intermediates" else Target
    return {parse.model_validate(one).slug: one for one in definition.get(name) or ()}


def _unequal(name: str, ours: Any, theirs: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for inner in sorted(ours.keys() | theirs.keys()):
            yield from _unequal(f"{name}.{inner}", ours.get(inner), theirs.get(inner))
    elif ours != theirs:
        yield name, ours, theirs


def _short(value: object) -> str:
    return "nothing" if value is None else str(value)
