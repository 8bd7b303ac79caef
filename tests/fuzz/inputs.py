"""Strategies for inputs that are wrong in many ways: valid ones that were changed, and plain nonsense."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from hypothesis import strategies as st

Path = tuple[Any, ...]  # keys and indices from the top of a value

_SPECIAL = (
    "", " ", "\0", "\x1b[2J", "\ud800", "\u202e", "../..", "~nobody/x", "a" * 300, "=cmd|calc!A0", "<img onerror=x>",
    "%s%n", "{language}", "{0.__class__}", "é", "1e999", ".nan", "0x_", "1_0", "2026-99-99", "2026-01-01 25:00:00",
    "!!float x", "!!binary 'x'", "!!python/object:os.system", "&a [*a]", "*b", "<<: x", "[" * 200, "{" * 50, "? [x]: y",
    "9" * 5000, "-1", "null", "on", "12:30:45", "lab-nli@de~lab-marian", "xnli<xnli:layer7", "direct", "lab-mini@0",
)  # fmt: skip
_NUMBERS = (0, -1, 2**31 - 1, 2**31, 2**53, 2**63, 10**30, -(10**30))
words = st.sampled_from(_SPECIAL) | st.text(max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-100, 100)
    | st.sampled_from(_NUMBERS)
    | st.floats()
    | st.sampled_from((float("nan"), float("inf"), 1e308))
    | words
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=8
)


def _paths(value: Any, at: Path = ()) -> Iterator[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*at, key)
        yield from _paths(inner, (*at, key))


@st.composite
def changed(draw: st.DrawFn, valid: Any) -> Any:
    """A JSON object with one to three of its parts replaced, removed or doubled."""
    made = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        paths = list(_paths(made))
        if not paths:
            break
        *above, last = draw(st.sampled_from(paths))
        inside = made
        for key in above:
            inside = inside[key]
        match draw(st.sampled_from(("put", "put", "drop", "add", "wrap"))):
            case "put":
                inside[last] = draw(values)
            case "drop":
                del inside[last]
            case "wrap":
                inside[last] = [inside[last]]
            case _ if isinstance(inside, dict):
                inside[draw(words)] = draw(values)
            case _:
                inside.append(draw(values))
    return made


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of which some were changed, cut out, repeated, or cut off."""
    made = bytearray(data)
    for _ in range(draw(st.integers(0, 6))):
        made[draw(st.integers(0, len(made) - 1))] = draw(st.integers(0, 255))
    first, last = sorted((draw(st.integers(0, len(made))), draw(st.integers(0, len(made)))))
    match draw(st.sampled_from(("changed", "cut", "repeated", "short"))):
        case "cut":
            return bytes(made[:first] + made[last:])
        case "repeated":
            return bytes(made[:last] + made[first:])
        case "short":
            return bytes(made[:first])
    return bytes(made)


def texts(*valid: Any, written: Callable[[Any], str]) -> st.SearchStrategy[bytes]:
    """Files of text: a valid value changed before or after it was written, or fragments in a row."""
    whole = [written(one) for one in valid]
    return st.one_of(
        *(changed(one).map(lambda value: written(value).encode("utf-8", "surrogatepass")) for one in valid),
        *(damaged(one.encode()) for one in whole),
        st.lists(words | st.sampled_from((":", "- ", "\n", "  ", "{", "}", "[", "]", ",")), max_size=12).map(
            lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
        ),
    )


def as_json(value: Any) -> str:
    return json.dumps(value)


def as_yaml(value: Any) -> str:
    return yaml.safe_dump(value)
