"""Stage `translator`: trains a translation model on parallel text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import corpus as pinned_corpus
from xtransfer.study.stage_settings import TranslatorSettings


def reads(settings: TranslatorSettings) -> Iterator[Outside]:
    yield pinned_corpus(settings.corpus.name, settings.corpus.pin)


def run(settings: TranslatorSettings, work: Work) -> Mapping[str, object]:
    from xtransfer.data.corpora import held_out_texts, load_texts
    from xtransfer.training.translator import train_translator
    from xtransfer.translation.quality import held_out_quality

    texts = load_texts(
        settings.corpus.name, num_texts=settings.num_texts, seed=settings.seed, languages=settings.languages
    )
    held_out = held_out_texts(settings.corpus.name)
    facts = train_translator(
        texts,
        settings.recipe,
        settings.seed,
        work.out,
        work.state,
        work.progress,
        to_english=settings.to_english,
    )
    return {**facts, **({"quality": held_out_quality(work.out, held_out, work.progress)} if held_out else {})}


KIND = StageKind(TranslatorSettings, run, reads, seconds=15)
