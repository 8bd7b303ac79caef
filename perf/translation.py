"""Translation of inference data with natural repetition, in CPU seconds: xtransfer against `model.generate`.

The alternative is `generate` as people write it: every sentence in row order, in batches of 8 padded to the longest,
greedy, float32. The engine alone is compared too: distinct sentences sorted by length, in batches of 32 for `generate`,
and the same sentences for CTranslate2. One thread each. Without `--model` the model has OPUS-MT's shape (width 512,
6 + 6 layers) and random weights, and every output is as long as the longest source sentence of its batch, so quality is
not measured. With `--model FOLDER` (a translator from English, such as a study's) the model ends its outputs, and the
chrF of int8 is compared with float32, on Multi30k's test split if a mirror has it.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import ctranslate2
import torch
from transformers import GenerationConfig

from perf.measure import Bound, Measure, Way, in_turns, parser, show
from xtransfer import benchmarks
from xtransfer.base.errors import SourceError
from xtransfer.benchmarks.spec import Row
from xtransfer.data import multi30k
from xtransfer.data.load import load_rows
from xtransfer.recipes.translator import TranslatorRecipe
from xtransfer.translation.ctranslate2_engine import CTranslate2Engine
from xtransfer.translation.transformers_engine import TransformersEngine

ROWS, QUICK_ROWS = 240, 12
SEARCHED = 8  # times as many rows are read, to find enough that fit a small model's positions
BEAMS_ROWS = 3  # beam search reads 1 in 3 rows
TOKENIZER_ROWS = 2000
AS_WRITTEN, SORTED = 8, 32  # sentences per batch of the alternatives
WHOLE, ENGINE = 9.0, 3.0  # goals
LOSS = 0.3  # chrF points that int8 may cost
SHAPE = TranslatorRecipe(
    vocab_size=8000, width=512, layers=6, heads=8, feed_forward=2048, steps=1, batch_size=2, max_length=512
)
QUICK_SHAPE = SHAPE.model_copy(update={"vocab_size": 2000, "width": 64, "layers": 1, "heads": 2, "feed_forward": 64})
Pairs = Sequence[Row]


class FixedLength(CTranslate2Engine):
    """Outputs are as long as the longest source sentence of a call, because an untrained model never ends one."""

    def _results(
        self, rows: list[Sequence[int]], first: int | None, limit: int, return_attention: bool = False
    ) -> list[ctranslate2.TranslationResult]:
        longest = max(map(len, rows))
        results: list[ctranslate2.TranslationResult] = self._model.translate_batch(
            [[self._tokens[number] for number in row] for row in rows],
            max_batch_size=self._max_tokens,
            batch_type="tokens",
            beam_size=self._beams,
            min_decoding_length=longest,
            max_decoding_length=longest,
            max_input_length=0,
            suppress_sequences=self._never,
        )
        return results


@dataclass
class Translators:
    """One model in each library."""

    theirs: TransformersEngine
    folders: dict[str, Path]
    trained: bool
    target: str

    def ours(self, number_format: str, beams: int = 1) -> CTranslate2Engine:
        """A new engine, without caches of an earlier run."""
        make = CTranslate2Engine if self.trained else FixedLength
        return make(self.folders[number_format], beams=beams)

    def fitting(self, rows: Pairs) -> Pairs:
        """The rows whose sentences fit the model's positions."""
        tokenizer = self.theirs.tokenizer
        lengths = map(len, tokenizer.encode(sentences_of(rows), "en", self.target))
        return [row for row in rows if max(next(lengths), next(lengths)) < tokenizer.longest]

    def generate(self, sentences: Sequence[str], per_batch: int, beams: int = 1) -> list[str]:
        """Translate sentences in the given order, as a script does."""
        found: list[str] = []
        left = iter(sentences)
        while batch := list(islice(left, per_batch)):
            encoded = self.theirs.tokenizer.encode(batch, "en", self.target)
            inputs = self.theirs.tokenizer.backend.pad({"input_ids": list(map(list, encoded))}, return_tensors="pt")
            said = self._generate(inputs, beams)
            found += self.theirs.tokenizer.decode(said[:, 1:].tolist())
        return found

    def _generate(self, inputs: Mapping[str, torch.Tensor], beams: int) -> torch.Tensor:
        model = self.theirs._model
        config, longest = model.generation_config, inputs["input_ids"].shape[1]
        ends = {"max_new_tokens": min(self.theirs.tokenizer.longest - 1, 2 * longest + 10)}
        fixed = {"max_new_tokens": longest, "min_new_tokens": longest}
        with torch.inference_mode():
            said: torch.Tensor = model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                generation_config=GenerationConfig(
                    num_beams=beams,
                    do_sample=False,
                    pad_token_id=config.pad_token_id,
                    eos_token_id=config.eos_token_id,
                    decoder_start_token_id=config.decoder_start_token_id,
                    **(ends if self.trained else fixed),
                ),
            )
        return said


