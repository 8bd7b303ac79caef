"""Engines: what turns sentences of one language into another's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from xtransfer.base.stage import Progress, silent
from xtransfer.translation.alignment import Aligned, Weights, places_of
from xtransfer.translation.kept import Kept, Nowhere
from xtransfer.translation.pace import Pace
from xtransfer.translation.reader import Directions, Reader
from xtransfer.translation.sentences import cleaned, joined, sentences_of

_LONG = 256  # tokens; models of many languages were trained on single sentences and leave parts of longer texts out
_SHARD = 1024  # sentences that are translated and kept together: what a kill can cost
_KEPT_PER_QUESTION = 20_000  # sentences
Tokens = Mapping[str, "array[int]"]  # sentence → its token ids


class Engine(Protocol):
    """Translates sentences. Equal sentences get equal translations, in the order in which they came."""

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Progress = silent) -> list[str]:
        """One output per sentence; empty where the engine could not translate it."""
        ...


@runtime_checkable
class Aligner(Protocol):
    """An engine that tells which words of a translation come from which."""

    def aligned(self, sentences: Sequence[str], source: str, target: str) -> list[Aligned | None]:
        """The translation of each sentence with its alignment; None where there is none."""
        ...


class ModelEngine(ABC):
    """An engine round a seq2seq model of Marian's or M2M100's kind; a library that can run one adds `generate`."""

    def __init__(self, folder: Path, reader: Reader, decoding: Sequence[str | int]) -> None:
        """`decoding`: what beside the files of `folder` decides outputs: library, version, number format, beams."""
        self.folder, self.reader = folder, reader
        self.decoding = tuple(decoding)
        self.kept: Kept = Nowhere()

    @property
    def directions(self) -> Directions:
        return self.reader.directions

    @abstractmethod
    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        """The tokens that the model says to each row of token ids, longest row first: without a start, with `end`
        where it came to an end. Where there is a token `first`, each output begins with it."""

    @abstractmethod
    def attend(self, rows: Sequence[Sequence[int]], first: int | None) -> list[tuple[list[int], Weights]]:
        """As `generate`, and beside the tokens what the model looks at when it says each: [tokens, tokens of the row],
        from the layer that tells best what a token translates."""

    def most(self, length: int) -> int:
        """Tokens that a sentence of `length` tokens may become: longer output has lost its way."""
        return min(self.reader.longest - 1, 2 * length + 10)

    def translate(self, sentences: Sequence[str], source: str, target: str, progress: Progress = silent) -> list[str]:
        """Each distinct sentence once, sorted by length, without control characters.

        A text that is too long for the model (for one of many languages: over 256 tokens) is translated sentence by
        sentence; with a sentence that is too long even so it comes back empty. Raises RequestError for a direction
        that the model does not have.
        """
        self.directions.check(source, target)
        texts = [cleaned(sentence) for sentence in sentences]
        distinct = [text for text in dict.fromkeys(texts) if text.strip()]
        parts, tokens = self._in_parts(distinct, source, target)
        found = self._translated(tokens, source, target, progress)
        made = {text: joined([found[part] for part in parts[text]], target) for text in distinct}
        return [made.get(text, "") for text in texts]

    def aligned(self, sentences: Sequence[str], source: str, target: str) -> list[Aligned | None]:
        """The translation of each sentence and which of its words come from which; None for one that is too long to be
        translated whole, is empty or was not translated to its end.

        Nothing of it is kept. The text is that of `translate`, but for sums that a machine rounds otherwise in other
        company: who needs both compares them.
        """
        self.directions.check(source, target)
        texts = [cleaned(sentence) for sentence in sentences]
        distinct = [text for text in dict.fromkeys(texts) if text.strip()]
        encoded = zip(distinct, self.reader.encode(distinct, source, target), strict=True)
        fitting = {text: ids for text, ids in encoded if len(ids) <= self._whole}
        order = sorted(fitting, key=lambda text: (-len(fitting[text]), text))
        said = self.attend([fitting[text] for text in order], self.reader.token(target))
        made = {
            text: self._aligned(text, fitting[text], *one)
            for text, one in zip(order, said, strict=True)
            if self._ended(one[0], len(fitting[text]))
        }
        return [made.get(text) for text in texts]

    def _aligned(self, text: str, ids: Sequence[int], said: Sequence[int], weights: Weights) -> Aligned:
        output = self.reader.decode([said[1 if self.directions.tokens else 0 :]])[0]
        return Aligned(
            output,
            places_of(self.reader.pieces(ids), text.replace("\n", " ")),
            places_of(self.reader.pieces(said), output),
            weights,
        )

    @property
    def _whole(self) -> int:
        """Tokens up to which a text is translated as one."""
        return min(_LONG, self.reader.longest) if self.directions.tokens else self.reader.longest

    def _in_parts(self, texts: Sequence[str], source: str, target: str) -> tuple[dict[str, list[str]], Tokens]:
        """The parts of each text that are translated one by one, and the token ids of every part."""
        encoded = dict(zip(texts, self.reader.encode(texts, source, target), strict=True))
        parts = {text: sentences_of(text) if len(ids) > self._whole else [text] for text, ids in encoded.items()}
        wanted = list(dict.fromkeys(part for several in parts.values() for part in several))
        new = [part for part in wanted if part not in encoded]
        encoded |= zip(new, self.reader.encode(new, source, target), strict=True)
        return parts, {part: encoded[part] for part in wanted}

    def _translated(self, tokens: Tokens, source: str, target: str, progress: Progress) -> dict[str, str]:
        """Sentence → translation, empty where a sentence is too long for the model."""
        direction = f"{source}-{target}"
        made = {part: "" for part, ids in tokens.items() if len(ids) > self.reader.longest}
        fitting = [part for part in tokens if part not in made]
        made |= self._known(direction, fitting)
        missing = sorted((part for part in fitting if part not in made), key=lambda part: (-len(tokens[part]), part))
        pace = Pace(sum(len(tokens[part]) for part in missing))
        done = len(fitting) - len(missing)
        for start in range(0, len(missing), _SHARD):
            shard = {part: tokens[part] for part in missing[start : start + _SHARD]}
            made |= self._shard(direction, shard, target)
            done += len(shard)
            numbers = pace.after(len(shard), sum(map(len, shard.values())))
            progress(f"translating to {target}", done, len(fitting), numbers)
        return made

    def _known(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(sentences), _KEPT_PER_QUESTION):
            found |= self.kept.known(direction, sentences[start : start + _KEPT_PER_QUESTION])
        return found

    def _shard(self, direction: str, shard: Tokens, target: str) -> dict[str, str]:
        said = self.generate(list(shard.values()), self.reader.token(target))
        cut = frozenset(
            part for (part, ids), one in zip(shard.items(), said, strict=True) if not self._ended(one, len(ids))
        )
        limited = [one[: self.most(len(ids))] for one, ids in zip(said, shard.values(), strict=True)]
        first = 1 if self.directions.tokens else 0  # the language
        outputs = dict(zip(shard, self.reader.decode([one[first:] for one in limited]), strict=True))
        self.kept.keep(direction, outputs, cut)
        return outputs

    def _ended(self, said: Sequence[int], length: int) -> bool:
        return len(said) <= self.most(length) and said[-1:] == [self.reader.end]
