"""The research question on XNLI and XCOPA, and XTREME-R without an intermediate."""

from __future__ import annotations

from xtransfer.base.declared import JsonObject
from xtransfer.recipes.recipes import adapted, recipe
from xtransfer.study.builtin import tiny
from xtransfer.study.builtin.recipes import CHOICE, INTERMEDIATE, PAIR, xtreme_r
from xtransfer.study.study import Study, Target

_ENGINE = "nllb-200-distilled-600m"
_TRANSLATED = ("de", "es", "fr", "ru", "zh", "ar", "sw", "hi", "tr", "vi")
_SMALL_ENGINE = "mirror-marian"
_TARGETS = [
    Target(benchmark="xnli", recipe=PAIR),
    Target(benchmark="xcopa", train_on=("siqa", "copa"), recipe=CHOICE),
]
_SMALL: JsonObject = {
    "encoders": [tiny.MINI],
    "targets": [
        tiny.target("xnli<lingnli-b:first600", rows=600, epochs=2),
        tiny.target("xcopa<copa", epochs=3),
    ],
    "seeds": [0, 1],
    "intermediate_rows": 600,
    "intermediate_recipe": tiny.recipe(epochs=2),
}

INFERENCE = Study.model_validate(
    {
        "name": "xtreme-r-inference",
        "question": "Does the language of an intermediate inference task, MNLI in English or translated, matter for "
        "XNLI and XCOPA?",
        "note": "MNLI is translated by NLLB-200 (600M parameters, beam search). OCNLI is written in Chinese, with "
        "other and fewer rows than MNLI; xtreme-r-native compares at equal size. Recipes are XTREME-R's, except for "
        "the learning rate, which is 2e-5 for both encoders.",
        "encoders": ["xlm-roberta-base", "xlm-roberta-large"],
        "intermediates": ["direct", "mnli@en", *(f"mnli@{code}~{_ENGINE}" for code in _TRANSLATED), "ocnli@zh"],
        "targets": _TARGETS,
        "seeds": [0, 1, 2, 3, 4],
        "intermediate_recipe": INTERMEDIATE,
        "small": {
            **_SMALL,
            "note": "From a mirror, 600 rows of each: LingNLI for MNLI (the mirror has 300 rows), a part of LingNLI "
            "with premises of no intermediate for XNLI's training rows, only COPA for XCOPA (no rows of Social IQa), "
            "600 test rows of XNLI per language, and a poor translator that is trained here for NLLB. For checking "
            "that everything runs: XNLI is not learned from so few rows, and its cells are recorded as degenerate.",
            "intermediates": [
                "direct",
                "lingnli@en",
                f"lingnli@de~{_SMALL_ENGINE}",
                f"lingnli@zh~{_SMALL_ENGINE}",
                "ocnli@zh",
            ],
        },
    }
)

_NATIVE = {"zh": "ocnli", "id": "indonli", "ko": "klue-nli", "ja": "jnli", "fa": "farstail"}

NATIVE = Study.model_validate(
    {
        "name": "xtreme-r-native",
        "question": "Is inference data written in a language worth more than as many rows of MNLI translated to it?",
        "note": "7,000 rows of each intermediate, since FarsTail has 7,266; otherwise like xtreme-r-inference. JNLI's "
        "sentences are image captions.",
        "encoders": ["xlm-roberta-base", "xlm-roberta-large"],
        "intermediates": [
            "direct",
            "mnli@en",
            *(text for code, name in _NATIVE.items() for text in (f"{name}@{code}", f"mnli@{code}~{_ENGINE}")),
        ],
        "targets": _TARGETS,
        "seeds": [0, 1, 2, 3, 4],
        "intermediate_rows": 7000,
        "intermediate_recipe": INTERMEDIATE,
        "small": {
            **_SMALL,
            "note": "Only Chinese of the five languages: the mirror's translator knows no other one with native data. "
            "The rest is as in xtreme-r-inference --small.",
            "intermediates": ["direct", "lingnli@en", "ocnli@zh", f"lingnli@zh~{_SMALL_ENGINE}"],
        },
    }
)

