"""The translation engines that a study can name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, cast, get_args

from xtransfer import benchmarks
from xtransfer.base.errors import RequestError, unknown
from xtransfer.base.languages import codes
from xtransfer.benchmarks.spec import SplitName
from xtransfer.recipes.translator import TranslatorRecipe
from xtransfer.translation import translatable
from xtransfer.translation.families import languages_of
from xtransfer.translation.numbers import NumberFormat
from xtransfer.translation.parallel import translated_by_people

How = NumberFormat | Literal["transformers"]  # CTranslate2 in a format of numbers, or transformers in float32
HOWS: tuple[str, ...] = (*get_args(NumberFormat), "transformers")


@dataclass(frozen=True)
class EngineTrainedHere:
    """A translator that is trained on the spot, from English to the other languages or back, on a corpus of
    `data.corpora`."""

    name: str
    corpus: str
    num_texts: int
    languages: tuple[str, ...]  # English first
    recipe: TranslatorRecipe
    description: str
    how: How = "int8"
    to_english: bool = False  # from the other languages to English

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """What it translates, as (source, target)."""
        english, *others = self.languages
        return tuple((other, english) if self.to_english else (english, other) for other in others)


@dataclass(frozen=True)
class HubEngine:
    """A translator of a hub, or of a mirror in its layout; `{language}` in `id` is the target's code, and in
    `back`, the model that translates to English, the source's. Without it one model translates between all."""

    name: str
    id: str
    languages: tuple[str, ...]  # the source first
    description: str
    licence: str
    revision: str = "main"  # a branch is pinned to its commit when a plan is made
    beams: int = 4
    how: How = "int8"
    back: str = ""

    def model(self, source: str, target: str) -> str:
        """The model that translates from one language to another, as `encoders.resolve` reads it."""
        named = self.back.format(language=source) if self.back and target == "en" else self.id.format(language=target)
        return f"{named}@{self.revision}"


@dataclass(frozen=True)
class HumanTranslations:
    """Rows that people have translated, where `translation.parallel` knows of some."""

    name: str
    languages: tuple[str, ...]  # the source first
    description: str


Engine = EngineTrainedHere | HubEngine | HumanTranslations


def _index(*declared: Engine) -> Mapping[str, Engine]:
    index = {one.name: one for one in declared}
    assert len(index) == len(declared), "two engines share a name"
    return MappingProxyType(index)


_LAB_MARIAN = EngineTrainedHere(
    name="lab-marian",
    corpus="lab-translation",
    num_texts=400,
    languages=("en", "de", "tr"),
    recipe=TranslatorRecipe(steps=400, batch_size=64),
    how="transformers",  # translates its few thousand sentences in a second; its results are published with it
    description="tiny Marian from English to German and Turkish, from parallel text of the laboratory world",
)
_MULTI30K_MARIAN = EngineTrainedHere(
    name="multi30k-marian",
    corpus="multi30k",
    num_texts=29_000,
    languages=("en", "de", "fr", "cs"),
    recipe=TranslatorRecipe(
        vocab_size=4000,
        width=256,
        layers=2,
        feed_forward=512,
        steps=5000,
        batch_size=32,
        learning_rate=1.5e-3,
        precision="bf16",
        embeddings="co-occurrence",
        by_length=True,
    ),
    description="small Marian from English to German, French and Czech, from Multi30k's descriptions of pictures, "
    "in a quarter of an hour: good at such sentences alone",
)


def _back(engine: EngineTrainedHere) -> EngineTrainedHere:
    return replace(engine, name=f"{engine.name}-back", to_english=True, description=f"{engine.name}'s way back")


