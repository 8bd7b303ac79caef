"""Makes training pairs from parallel texts: directions, order and batches."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerFast

from xtransfer.base.errors import RequestError
from xtransfer.base.randomness import derived
from xtransfer.kinds.batches import epoch_order

Pair = tuple[list[int], list[int]]
_POOL = 64  # batches sorted together by length: enough to save padding, few enough to keep batches mixed


@dataclass(frozen=True)
class Languages:
    """The directions of a translator: from every source to every other target."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def all(self) -> list[str]:
        """Each language once, sources first."""
        return list(dict.fromkeys([*self.sources, *self.targets]))

    def directions(self, text: dict[str, str]) -> list[tuple[str, str]]:
        """Returns the directions for which a text has both languages."""
        return [(one, two) for one in self.sources for two in self.targets if one != two and {one, two} <= text.keys()]


def languages_of(texts: Sequence[dict[str, str]], to_english: bool) -> Languages:
    """Returns directions from English to all other languages of the texts, or back.

    Raises RequestError if no text has both English and another language.
    """
    others = tuple(sorted({language for text in texts for language in text if "en" in text} - {"en"}))
    if not others:
        raise RequestError(f"a translator needs texts in 'en' and another language; none of {len(texts)} has both")
    return Languages(others, ("en",)) if to_english else Languages(("en",), others)


def pairs_of(
    texts: Sequence[dict[str, str]], languages: Languages, tokenizer: PreTrainedTokenizerFast, longest: int
) -> list[Pair]:
    """Returns token ids (source, target) of every text in each of its directions, cut to `longest` tokens.

    Each source starts with the target's mark.
    """
    said = [(f"{mark(two)} {text[one]}", text[two]) for text in texts for one, two in languages.directions(text)]
    asked = tokenizer([one for one, _ in said], truncation=True, max_length=longest)["input_ids"]
    wanted = tokenizer([two for _, two in said], truncation=True, max_length=longest)["input_ids"]
    return list(zip(asked, wanted, strict=True))


def batches_of(pairs: Sequence[Pair], batch_size: int, by_length: bool, seed: int, first: int) -> Iterator[list[Pair]]:
    """Yields batches without end, starting with step `first`; each depends only on its step."""
    per_epoch = math.ceil(len(pairs) / batch_size)
    while True:
        epoch, place = divmod(first - 1, per_epoch)
        order = epoch_order(len(pairs), derived(seed, "order"), epoch)
        batches = [order[at : at + batch_size] for at in range(0, len(pairs), batch_size)]
        if by_length:
            batches = _alike(pairs, order, batch_size, f"{derived(seed, 'batches')}/{epoch}")
        for batch in batches[place:]:
            yield [pairs[row] for row in batch]
        first += per_epoch - place


def _alike(pairs: Sequence[Pair], order: list[int], batch_size: int, seed: str) -> list[list[int]]:
    """Returns batches of rows of similar length: sorts pools of rows by length, then shuffles the batches."""
    pool = _POOL * batch_size
    ordered: list[int] = []
    for at in range(0, len(order), pool):
        ordered += sorted(order[at : at + pool], key=lambda row: (len(pairs[row][1]), len(pairs[row][0])))
    batches = [ordered[at : at + batch_size] for at in range(0, len(ordered), batch_size)]
    random.Random(seed).shuffle(batches)  # noqa: S311 - an order, not a secret
    return batches


def mark(language: str) -> str:
    """Returns the prefix of a source sentence that names the target language."""
    return f">>{language}<<"
