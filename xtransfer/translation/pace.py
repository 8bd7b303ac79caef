"""How fast work goes and how long the rest takes."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class Pace:
    """Sentences per second, and seconds left by the tokens that are left: long sentences come first and take
    longest."""

    def __init__(self, total_tokens: int, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._total = total_tokens
        self._tokens = self._sentences = 0

    def after(self, sentences: int, tokens: int) -> dict[str, float]:
        """The numbers after so many more."""
        self._sentences += sentences
        self._tokens += tokens
        seconds = max(self._clock() - self._started, 1e-9)
        left = seconds * (self._total - self._tokens) / max(1, self._tokens)
        return {"sentences_per_second": round(self._sentences / seconds, 1), "seconds_left": round(left, 1)}
