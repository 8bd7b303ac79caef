"""Stage `pretrain`: pretrains an encoder on a corpus. The artifact is a transformers folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xtransfer.base.stage import Outside, StageKind, Work
from xtransfer.data.pinned import corpus as pinned_corpus
from xtransfer.study.stage_settings import PretrainSettings


def reads(settings: PretrainSettings) -> Iterator[Outside]:
    yield pinned_corpus(settings.corpus.name, settings.corpus.pin)


def run(settings: PretrainSettings, work: Work) -> Mapping[str, object]:
    from xtransfer.data.corpora import load_corpus  # imports torch, which planning does not need
    from xtransfer.training.pretraining import pretrain

    corpus = load_corpus(
        settings.corpus.name, num_texts=settings.num_texts, seed=settings.seed, languages=settings.languages
    )
    facts = pretrain(corpus.texts, settings.recipe, settings.seed, work.out, work.progress, work.state)
    return {**facts, "corpus": corpus.facts}


KIND = StageKind(PretrainSettings, run, reads, seconds=40)
