"""An answer between marks that a translator carries over: where they stand in the translation is the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from xtransfer.translation.alignment import Span


@dataclass(frozen=True)
class Marks:
    """A kind of marks: what is written round an answer, and the signs as which they may come out."""

    before: str
    behind: str
    written: str  # the signs, as a class of regular expressions

    def put(self, sentence: str, answer: Span) -> str | None:
        """The sentence with the answer marked; None where it holds such signs of its own."""
        if re.search(self.written, sentence):
            return None
        start, end = answer
        return f"{sentence[:start]}{self.before}{sentence[start:end]}{self.behind}{sentence[end:]}"

    def within(self, marked: str) -> tuple[str, str] | None:
        """What stands before the marks of a translated sentence, and what between them; None where they are lost."""
        parts = re.split(self.written, marked)
        if len(parts) != 3 or not parts[1].strip():
            return None
        return parts[0], parts[1].strip()


# The first is taken of which a translator keeps the signs. Square brackets are rarest in texts; Chen et al. 2023
# ("Frustratingly Easy Label Projection for Cross-lingual Transfer") found them to survive best
MARKS = (
    Marks("[", "]", r"[\[\]［］]"),
    Marks('"', '"', '["“”„«»＂「」]'),
    Marks("(", ")", r"[()（）]"),
)
