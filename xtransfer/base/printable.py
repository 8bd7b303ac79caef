"""Text that a terminal, or a page in Markdown, shows and does not obey."""

from __future__ import annotations

import re

# control characters but for tab and newline, what changes the direction of other text, and halves of characters
_OBEYED = re.compile("[\0-\b\v-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with each character that a terminal obeys as its escape (`\\u001b`), which JSON reads as before."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def in_markdown(text: str) -> str:
    """The text with the special characters of Markdown and HTML escaped."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>#|~&!" else sign for sign in text)
