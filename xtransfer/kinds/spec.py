"""A kind: how benchmarks of one shape are encoded, trained, decoded, translated and shown.

Many benchmarks share few kinds. Plans and reports read kinds, and do without torch: modules of kinds import it only in
the functions that compute with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.kinds.carry import copied
from xtransfer.kinds.words import Value, Words, in_words
from xtransfer.metrics.metrics import Shape

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from xtransfer.kinds.batches import Batch
    from xtransfer.recipes.recipe import Recipe


# Any: each kind has its own forms
Target: TypeAlias = Any  # what is trained: label id, option index, tags; None if nothing is
Extra: TypeAlias = Any  # facts about a row's tokens: word positions, character offsets
Calibration: TypeAlias = Any  # what is set on the dev split: a threshold per language


@dataclass(frozen=True)
class Encoded:
    """One row as token sequences: one for a pair, one per option of a choice, one per window of a span.

    Encoded rows are cached on disk, so `target` and `extra` are None, numbers, strings, or tuples of these.
    """

    sequences: tuple[tuple[int, ...], ...]  # token ids including special tokens
    types: tuple[tuple[int, ...], ...] | None  # segment ids of the same lengths, if the encoder uses them
    target: Target
    extra: Extra = None


class Head(Protocol):
    """A torch module on top of the encoder's last hidden states.

    Four members are optional. `first_only = True` means that the head reads only each sequence's first token, so the
    other states need not be computed. `items(batch) -> int` returns how many items `loss` averages over. With it, a
    batch that does not fit into memory is split into micro-batches; a loss that compares rows must not define it.
    It may set `compares = True` instead, if each sequence or row has its own output and they come in order: a large
    batch is then encoded in micro-batches, and `loss` gets the outputs and the batch whole (gradient caching).
    `label_smoothing: float` is set to the recipe's in a training, for `loss` to read.
    """

    def __call__(self, states: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns outputs [rows, …] for states [sequences, tokens, hidden]; row i has `batch.sizes[i]` sequences."""
        ...

    def loss(self, outputs: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Returns the mean loss over the rows of the batch, a scalar."""
        ...


@dataclass(frozen=True)
class Prediction:
    """The prediction of a model for one row."""

    value: Value  # what the benchmark's metric reads
    scores: tuple[float, ...] = ()  # its logits or similarities, if there are few


Decode: TypeAlias = "Callable[[Benchmark, torch.Tensor, Sequence[Row], Sequence[Encoded]], list[Prediction]]"
Vectors: TypeAlias = "Sequence[torch.Tensor]"  # fp32 [sequences, hidden] per row; unit length if `Retrieval.unit`
Languages = Mapping[str, Sequence[Row]]


@dataclass(frozen=True)
class Retrieval:
    """How a kind predicts by comparing vectors. It needs no head: each sequence is pooled to one vector."""

    find: Callable[[Mapping[str, Vectors], Languages, Calibration], dict[str, list[Prediction]]]
    # (vectors by language, their rows, the result of `calibrate` or None) → one prediction per row
    calibrate: Callable[[Mapping[str, Vectors], Languages], Calibration] | None = None
    # sets parameters on the dev split before test is read
    unit: bool = True  # whether vectors are scaled to unit length, so that a dot product is a cosine
    measure: Callable[[Vectors], Mapping[str, float]] | None = None
    # statistics of a language's vectors to record besides scores
    one_of_all: bool = False  # whether a row's answer is one of all rows, so that guessing gives 100 / their number


@dataclass(frozen=True)
class Translatable:
    """How the rows of a kind are translated.

    `texts`: each text of the fields by itself. `answers`: also, each answer is found in the translated context
    (`translation.answers`). `tags`: tags are moved by word alignment (`translation.tags`), which a study must ask for.
    """

    fields: tuple[str, ...]  # that hold a text or a list of texts
    how: Literal["texts", "answers", "tags"] = "texts"
    some_empty: bool = False  # whether a source text may be empty
    negation_decides: bool = False  # whether the label may change with a lost "not"
    as_label: bool = False  # whether the answer is a label, an option or a number, the same in every language
    not_into_english: str = ""  # why test rows cannot be scored on their translation, where that needs its own reason


NEVER_TRAINED = "it is for scoring only, not for training"
FINDS_TRANSLATIONS = "its task is to find translations, which machine translation would give away"


@dataclass(frozen=True)
class Kind:
    """Everything that is known of one kind. To add one, declare such a value and list it in the index.

    A kind has `head` and `decode` (trained and scored), `head` alone (trained only), or `retrieval` (scored by
    comparing vectors), with a `head` if training can improve those vectors.
    """

    name: str
    fields: Mapping[str, type | GenericAlias]
    # canonical fields of a row besides `id` and `group` → str, int, float, list[str] or list[int]. Values of `label`
    # and `tags` become ids by the benchmark's labels; `answers` may be empty only if it declares `no_answer`
    about: str  # what a row is, in the words of the documentation: "two texts, one label"
    encode: Callable[[Sequence[Row], PreTrainedTokenizerBase, int], list[Encoded]]
    # (rows, tokenizer, maximum tokens per sequence) → one per row, independent of the other rows
    gold: Callable[[Benchmark, Row], Value]  # the correct value, in the form of `Prediction.value`
    head: Callable[..., torch.nn.Module] | None = None
    # (hidden size, benchmark, dropout) → Head; if `dual`, also the values of the recipe's `dual`
    dual: bool = False  # whether its head compares vectors with the settings of the recipe's `dual`
    prompts: bool = False  # whether `encode` puts prompts before its queries and passages (`kinds.prompts`)
    pools: bool = False  # whether its head reads one token of each sequence, which the recipe's `pooling` names
    hard_negatives: bool = False  # whether rows have a `target`, and training can add the targets most like it
    decode: Decode | None = None  # (benchmark, outputs of Head, rows, encoded) of one batch → one per row
    retrieval: Retrieval | None = None
    together: Callable[[Languages], dict[str, list[Row]]] | None = None
    # prepares the rows of all languages for scoring, before encoding (one pool of candidates over languages)
    carry: Callable[[torch.nn.Module, torch.nn.Module], bool] = copied
    # (source head, new head): initialises the new head from the source; returns False if they do not fit
    corrupt: Callable[[Batch, PreTrainedTokenizerBase, torch.Generator], Batch] | None = None
    # changes a training batch before the encoder sees it (masking) and sets its targets
    uninformed: Callable[[Sequence[Encoded], Recipe], float] | None = None
    # mean loss of the best answer that ignores the input, where the targets alone do not determine it
    may_be_empty: tuple[str, ...] = ()  # text fields that may be empty
    check: Callable[[Row], str | None] | None = None  # returns faults of a row other than wrong types
    declared: Callable[[Benchmark], str | None] | None = None  # returns other faults of a declaration than columns
    translation: Translatable | str = "its kind does not say which of its fields are texts"
    # or why its rows cannot be translated
    shown: tuple[str, ...] = ()  # fields that a person reads beside a prediction, if it predicts
    words: Words = in_words  # what `gold` and predictions are to a person
    shape: Shape = "texts"  # of `gold` and predictions, as metrics read them
    version: int = 1  # increase it when the output of `encode` changes, since encoded rows are cached
