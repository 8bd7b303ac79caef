"""Every benchmark, by name. To add one, declare it in a module of this package and list it in the index.

Users declare benchmarks in their own files, listed in XTRANSFER_BENCHMARKS (docs/how-to/write-a-benchmark.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from xtransfer.base.errors import RequestError, unknown
from xtransfer.base.languages import declared_by
from xtransfer.base.settings import own_benchmarks
from xtransfer.benchmarks import (
    checklist,
    commonsense,
    commonsense_native,
    inference,
    inference_native,
    inference_translated,
    lab,
    own,
    paraphrase,
    pools,
    questions,
    ranking,
    retrieval,
    similarity,
    tagging,
    text,
)
from xtransfer.benchmarks.inventory import with_labels
from xtransfer.benchmarks.spec import Benchmark


def index(*benchmarks: Benchmark) -> dict[str, Benchmark]:
    """Returns the benchmarks by name; raises RequestError if two have the same name."""
    names = [benchmark.name for benchmark in benchmarks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RequestError(f"benchmarks: {', '.join(twice)} is used more than once; names must be unique")
    return dict(zip(names, benchmarks, strict=True))


BUILT_IN = index(
    lab.LAB_NLI,
    lab.LAB_INFERENCE,
    lab.LAB_COPA,
    lab.LAB_RETRIEVAL,
    lab.LAB_TEXT,
    lab.LAB_NLI_DUAL,
    lab.LAB_STATEMENTS,
    lab.LAB_PARALLEL,
    lab.LAB_STORIES,
    lab.LAB_RESPONSES,
    inference.MNLI,
    inference.XNLI,
    inference.LINGNLI,
    inference.LINGNLI_B,
    inference.XNLI_PEOPLE,
    inference.SNLI,
    inference.SNLI_CF,
    inference.SICK,
    inference.ANLI,
    inference.ANLI_PLUS,
    inference.RTE,
    inference.SNLI_DUAL,
    inference.MNLI_DUAL,
    inference.XNLI_DUAL,
    inference_native.OCNLI,
    inference_native.INDONLI,
    inference_native.INDONLI_EXPERT,
    inference_native.FARSTAIL,
    inference_native.SICK_NL,
    inference_native.JSICK,
    inference_native.KLUE_NLI,
    inference_native.JNLI,
    inference_native.CDSC_E,
    inference_native.INFERES,
    inference_native.TERRA,
    inference_native.TECA,
    inference_native.SI_NLI,
    inference_native.ASSIN2,
    inference_translated.XNLI_MT,
    inference_translated.XNLI_EU,
    inference_translated.XNLI_EU_MT,
    inference_translated.XNLI_EU_NATIVE,
    inference_translated.AFRIXNLI,
    inference_translated.AMERICAS_NLI,
    inference_translated.INDICXNLI,
    inference_translated.MYXNLI,
    inference_translated.XNLI_CA,
    inference_translated.XNLI_GL,
    inference_translated.XNLI_KO,
    inference_translated.RTE3,
    inference_translated.HEBNLI,
    inference_translated.NLI_TR,
    inference_translated.KORNLI,
    inference_translated.NLI_26,
    *inference_translated.NLI_26_ORIGINALS,
    inference_translated.WANLI,
    paraphrase.QQP,
    paraphrase.PAWS_X,
    commonsense.COPA,
    commonsense.XCOPA,
    commonsense.XCOPA_CORRECTED,
    commonsense_native.COPAL,
    commonsense_native.COPAL_COLLOQUIAL,
    commonsense_native.KOBEST_COPA,
    commonsense_native.XWINOGRAD,
    commonsense_native.XSTORYCLOZE,
    commonsense.HELLASWAG,
    commonsense.COSMOSQA,
    commonsense.CSQA,
    commonsense.SIQA,
    commonsense.JCOMMONSENSEQA,
    similarity.STSB,
    similarity.STSB_VECTORS,
    text.WIKIPEDIA,
    text.TLDR,
    text.WIKIPEDIA_NEIGHBOURS,
    text.STORYBOOKS_NEIGHBOURS,
    questions.SQUAD,
    questions.SQUAD2,
    questions.XQUAD,
    questions.XQUAD_XTREME_R,
    questions.MLQA,
    questions.TYDIQA,
    questions.TYDIQA_HELD_OUT,
    questions.JSQUAD,
    *checklist.MULTICHECKLIST,
    retrieval.TATOEBA,
    retrieval.TATOEBA_R,
    retrieval.BUCC,
    pools.LAREQA,
    pools.MEWSLI_X,
    ranking.SQUAD_ANSWERS,
    ranking.MEWSLI_X_PAIRS,
    ranking.MULTI30K,
    tagging.UDPOS,
    tagging.UDPOS_XTREME_R,
    tagging.UDPOS_PUD,
    tagging.PANX,
    tagging.PANX_XTREME_R,
    tagging.CCG,
)


class _Index(Mapping[str, Benchmark]):
    """The built-in benchmarks, then those in the user's files that the environment currently lists."""

    def __getitem__(self, name: str) -> Benchmark:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> Mapping[str, Benchmark]:
        files = own_benchmarks()
        return BUILT_IN | own.declared(files, BUILT_IN) if files else BUILT_IN


BENCHMARKS: Mapping[str, Benchmark] = _Index()
declared_by(lambda: own.languages(own_benchmarks()))


def get(name: str) -> Benchmark:
    """Returns the benchmark with this name; raises RequestError with the nearest name if there is none."""
    if name not in BENCHMARKS:
        if (first := re.split("[@,]", name)[0]) in BENCHMARKS:
            what = "an intermediate alone names languages after '@'" if "@" in name else "name each by itself"
            raise RequestError(f"no benchmark '{name}': write {first}; {what}")
        raise unknown("benchmark", name, BENCHMARKS, "xtransfer benchmarks")
    benchmark = BENCHMARKS[name]
    return with_labels(benchmark) if benchmark.labels_from else benchmark
