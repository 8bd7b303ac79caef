"""The language of a text, by py3langid: naive Bayes on byte n-grams (Lui and Baldwin 2012), its model in the package.

Of its 140 languages those count that this project has: it takes Urdu for Pashto, and Chinese for Wu.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from xtransfer.base.languages import LANGUAGES


def other_language(text: str, wanted: str, certainty: float) -> str | None:
    """The language that a text is in rather than the wanted one, with at least that probability; None otherwise, and
    where the detector does not know the wanted one."""
    if wanted not in _detector().labels:
        return None
    found, probability = _detector().classify(text)
    return found if probability >= certainty and found != wanted and found in LANGUAGES else None


@cache
def _detector() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # takes a second and 90 MB

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
