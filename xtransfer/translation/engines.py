"""The translation engines that a study can name. To add a model of a hub, add an entry to `ENGINES`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from xtransfer import benchmarks
from xtransfer.base.errors import RequestError, unknown
from xtransfer.base.languages import codes
from xtransfer.benchmarks.spec import SplitName
from xtransfer.recipes.translator import TranslatorRecipe
from xtransfer.translation import translatable
from xtransfer.translation.human_translations import translated_by_people
from xtransfer.translation.libraries import runtimes
from xtransfer.translation.model_tokenizer import languages_of


@dataclass(frozen=True)
class EngineTrainedHere:
    """A translator that the study trains on a corpus of `data.corpora`: from English to its languages, or back."""

    name: str
    corpus: str
    num_texts: int
    languages: tuple[str, ...]  # English first
    recipe: TranslatorRecipe
    description: str
    runtime: str = "int8"  # of `libraries`
    to_english: bool = False  # from the other languages to English

    @property
    def directions(self) -> tuple[tuple[str, str], ...]:
        """The directions it translates, as (source, target)."""
        english, *others = self.languages
        return tuple((other, english) if self.to_english else (english, other) for other in others)


@dataclass(frozen=True)
class HubEngine:
    """A translator on a hub, or in a mirror with its layout.

    `{language}` is the target's code in `id`, and the source's in `back`, the model that translates to English. Without
    it, one model has all directions.
    """

    name: str
    id: str
    languages: tuple[str, ...]  # the source first
    description: str
    licence: str
    revision: str = "main"  # a branch is pinned to its commit when a study is planned
    beams: int = 4
    runtime: str = "int8"
    back: str = ""

    def model(self, source: str, target: str) -> str:
        """Returns the model for a direction, in the form that `encoders.resolve` reads."""
        named = self.back.format(language=source) if self.back and target == "en" else self.id.format(language=target)
        return f"{named}@{self.revision}"


@dataclass(frozen=True)
class HumanTranslations:
    """Rows translated by people, for the benchmarks of `human_translations`."""

    name: str
    languages: tuple[str, ...]  # the source first
    description: str


ModelDeclaration = EngineTrainedHere | HubEngine
Declaration = ModelDeclaration | HumanTranslations


def _index(*declared: Declaration) -> Mapping[str, Declaration]:
    index = {one.name: one for one in declared}
    assert len(index) == len(declared), "two engines share a name"
    return MappingProxyType(index)


_LAB_MARIAN = EngineTrainedHere(
    name="lab-marian",
    corpus="lab-translation",
    num_texts=400,
    languages=("en", "de", "tr"),
    recipe=TranslatorRecipe(steps=400, batch_size=64),
    runtime="transformers",  # takes a second for its few thousand sentences; the published results were made with it
    description="tiny Marian model from English to German and Turkish, trained on the laboratory's parallel text",
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
    description="small Marian model from English to German, French and Czech, trained on Multi30k's image captions in "
    "a quarter of an hour: good at captions only",
)


def _back(engine: EngineTrainedHere) -> EngineTrainedHere:
    return replace(
        engine, name=f"{engine.name}-back", to_english=True, description=f"{engine.name} in the other direction"
    )


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
        description="small Marian model from English to German and Chinese, trained on a mirror's parallel text in "
        "minutes: for checking that everything runs; it translates poorly",
    ),
    _MULTI30K_MARIAN,
    _back(_MULTI30K_MARIAN),
    HubEngine(
        name="nllb-200-distilled-600m",
        id="facebook/nllb-200-distilled-600M",
        revision="refs/pr/45",  # has safetensors; main has only a pickle
        languages=languages_of("nllb"),
        description="NLLB-200 (NLLB Team 2022), 600 million parameters",
        licence="CC BY-NC 4.0",
    ),
    HubEngine(
        name="m2m100-418m",
        id="facebook/m2m100_418M",
        revision="refs/pr/19",  # has safetensors; main has only a pickle
        languages=languages_of("m2m100"),
        description="M2M100 (Fan et al. 2021), 418 million parameters",
        licence="MIT",
    ),
    HubEngine(
        name="opus-mt",
        id="Helsinki-NLP/opus-mt-en-{language}",
        back="Helsinki-NLP/opus-mt-{language}-en",
        languages=("en", "de", "es", "fr", "ru"),  # whose models have one target each and read no >>de<<
        description="OPUS-MT (Tiedemann and Thottingal 2020), one Marian model for each language and direction",
        licence="CC BY 4.0 or Apache 2.0, by model",
    ),
    HumanTranslations(
        name="parallel",
        languages=codes("en ar bg de el es et fr hi ht id it ja ko qu ro ru sw ta th tr ur vi zh"),
        description="human translations: of XNLI, XQuAD, XCOPA, PAWS-X and the laboratory's benchmarks",
    ),
)


def get(name: str) -> Declaration:
    """Returns the engine with a name, which may end in a runtime: `opus-mt.float32`, `lab-marian.transformers`.

    Raises RequestError for an unknown engine or runtime.
    """
    if name in ENGINES:
        return ENGINES[name]
    base, _, runtime = name.rpartition(".")
    engine = ENGINES.get(base)
    if engine is None:
        raise unknown("translation engine", name, ENGINES)
    if isinstance(engine, HumanTranslations):
        raise unknown(f"runtime of {base}", runtime, ())
    if runtime not in runtimes():
        raise unknown(f"runtime of {base}", runtime, runtimes())
    return replace(engine, name=name, runtime=runtime)


def check(
    name: str,
    benchmark: str,
    language: str,
    split: SplitName = "train",
    *,
    source: str = "en",
    align_tags: bool = False,
) -> None:
    """Raises RequestError if an engine cannot translate a split of a benchmark from `source` to a language.

    `align_tags`: whether tags may be moved by word alignment (`translatable`).
    """
    engine = get(name)
    if isinstance(engine, HumanTranslations):
        translated_by_people(benchmark, language, split, source)
        return
    translatable.check(benchmarks.get(benchmark), split, source, align_tags=align_tags)
    _check_direction(engine, source, language)


def check_way_back(name: str, language: str) -> None:
    """Raises RequestError if an engine is not a model that translates from a language to English."""
    engine = get(name)
    if isinstance(engine, HumanTranslations):
        raise RequestError(f"{name} is human translations; name a model that translates from {language} to en")
    _check_direction(engine, language, "en")


def _check_direction(engine: ModelDeclaration, source: str, language: str) -> None:
    if language in _targets(engine, source):
        return
    name = engine.name
    if sources := [code for code in engine.languages if language in _targets(engine, code)]:
        raise RequestError(f"{name} translates to {language} from {', '.join(sources)}, not from {source}")
    offered = _targets(engine, "en") or ["en"]
    raise RequestError(f"{name} translates to {', '.join(offered)}, not to {language}")


def _targets(engine: ModelDeclaration, source: str) -> list[str]:
    """Returns the languages to which an engine translates from `source`."""
    if isinstance(engine, EngineTrainedHere):
        return [target for one, target in engine.directions if one == source]
    if source not in engine.languages:
        return []
    if source == "en" or "{language}" not in engine.id:  # one model for all directions
        return [code for code in engine.languages if code != source]
    return ["en"] if engine.back else []
