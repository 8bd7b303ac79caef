"""Measures translation quality with sacrebleu: against references, and of round trips against their sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from xtransfer.base.errors import RequestError
from xtransfer.base.languages import language
from xtransfer.base.stage import Progress, no_progress
from xtransfer.data.canonical import short_digest
from xtransfer.translation.engine import Engine

Measures = dict[str, float | str | None]
ROUND_TRIP_SENTENCES = 200
_UNSPACED = (
    "Japanese",
    "Khmer",
    "Lao",
    "Myanmar",
    "Thai",
    "Tibetan",
)  # scripts without blanks between words: BLEU counts characters


def against_people(pairs: Sequence[tuple[str, str]], target: str) -> Measures:
    """Returns compared (number of pairs), exact_match, chrf (chrF2) and bleu of pairs (translation, reference).

    In points from 0 to 100, with sacrebleu's signatures; all None without pairs.
    """
    names = ("exact_match", "chrf", "chrf_signature", "bleu", "bleu_signature")
    if not pairs:
        return {"compared": 0, **dict.fromkeys(names)}
    ours, theirs = [one for one, _ in pairs], [[other for _, other in pairs]]
    chrf, bleu = CHRF(), BLEU(tokenize=_tokenizer(target))
    exact = sum(one.strip() == other.strip() for one, other in pairs)
    values = (
        round(100 * exact / len(pairs), 2),
        round(chrf.corpus_score(ours, theirs).score, 2),
        str(chrf.get_signature()),
        round(bleu.corpus_score(ours, theirs).score, 2),
        str(bleu.get_signature()),
    )
    return {"compared": len(pairs), **dict(zip(names, values, strict=True))}


def round_trip(engine: Engine, outputs: Mapping[str, str], source: str, target: str) -> Measures:
    """Returns the chrF2 of translations translated back, against their sources.

    round_trip_chrf is in points from 0 to 100; round_trip_sentences is their number, at most 200, always the same ones;
    None and 0 if the engine lacks the direction. `outputs`: source → translation; an empty translation counts as wrong.
    """
    sample = sorted((text for text in outputs if text.strip()), key=short_digest)[:ROUND_TRIP_SENTENCES]
    try:
        back = engine.translate([outputs[text] for text in sample], target, source)
    except RequestError:
        back = []
    if not back:
        return {"round_trip_chrf": None, "round_trip_sentences": 0}
    score = CHRF().corpus_score(back, [sample]).score
    return {"round_trip_chrf": round(score, 2), "round_trip_sentences": len(sample)}


def held_out_quality(
    model: Path, texts: Sequence[dict[str, str]], progress: Progress = no_progress
) -> dict[str, Measures]:
    """Returns `against_people` for each direction (`en-de`) of a translator trained here, on held-out sentences.

    Greedy decoding in float32. `texts`: language → sentence, translations of each other; a direction is measured on the
    texts that have both languages.
    """
    from xtransfer.translation.transformers_engine import TransformersEngine  # not needed by the other functions

    engine = TransformersEngine(model)
    found = {}
    for source, target in [(one, two) for one in engine.directions.sources for two in engine.directions.targets]:
        both = [text for text in texts if {source, target} <= text.keys()]
        outputs = engine.translate([text[source] for text in both], source, target, progress)
        pairs = list(zip(outputs, [text[target] for text in both], strict=True))
        found[f"{source}-{target}"] = against_people(pairs, target)
    return found


def _tokenizer(code: str) -> str:
    script = language(code).script
    return "zh" if script == "Han" else "char" if script in _UNSPACED else "13a"
