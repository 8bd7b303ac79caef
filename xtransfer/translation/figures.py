"""Numbers of a text that its translation has lost."""

from __future__ import annotations

import re
import unicodedata

_NUMBER = re.compile(r"\d+(?:[.,'’٫٬\u00a0\u202f]\d+)*(?!\d*[.,]?\d*(?:s\b|[’'] ?s\b))")  # no decades: "the 1980s"
_SHORT = 3  # digits; shorter ones are often put in words, or are hours of another clock
_WRITTEN_OUT = re.compile("[〇一二三四五六七八九十百千万亿萬億兆만억조천백]")  # East Asia counts by ten thousands


def lost_number(source: str, output: str) -> str | None:
    """The first number of at least three digits whose digits the output does not have in their order, None where all
    are there or where the output has numbers in words of East Asia."""
    if _WRITTEN_OUT.search(output):
        return None
    wanted = [number for number in map(_digits, _NUMBER.findall(source)) if len(number) >= _SHORT]
    found = _digits(output) if wanted else ""
    return next((number for number in wanted if number not in found), None)


def _digits(text: str) -> str:
    """The digits of a text, of whichever script, as ASCII."""
    return "".join(str(unicodedata.decimal(one)) for one in text if one.isdecimal())
