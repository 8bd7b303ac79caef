"""Keeps names of a page whole: a narrow cell breaks `lab-nli@tr~lab-marian` before `~`, then `@`, not at a hyphen."""

from __future__ import annotations

import re

_TEXT = re.compile(r"<(/?\w+)[^>]*>[^<]+")  # a tag and the text behind it; a page's attributes have no raw `>`
_NO_NAMES = ("style", "title", "option", "output", "code", "pre", "text", "tspan")
_NAME = re.compile(r"[^\s<>]*\w[-@~]\w[^\s<>]*")
_BREAKS = (re.compile(r"(?<=\w)(?=[~+/]|&[lg]t;)"), re.compile(r"(?<=\w)(?=[@:,])"))  # the best first
_LONGEST = 18  # characters that are kept whole; more could leave their cell on a phone


def whole_names(page: str) -> str:
    """Returns a page in which a name's parts stay whole; copied text is as before."""
    text, sign, script = page.partition("<script>")  # its policy has the script's digest
    return _TEXT.sub(_marked, text) + sign + script


def _marked(found: re.Match[str]) -> str:
    tag, sign, text = found[0].partition(">")
    if found[1] in _NO_NAMES:
        return found[0]
    return tag + sign + _NAME.sub(lambda name: _whole(name[0], *_BREAKS), text)


def _whole(text: str, *breaks: re.Pattern[str]) -> str:
    """Returns a name as one part, or as parts between which it may be broken if it is long."""
    if len(text) <= _LONGEST:
        return f'<span class="name">{text}</span>'
    return "<wbr>".join(_whole(part, *breaks[1:]) for part in breaks[0].split(text)) if breaks else text
