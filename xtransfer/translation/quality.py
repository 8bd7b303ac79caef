"""How good translations are, by sacrebleu: against people's, and translated back against their sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from xtransfer.base.errors import RequestError
from xtransfer.base.languages import language
from xtransfer.data.canonical import short_digest
from xtransfer.translation.engine import Engine

ROUND_TRIP_SENTENCES = 200
_UNSPACED = ("Burmese", "Japanese", "Khmer", "Thai")  # scripts whose words nothing divides: BLEU counts characters


def against_people(pairs: Sequence[tuple[str, str]], target: str) -> dict[str, Any]:
    """Of pairs (translation, person's translation): compared (their number), exact_match, chrf (chrF2) and bleu, in
    points, with sacrebleu's signatures; None for each where there are no pairs."""
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


def round_trip(engine: Engine, outputs: Mapping[str, str], source: str, target: str) -> dict[str, Any]:
    """chrF2 of sources against their translations translated back: round_trip_chrf, in points, and
    round_trip_sentences, at most 200 of them, the same ones each time. None and 0 where the engine has no way back.

    `outputs`: source → translation. A translation that is empty comes back empty and counts as wrong.
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


def _tokenizer(code: str) -> str:
    script = language(code).script
    return "zh" if script == "Han" else "char" if script in _UNSPACED else "13a"
