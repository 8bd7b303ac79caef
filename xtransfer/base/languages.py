"""Languages with code, name, family and script: those of `languages.tsv`, and those that benchmark files declare.

A code is never replaced by another: it is part of keys, and of the names of a source's folders and configurations. A
request with another code for a known language is refused, with the code to write.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

from xtransfer.base.errors import RequestError, unknown

SCRIPTS = {
    "Arab": "Arabic", "Armn": "Armenian", "Beng": "Bengali", "Cyrl": "Cyrillic", "Deva": "Devanagari",
    "Ethi": "Ethiopic", "Geor": "Georgian", "Grek": "Greek", "Gujr": "Gujarati", "Guru": "Gurmukhi", "Hang": "Hangul",
    "Hani": "Han", "Hebr": "Hebrew", "Jpan": "Japanese", "Khmr": "Khmer", "Knda": "Kannada", "Laoo": "Lao",
    "Latn": "Latin", "Mlym": "Malayalam", "Mymr": "Myanmar", "Olck": "Ol Chiki", "Orya": "Oriya", "Sinh": "Sinhala",
    "Taml": "Tamil", "Telu": "Telugu", "Tfng": "Tifinagh", "Thai": "Thai", "Tibt": "Tibetan",
}  # fmt: skip  # ISO 15924 code → name in Unicode, for the scripts of the table
NO_FAMILY = frozenset({"Isolate", "Artificial Language"})  # placeholders for languages without relatives

_CODE, _SCRIPT = re.compile(r"[a-z]{2,3}"), re.compile(r"[A-Z][a-z]{3}")


@dataclass(frozen=True)
class Language:
    """A language. To declare one, make it a module-level value of a benchmark file.

    `script` is given as an ISO 15924 code (`Latn`) or its name, and read as the name if the table has that script.
    """

    code: str  # ISO 639-1 if there is one, else ISO 639-3; `qaa` to `qtz` are free for varieties without a code
    name: str  # English
    family: str  # top-level family, as in Glottolog; "Isolate" for Basque
    script: str  # the usual script
    branch: str = ""  # within Indo-European, as in Glottolog; otherwise, same as family

    def __post_init__(self) -> None:
        object.__setattr__(self, "branch", self.branch or self.family)
        object.__setattr__(self, "script", SCRIPTS.get(self.script, self.script))

    def __str__(self) -> str:
        branch = f" ({self.branch})" if self.branch != self.family else ""
        return f"{self.name}, {self.family}{branch}, {self.script}"


def _read() -> Iterator[dict[str, str]]:
    with Path(__file__).with_suffix(".tsv").open(encoding="utf-8") as file:
        yield from csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t")


TABLE: dict[str, Language] = {}
FLORES: dict[str, str] = {}  # code → FLORES-200's
_MEANT: dict[str, str] = {}  # another code, or a name in lower case → code
for _row in _read():
    TABLE[_row["code"]] = Language(*(_row[name] for name in ("code", "name", "family", "script", "branch")))
    FLORES |= {_row["code"]: _row["flores"]} if _row["flores"] else {}
    _MEANT |= dict.fromkeys((*_row["also"].split(), _row["name"].lower()), _row["code"])

_declared: list[Callable[[], dict[str, Language]]] = []  # of benchmark files, once their index is imported
_recorded: dict[str, Language] = {}  # in results databases that were opened


class _Languages(Mapping[str, Language]):
    """The table's languages, then those that benchmark files declare, then others that an open database knows."""

    def __getitem__(self, code: str) -> Language:
        if code in TABLE:
            return TABLE[code]
        found = declared().get(code) or _recorded.get(code)
        if found is None:
            raise KeyError(code)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(TABLE | _recorded | declared())

    def __len__(self) -> int:
        return len(TABLE | _recorded | declared())


LANGUAGES: Mapping[str, Language] = _Languages()


def declared() -> dict[str, Language]:
    """Returns the languages of the user's benchmark files by code; raises RequestError for an invalid file."""
    return _declared[0]() if _declared else {}


def declared_by(files: Callable[[], dict[str, Language]]) -> None:
    """Sets where languages are declared: the index of benchmarks does, whose files this module cannot import."""
    _declared[:] = [files]


def record(languages: Iterable[Language]) -> None:
    """Adds languages of an open database, for results whose benchmark file is not on this machine."""
    _recorded.update({one.code: one for one in languages if one.code not in TABLE})


def why_not_declared(one: Language) -> str | None:
    """Returns why a language cannot be declared; None if it can."""
    if any(not isinstance(value, str) or not value.isprintable() for value in astuple(one)):
        return f"language {one.code!r}: code, name, family, script and branch must be text on one line"
    if not (one.name.strip() and one.family.strip()):
        return f"language '{one.code}': name or family is empty"
    if TABLE.get(one.code, one) != one:
        return f"language '{one.code}' is known as {TABLE[one.code]}; remove the declaration, or use qaa to qtz"
    if (known := _MEANT.get(one.code)) is not None:
        return f"language '{one.code}' is known as '{known}' ({TABLE[known]}); use that code"
    if not _CODE.fullmatch(one.code):
        return f"language '{one.code}': a code has two or three letters from a to z; free ones are qaa to qtz"
    if one.script not in SCRIPTS.values() and not _SCRIPT.fullmatch(one.script):
        return f"language '{one.code}': {unknown('script', one.script, SCRIPTS.values())}, or an ISO 15924 code"
    return None


def meant(code: str) -> str | None:
    """Returns the code of the language that another code or a name stands for, such as `cn`, `zh-CN`, `deu_Latn`."""
    text = code.strip().lower().replace("_", "-")
    for one in (text, text.partition("-")[0]):
        found = one if one in LANGUAGES else _MEANT.get(one)
        if found:
            return found
    return _MEANT[near[0]] if (near := difflib.get_close_matches(text, [*_MEANT], n=1, cutoff=0.8)) else None


def language(code: str) -> Language:
    """Returns the language of a code; raises RequestError with the code to write if it is unknown."""
    if code not in LANGUAGES:
        raise unknown_language(code)
    return LANGUAGES[code]


def unknown_language(code: str) -> RequestError:
    """Returns the error for an unknown code, with the code that is meant if that can be told."""
    near = meant(code)
    return RequestError(
        f"no language '{code}'; "
        + (f"did you mean '{near}' ({LANGUAGES[near].name})?" if near else
           "codes are ISO 639-1, or ISO 639-3 without one; a benchmark file can declare a language")
    )  # fmt: skip


@cache
def codes(text: str) -> tuple[str, ...]:
    """Returns `"ar bg de"` as a tuple of codes; raises RequestError for an unknown one."""
    return tuple(language(code).code for code in text.split())


XTREME = codes(
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl"
    " tr ur vi yo zh"
)
XTREME_R = tuple(sorted(XTREME + codes("az gu ht lt pa pl qu ro uk wo")))
