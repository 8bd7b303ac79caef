"""Compares and unites recorded studies: more seeds extend a study, but another recipe makes it a different one.

Works on a study's JSON, as in databases and exported files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from xtransfer.base.declared import JsonObject
from xtransfer.base.errors import RequestError
from xtransfer.study.intermediate import Intermediate
from xtransfer.study.study import Study, Target

Definition = Mapping[str, Any]  # Any: JSON, unchecked

EXTENTS = ("encoders", "intermediates", "targets", "languages", "seeds")
_WORDS = ("name", "question", "note", "small", "align_tags")  # none changes the meaning of a score


def normal(definition: Definition) -> JsonObject:
    """Returns a definition with all fields of this version; raises ValidationError if it is not a valid study."""
    return Study.model_validate(definition).model_dump(mode="json")


def differences(ours: Definition, theirs: Definition) -> list[tuple[str, object, object]]:
    """Returns (field path, ours, theirs) for each difference in meaning between two normal definitions."""
    found: list[tuple[str, object, object]] = []
    for name in sorted(ours.keys() - {*EXTENTS, *_WORDS}):
        found += _unequal(name, ours[name], theirs[name])
    for name in ("intermediates", "targets"):
        mine, other = _by_slug(name, ours), _by_slug(name, theirs)
        for slug in (slug for slug in mine if slug in other):
            found += _unequal(f"{name} {slug}", mine[slug], other[slug])
    return found


def united(ours: Definition, theirs: Definition) -> JsonObject:
    """Returns our definition extended by what only theirs covers, for definitions without differences."""
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
    """Returns the recorded study extended by `asked`; raises RequestError if the two differ in meaning."""
    new = asked.model_dump(mode="json")
    try:
        old = normal(recorded)
    except ValidationError as error:
        raise RequestError(
            f"study '{asked.name}' was recorded by a version of xtransfer with settings that this version cannot read; "
            f"{_another(asked)}"
        ) from error
    if changed := differences(old, new):
        if asked.rounds and not asked.rounds.prior and all(name.startswith("rounds.prior.") for name, *_ in changed):
            raise RequestError(f"study '{asked.name}' began with predictions of what runs first: add --prior to go on")
        lines = [
            f"  {name}: {_short(before)} is recorded, {_short(now)} was requested" for name, before, now in changed
        ]
        raise RequestError(
            "\n".join([f"study '{asked.name}' is recorded with other settings:", *lines, _another(asked)])
        )
    words = {name: new[name] for name in _WORDS}
    return Study.model_validate({**united(old, new), **words})


def left_out(whole: Study, asked: Study) -> list[str]:
    """Returns what `whole` covers but `asked` does not, in words: `seeds 0, 1`. Languages are never left out."""
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
        f"give this one another name (--set name={asked.name}-2), or remove the recorded results first: "
        f"xtransfer results forget {asked.name}"
    )


def _by_slug(name: str, definition: Definition) -> JsonObject:
    parse: type[Intermediate] | type[Target] = Intermediate if name == "intermediates" else Target
    return {parse.model_validate(one).slug: one for one in definition.get(name) or ()}


def _unequal(name: str, ours: object, theirs: object) -> Iterator[tuple[str, object, object]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for inner in sorted(ours.keys() | theirs.keys()):
            yield from _unequal(f"{name}.{inner}", ours.get(inner), theirs.get(inner))
    elif ours != theirs:
        yield name, ours, theirs


def _short(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items() if one not in (None, "")) or "an empty one"
    return "nothing" if value is None else str(value)
