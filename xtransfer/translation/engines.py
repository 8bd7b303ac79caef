"""The translation engines that a study can name."""

from __future__ import annotations

from dataclasses import dataclass

from xtransfer.translation.recipe import TranslatorRecipe


@dataclass(frozen=True)
class EngineTrainedHere:
    """A translator that is trained on the spot, from English to the other languages, on a corpus of
    `data.corpora`."""

    name: str
    corpus: str
    num_texts: int
    languages: tuple[str, ...]  # the source first
    recipe: TranslatorRecipe
    description: str


def _index(*declared: EngineTrainedHere) -> dict[str, EngineTrainedHere]:
    index = {one.name: one for one in declared}
    assert len(index) == len(declared), "two engines share a name"
    return index


ENGINES = _index(
    EngineTrainedHere(
        name="lab-marian",
        corpus="lab-translation",
        num_texts=400,
        languages=("en", "de", "tr"),
        recipe=TranslatorRecipe(steps=400, batch_size=64),
        description="tiny Marian from English to German and Turkish, from parallel text of the laboratory world",
    ),
)
