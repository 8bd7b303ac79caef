"""Phang et al. 2020: English intermediate tasks before the nine targets of XTREME."""

from __future__ import annotations

from xtransfer.study.builtin import tiny
from xtransfer.study.builtin.recipes import JIANT_INTERMEDIATE, jiant
from xtransfer.study.study import Study

_INTERMEDIATES = ("anli-plus", "mnli", "qqp", "squad", "squad2", "hellaswag", "ccg", "cosmosqa", "csqa")
_SMALL = ("lingnli", "tydiqa-held-out", "copa", "udpos")


def _mixture(names: tuple[str, ...]) -> str:
    return "+".join(f"{name}@en" for name in names)


PHANG = Study.model_validate(
    {
        "name": "phang-2020",
        "question": "Which English intermediate task helps which target of XTREME, zero-shot in its other languages?",
        "note": "Sourced: nine tasks, MNLI, SQuAD 1.1 and HellaSwag among them, and the nine targets (abstract of the "
        "paper's second version); target recipes, and layer 14 for retrieval (the authors' library). Not sourced: the "
        "other six tasks (ANLI+, QQP, SQuAD 2.0, CCG, Cosmos QA, CommonsenseQA), though that library has them all; and "
        "the training of intermediates, for which this study uses the targets' learning rate and warm-up, two epochs "
        "and three seeds. The mixture samples in proportion to rows, the library's default. CCGbank and BUCC 2018 "
        "are licensed data that you must supply.",
        "encoders": ["xlm-roberta-large"],
        "intermediates": ["direct", *(f"{name}@en" for name in _INTERMEDIATES), _mixture(_INTERMEDIATES)],
        "targets": [
            *(jiant(name) for name in ("xnli", "paws-x", "udpos", "panx", "xquad", "mlqa", "tydiqa")),
            "bucc:layer14",
            "tatoeba:layer14",
        ],
        "seeds": [0, 1, 2],
        "intermediate_recipe": JIANT_INTERMEDIATE,
        "small": {
            "note": "From a mirror, 600 rows of each: LingNLI for inference, TyDiQA's English rows for SQuAD, COPA "
            "for the commonsense tasks, parts of speech for CCG, and their mixture. PAWS-X (no training rows) and "
            "BUCC (no test rows) are left out; PUD's treebanks and the dev split of WikiANN replace the test splits "
            "of the tagging targets. 200 test rows per language. For checking that everything runs.",
            "encoders": [tiny.MINI],
            "intermediates": ["direct", *(f"{name}@en" for name in _SMALL), _mixture(_SMALL)],
            "targets": [
                tiny.target("xnli<lingnli-b:first201", rows=600, epochs=2),
                tiny.target("udpos-pud:first200", rows=600, epochs=2),
                tiny.target("panx:dev:first200", rows=600, epochs=2),
                tiny.target("xquad<tydiqa-held-out:first200", rows=600, epochs=2),
                tiny.target("tatoeba"),
            ],
            "languages": ["ar", "de", "en", "es", "ru", "tr", "zh"],
            "seeds": [0],
            "intermediate_rows": 600,
            "intermediate_recipe": tiny.recipe(epochs=2),
        },
    }
)