def measure(translators: Translators, rows: Pairs, rounds: int, goals: bool) -> list[Measure | Bound]:
    """Rows of the table: the whole translation, and the engine alone; greedy, and with four beams."""
    sentences, fewer = sentences_of(rows), sentences_of(rows[: len(rows) // BEAMS_ROWS])
    distinct, fewer_distinct = by_length(sentences), by_length(fewer)
    engines = {beams: translators.ours("int8", beams) for beams in (1, 4)}
    exact = translators.ours("float32")

    def ours(engine: CTranslate2Engine, texts: Sequence[str]) -> Way:
        return _timed(lambda: engine.translate(texts, "en", translators.target))

    def other(texts: Sequence[str], per_batch: int, beams: int = 1) -> Way:
        return _timed(lambda: translators.generate(texts, per_batch, beams))

    seconds = in_turns(
        {
            "ours": ours(engines[1], sentences),
            "ours, beam 4": ours(engines[4], fewer),
            "engine": ours(engines[1], distinct),
            "engine, float32": ours(exact, distinct),
            "engine, beam 4": ours(engines[4], fewer_distinct),
            "as written": other(sentences, AS_WRITTEN),
            "as written, beam 4": other(fewer, AS_WRITTEN, 4),
            "sorted": other(distinct, SORTED),
            "sorted, beam 4": other(fewer_distinct, SORTED, 4),
        },
        rounds,
        before=0,
    )

    def against(name: str, way: str, beside: str, least: float | None = None) -> Measure:
        return Measure(name, seconds[way], seconds[beside], least=least if goals else None)

    return [
        against("all of it, int8 / generate as people write it", "ours", "as written", WHOLE),
        against("the engine alone, int8 / sorted, float32", "engine", "sorted", ENGINE),
        against("the engine alone, float32 / sorted, float32", "engine, float32", "sorted"),
        against("all of it, beam 4 / as people write it, beam 4", "ours, beam 4", "as written, beam 4"),
        against("the engine alone, beam 4 / sorted, beam 4", "engine, beam 4", "sorted, beam 4"),
        Bound("share of sentences that are distinct", len(distinct) / len(sentences), None),
        Bound("distinct sentences per CPU second, int8", len(distinct) / min(seconds["engine"]), None),
    ]


def _timed(work: Callable[[], object]) -> Way:
    """A way that returns the CPU seconds of `work`."""

    def seconds() -> float:
        started = process_time()
        work()
        return process_time() - started

    return seconds


def sentences_of(rows: Pairs) -> list[str]:
    """Sentences in row order, with repetitions."""
    return [row[field] for row in rows for field in ("first", "second")]


def by_length(sentences: Sequence[str]) -> list[str]:
    """Distinct sentences, the longest first."""
    return sorted(dict.fromkeys(sentences), key=len, reverse=True)


def inference_rows(most: int) -> list[Row]:
    """LingNLI's pairs, whose premises repeat as in MNLI, or the laboratory's if no mirror has them."""
    try:
        return load_rows(benchmarks.get("lingnli"), "en", "train", most)
    except SourceError:
        return load_rows(benchmarks.get("lab-nli"), "en", "train", most)


def chrf_loss(translators: Translators, rows: Pairs, goals: bool) -> list[Bound]:
    """chrF points between float32 and int8, against human translations or the model's own output."""
    from sacrebleu.metrics.chrf import CHRF

    sentences, wanted, against = _references(translators, rows)
    made = {name: translators.ours(name).translate(sentences, "en", translators.target) for name in translators.folders}
    scores = {name: CHRF().corpus_score(outputs, [wanted]).score for name, outputs in made.items()}
    loss = scores["float32"] - scores["int8"]
    return [
        Bound(f"chrF against {against} that int8 loses to float32", loss, LOSS if goals else None),
        Bound(f"chrF against {against}, float32", scores["float32"], None),
    ]


def _references(translators: Translators, rows: Pairs) -> tuple[list[str], list[str], str]:
    """Sentences, references, and their name: Multi30k's test split, or if it or the language is missing, the rows and
    the model's own float32 output of transformers."""
    try:
        texts = multi30k.test_texts()
    except SourceError:
        texts = []
    known = [(text["en"], text[translators.target]) for text in texts if translators.target in text]
    if known:
        return [one for one, _ in known], [two for _, two in known], "Multi30k's test references"
    sentences = by_length(sentences_of(rows))
    return sentences, translators.generate(sentences, SORTED), "transformers in float32"


def _random_model(shape: TranslatorRecipe, rows: Pairs, folder: Path) -> Path:
    """An untrained Marian model of a shape, with a tokenizer trained on the rows."""
    from xtransfer.training.translator import train_translator

    texts = [{"en": row["first"], "de": row["second"]} for row in rows]
    train_translator(texts, shape, 0, folder / "random", folder / "state")
    return folder / "random"


def _translators(model: Path, trained: bool, target: str, folder: Path) -> Translators:
    from importlib.metadata import version

    from xtransfer.translation.model_loading import convert

    formats: tuple[str, ...] = ("float32", "int8")
    folders = {name: folder / name for name in formats}
    for name, out in folders.items():
        out.mkdir()
        convert(model, name, version("ctranslate2"), out)
    return Translators(TransformersEngine(model), folders, trained, target)


def _main() -> None:
    options = parser(__doc__ or "", markdown=True)
    options.add_argument("--rounds", type=int, default=3, help="timed rounds of each way (default: 3)")
    options.add_argument("--model", type=Path, metavar="FOLDER", help="a trained translator from English")
    options.add_argument("--language", default="de", help="target language (default: de)")
    asked: Namespace = options.parse_args()
    torch.set_num_threads(1)
    most = QUICK_ROWS if asked.quick else ROWS
    with TemporaryDirectory() as name:
        folder = Path(name)
        shape = QUICK_SHAPE if asked.quick else SHAPE
        model = asked.model or _random_model(shape, inference_rows(TOKENIZER_ROWS), folder)
        translators = _translators(model, asked.model is not None, asked.language, folder)
        rows = translators.fitting(inference_rows(SEARCHED * most))[:most]
        found = measure(translators, rows, 1 if asked.quick else asked.rounds, goals=not asked.quick)
        if asked.model is not None:
            found += chrf_loss(translators, rows, goals=not asked.quick)
    show(found, asked, "Translation of inference data: CPU seconds", mark="trained" if asked.model else "translation")


if __name__ == "__main__":
    _main()
