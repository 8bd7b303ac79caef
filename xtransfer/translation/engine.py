"""Translation engines: translate sentences of one language into another."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Protocol, runtime_checkable

from xtransfer.base.stage import Progress, no_progress
from xtransfer.translation.model_tokenizer import Directions, ModelTokenizer
from xtransfer.translation.sentences import cleaned, joined, sentence_spans, sentences_of
from xtransfer.translation.span_matching import Aligned, Weights, joined_alignments, token_spans
from xtransfer.translation.translation_store import NullStore, TranslationStore

_SHARD = 1024  # sentences translated and stored together; an interruption loses at most these
_SENTENCES_PER_QUERY = 20_000  # of the store
Tokens = Mapping[str, "array[int]"]  # sentence → its token ids


class Engine(Protocol):
    """Translates texts. Equal texts get equal translations."""

    def translate(
        self, sentences: Sequence[str], source: str, target: str, progress: Progress = no_progress
    ) -> list[str]:
        """Returns one output per text, in order; empty if the engine could not translate it."""
        ...


@runtime_checkable
class Aligner(Protocol):
    """An engine that also reports which source words each word of a translation comes from."""

    def aligned(self, sentences: Sequence[str], source: str, target: str) -> list[Aligned | None]:
        """Returns the translation of each text with its alignment; None if there is none."""
        ...


class ModelEngine(ABC):
    """An engine for a seq2seq model; each library that runs such models implements `generate` and `attend`.

    Models are trained on single sentences and tend to skip parts of longer texts, so texts are translated by sentence.
    """

    def __init__(self, folder: Path, tokenizer: ModelTokenizer, decoding: Sequence[str | int]) -> None:
        """`decoding`: what determines outputs besides the files in `folder`: library, version, number format, beams."""
        self.folder, self.tokenizer = folder, tokenizer
        self.decoding = tuple(decoding)
        self.store: TranslationStore = NullStore()

    @property
    def directions(self) -> Directions:
        return self.tokenizer.directions

    @abstractmethod
    def generate(self, rows: Sequence[Sequence[int]], first: int | None) -> list[list[int]]:
        """Returns the output token ids of rows of source token ids, which are sorted by length, longest first.

        Outputs have no start token, and end with the end token if they are finished. With a token `first`, each output
        starts with it.
        """

    @abstractmethod
    def attend(self, rows: Sequence[Sequence[int]], first: int | None) -> list[tuple[list[int], Weights]]:
        """Like `generate`, with the cross-attention of each output: [output tokens, source tokens].

        It is that of the layer that aligns words best (`aligning_layer`).
        """

    def output_limit(self, length: int) -> int:
        """Returns the maximum number of output tokens for `length` source tokens; longer outputs are loops."""
        return min(self.tokenizer.longest - 1, 2 * length + 10)

    def translate(
        self, sentences: Sequence[str], source: str, target: str, progress: Progress = no_progress
    ) -> list[str]:
        """Translates each distinct sentence once, sorted by length, without control characters.

        A text with a sentence that is too long for the model becomes empty. Raises RequestError for a direction that
        the model does not have.
        """
        self.directions.check(source, target)
        texts = [cleaned(sentence) for sentence in sentences]
        parts = {text: sentences_of(text) for text in _distinct(texts)}
        tokens = self._encoded((part for several in parts.values() for part in several), source, target)
        found = self._translated(tokens, source, target, progress)
        outputs = {text: joined([found[part] for part in several], target) for text, several in parts.items()}
        return [outputs.get(text, "") for text in texts]

    def aligned(self, sentences: Sequence[str], source: str, target: str) -> list[Aligned | None]:
        """Returns the translation of each text with its word alignment.

        None for a text that is empty, or has a sentence that is too long or whose output was cut. Stores nothing.
        Outputs equal those of `translate` up to rounding, which depends on the batch: compare them if both are needed.
        """
        self.directions.check(source, target)
        texts = [cleaned(sentence) for sentence in sentences]
        spans = {text: sentence_spans(text) for text in _distinct(texts)}
        tokens = self._encoded(
            (text[slice(*one)] for text, several in spans.items() for one in several), source, target
        )
        order = _longest_first({part: ids for part, ids in tokens.items() if len(ids) <= self.tokenizer.longest})
        attended = self.attend([tokens[part] for part in order], self.tokenizer.language_token(target))
        made = {
            part: self._aligned(part, tokens[part], *one)
            for part, one in zip(order, attended, strict=True)
            if self._finished(one[0], len(tokens[part]))
        }
        whole: dict[str, Aligned] = {}
        for text, several in spans.items():
            parts = [made[part] for part in (text[slice(*one)] for one in several) if part in made]
            if len(parts) == len(several):
                whole[text] = joined_alignments(parts, [begin for begin, _ in several], target)
        return [whole.get(text) for text in texts]

    def _aligned(self, text: str, ids: Sequence[int], generated: Sequence[int], weights: Weights) -> Aligned:
        output = self.tokenizer.decode([generated[self._num_language_tokens :]])[0]
        return Aligned(
            output,
            token_spans(self.tokenizer.pieces(ids), text),
            token_spans(self.tokenizer.pieces(generated), output),
            weights,
        )

    @property
    def _num_language_tokens(self) -> int:
        """Returns how many tokens at the start of an output name its language."""
        return 1 if self.directions.tokens else 0

    def _encoded(self, sentences: Iterable[str], source: str, target: str) -> Tokens:
        """Returns the token ids of each distinct sentence."""
        distinct = list(dict.fromkeys(sentences))
        return dict(zip(distinct, self.tokenizer.encode(distinct, source, target), strict=True))

    def _translated(self, tokens: Tokens, source: str, target: str, progress: Progress) -> dict[str, str]:
        """Returns sentence → translation, which is empty if a sentence is too long for the model."""
        direction = f"{source}-{target}"
        outputs = {part: "" for part, ids in tokens.items() if len(ids) > self.tokenizer.longest}
        fitting = [part for part in tokens if part not in outputs]
        outputs |= self._stored(direction, fitting)
        missing = _longest_first({part: tokens[part] for part in fitting if part not in outputs})
        pace = Pace(sum(len(tokens[part]) for part in missing))
        done = len(fitting) - len(missing)
        for start in range(0, len(missing), _SHARD):
            shard = {part: tokens[part] for part in missing[start : start + _SHARD]}
            outputs |= self._shard(direction, shard, target)
            done += len(shard)
            numbers = pace.after(len(shard), sum(map(len, shard.values())))
            progress(f"translating to {target}", done, len(fitting), numbers)
        return outputs

    def _stored(self, direction: str, sentences: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for start in range(0, len(sentences), _SENTENCES_PER_QUERY):
            found |= self.store.find(direction, sentences[start : start + _SENTENCES_PER_QUERY])
        return found

    def _shard(self, direction: str, shard: Tokens, target: str) -> dict[str, str]:
        generated = self.generate(list(shard.values()), self.tokenizer.language_token(target))
        lengths = [len(ids) for ids in shard.values()]
        cut = frozenset(
            part for part, one, length in zip(shard, generated, lengths, strict=True) if not self._finished(one, length)
        )
        limited = [one[: self.output_limit(length)] for one, length in zip(generated, lengths, strict=True)]
        texts = self.tokenizer.decode([one[self._num_language_tokens :] for one in limited])
        outputs = dict(zip(shard, texts, strict=True))
        self.store.add(direction, outputs, cut)
        return outputs

    def _finished(self, generated: Sequence[int], length: int) -> bool:
        return len(generated) <= self.output_limit(length) and generated[-1:] == [self.tokenizer.end]


class Pace:
    """Sentences per second and seconds left, estimated by tokens: long sentences come first and take longest."""

    def __init__(self, total_tokens: int, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._total = total_tokens
        self._tokens = self._sentences = 0

    def after(self, sentences: int, tokens: int) -> dict[str, float]:
        """Returns sentences_per_second and seconds_left, after this many more are done."""
        self._sentences += sentences
        self._tokens += tokens
        seconds = max(self._clock() - self._started, 1e-9)
        left = seconds * (self._total - self._tokens) / max(1, self._tokens)
        return {"sentences_per_second": round(self._sentences / seconds, 1), "seconds_left": round(left, 1)}


def _distinct(texts: Sequence[str]) -> list[str]:
    """Returns each text once, without blank ones."""
    return [text for text in dict.fromkeys(texts) if text.strip()]


def _longest_first(tokens: Tokens) -> list[str]:
    return sorted(tokens, key=lambda part: (-len(tokens[part]), part))