_SUITE = ("xnli", "xcopa<siqa,copa", "udpos-xtreme-r", "panx-xtreme-r", "xquad-xtreme-r", "mlqa", "tydiqa")
_SMALL_BASELINE: JsonObject = {
    "note": "From a mirror: the benchmarks with English rows in it, or with a replacement to train on (LingNLI for "
    "MNLI, COPA for XCOPA, TyDiQA's own rows for SQuAD); PUD's treebanks for the part-of-speech target, dev splits of "
    "WikiANN, MLQA and TyDiQA for test splits, seven languages, 200 rows each. Mewsli-X is left out, since the mirror "
    "does not have it.",
    "encoders": [tiny.MINI],
    "targets": [
        tiny.target("xnli<lingnli-b:first201", rows=600, epochs=2),
        tiny.target("xcopa<copa:first200", epochs=3),
        tiny.target("udpos-pud:first200", rows=600, epochs=2),
        tiny.target("panx-xtreme-r:dev:first200", rows=600, epochs=2),
        tiny.target("xquad-xtreme-r<tydiqa-held-out:first200", rows=600, epochs=2),
        tiny.target("mlqa<tydiqa-held-out:dev:first200", rows=600, epochs=2),
        tiny.target("tydiqa-held-out:dev:first200", rows=600, epochs=2),
        tiny.target("tatoeba-r"),
        tiny.target("lareqa:first200:cls"),
    ],
    "languages": ["de", "en", "es", "ko", "sw", "tr", "zh"],  # with TyDiQA rows of en, ko, sw
    "seeds": [0],
}


def _baseline(name: str, encoder: str, *, large: bool, layer: int, where: str) -> Study:
    return Study.model_validate(
        {
            "name": name,
            "question": f"What does {encoder} reach on XTREME-R without an intermediate task?",
            "note": f"Recipes of XTREME-R's scripts of August 2021. Tatoeba compares layer {layer} ({where}) of the "
            "encoder without fine-tuning; XTREME-R's Tatoeba, after SQuAD, is in xtreme-r-retrieval. For LAReQA and "
            "Mewsli-X a dual encoder is trained on English pairs first, as in XTREME-R.",
            "encoders": [encoder],
            "intermediates": ["direct"],
            "targets": [
                *(xtreme_r(slug, large=large) for slug in _SUITE),
                f"tatoeba-r:layer{layer}",
                xtreme_r("lareqa<squad-answers:cls", large=large),
                xtreme_r("mewsli-x<mewsli-x-pairs:cls", large=large),
            ],
            "seeds": [0, 1, 2],
            "small": _SMALL_BASELINE,
        }
    )


BASELINE = _baseline(
    "xtreme-r-baseline", "xlm-roberta-large", large=True, layer=14, where="of 24, as in XTREME-R's script and jiant"
)
BASELINE_BASE = _baseline(
    "xtreme-r-baseline-base",
    "xlm-roberta-base",
    large=False,
    layer=8,
    where="of 12, as in XTREME's script for mBERT; it does not support XLM-R base",
)

RETRIEVAL = Study.model_validate(
    {
        "name": "xtreme-r-retrieval",
        "question": "Does SQuAD, which XTREME-R trains on before Tatoeba, help retrieval?",
        "note": "Tatoeba after squad@en is XTREME-R's protocol (3e-5, 2 epochs, batch 32, 384 tokens: its script of "
        "August 2021 for XLM-R Large), so direct scores are not comparable with its published ones.",
        "encoders": ["xlm-roberta-large"],
        "intermediates": ["direct", "squad@en"],
        "targets": ["tatoeba-r:layer14", "lareqa:cls"],
        "seeds": [0, 1, 2, 3, 4],
        "intermediate_recipe": adapted(
            recipe("xtreme-r-2021-large", "span"),
            "Tatoeba's script: 2 epochs; its 500 warm-up steps are 9% of them",
            epochs=2,
            warmup=0.09,
        ),
        "small": {
            "note": "TyDiQA's English rows (600) for SQuAD, which the mirror does not have; the last layer.",
            "encoders": [tiny.MINI],
            "intermediates": ["direct", "tydiqa-held-out@en"],
            "targets": [tiny.target("tatoeba-r"), tiny.target("lareqa:first200:cls")],
            "seeds": [0, 1],
            "intermediate_rows": 600,
            "intermediate_recipe": tiny.recipe(epochs=2),
        },
    }
)