ENGINES = _index(
    _LAB_MARIAN,
    _back(_LAB_MARIAN),
    EngineTrainedHere(
        name="mirror-marian",
        corpus="mirror-text",
        num_texts=10_000,
        languages=("en", "de", "zh"),
        recipe=TranslatorRecipe(
            vocab_size=8000, width=128, feed_forward=256, steps=300, batch_size=32, learning_rate=2e-3, max_length=96
        ),
        description="small Marian from English to German and Chinese, from parallel text of a mirror, in minutes: "
        "it shows that everything runs, and translates poorly",
    ),
    _MULTI30K_MARIAN,
    _back(_MULTI30K_MARIAN),
    HubEngine(
        name="nllb-200-distilled-600m",
        id="facebook/nllb-200-distilled-600M",
        revision="refs/pr/45",  # the branch that has safetensors; main has a pickle only
        languages=languages_of("nllb"),
        description="NLLB-200 (NLLB Team 2022), 600 million parameters",
        licence="CC BY-NC 4.0",
    ),
    HubEngine(
        name="m2m100-418m",
        id="facebook/m2m100_418M",
        revision="refs/pr/19",  # the branch that has safetensors; main has a pickle only
        languages=languages_of("m2m100"),
        description="M2M100 (Fan et al. 2021), 418 million parameters",
        licence="MIT",
    ),
    HubEngine(
        name="opus-mt",
        id="Helsinki-NLP/opus-mt-en-{language}",
        back="Helsinki-NLP/opus-mt-{language}-en",
        languages=("en", "de", "es", "fr", "ru"),  # models of one target each, which read no mark of it
        description="OPUS-MT (Tiedemann and Thottingal 2020), one Marian model for each language and direction",
        licence="CC BY 4.0 or Apache 2.0, by model",
    ),
    HumanTranslations(
        name="parallel",
        languages=codes("en ar bg de el es et fr hi ht id it ja ko qu ro ru sw ta th tr ur vi zh"),
        description="people's translations of benchmarks that have them: XNLI, XQuAD, XCOPA, PAWS-X, the laboratory's",
    ),
)


def get(name: str) -> Engine:
    """The engine of a name, or with `.HOW` behind it computed otherwise: `opus-mt.float32`,
    `lab-marian.transformers`. Raises RequestError for an unknown one."""
    if name in ENGINES:
        return ENGINES[name]
    base, _, how = name.rpartition(".")
    engine = ENGINES.get(base)
    if engine is None:
        raise unknown("translation engine", name, ENGINES)
    if isinstance(engine, HumanTranslations) or how not in HOWS:
        raise unknown(f"way to compute {base}", how, () if isinstance(engine, HumanTranslations) else HOWS)
    return replace(engine, name=name, how=cast(How, how))


def check(
    name: str,
    benchmark: str,
    language: str,
    split: SplitName = "train",
    *,
    source: str = "en",
    align_tags: bool = False,
) -> None:
    """Raises RequestError where an engine cannot translate a split of a benchmark from `source` to a language.

    `align_tags`: whether tags may be moved to other words (`translatable`)."""
    engine = get(name)
    if isinstance(engine, HumanTranslations):
        translated_by_people(benchmark, language, split, source)
        return
    translatable.check(benchmarks.get(benchmark), split, source, align_tags=align_tags)
    _check_direction(engine, source, language)


def check_way_back(name: str, language: str) -> None:
    """Raises RequestError where an engine is no model that translates from a language to English."""
    engine = get(name)
    if isinstance(engine, HumanTranslations):
        raise RequestError(f"{name}: is people's work; name a model that translates from {language} to en")
    _check_direction(engine, language, "en")


def _check_direction(engine: EngineTrainedHere | HubEngine, source: str, language: str) -> None:
    if language in _targets(engine, source):
        return
    name = engine.name
    if sources := [code for code in engine.languages if language in _targets(engine, code)]:
        raise RequestError(f"{name} translates to {language} from {', '.join(sources)}, not from {source}")
    offered = _targets(engine, "en") or ["en"]
    raise RequestError(f"{name} translates to {', '.join(offered)}, not to {language}")


def _targets(engine: EngineTrainedHere | HubEngine, source: str) -> list[str]:
    """What an engine translates to from a language."""
    if isinstance(engine, EngineTrainedHere):
        return [target for one, target in engine.directions if one == source]
    if source not in engine.languages:
        return []
    if source == "en" or "{language}" not in engine.id:  # one model for all
        return [code for code in engine.languages if code != source]
    return ["en"] if engine.back else []
