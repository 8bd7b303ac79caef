"""What a paper on a study must cite, as BibTeX: only the entries that apply to the study.

Titles, authors, venues and pages are copied from the papers' own repositories or from later papers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Citation:
    """One BibTeX entry; `short` is the citation in running text."""

    key: str
    short: str
    kind: str
    fields: tuple[tuple[str, str], ...]

    @property
    def bibtex(self) -> str:
        lines = [f"  {name} = {{{value}}}," for name, value in self.fields]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])


def _entry(key: str, short: str, kind: str, **fields: str) -> Citation:
    return Citation(key, short, kind, tuple(fields.items()))


_ENTRIES = (
    _entry(
        "phang-etal-2020-english", "Phang et al., 2020", "inproceedings",
        author="Phang, Jason and Calixto, Iacer and Htut, Phu Mon and Pruksachatkun, Yada and Liu, Haokun and "
        "Vania, Clara and Kann, Katharina and Bowman, Samuel R.",
        title="{E}nglish Intermediate-Task Training Improves Zero-Shot Cross-Lingual Transfer Too",
        booktitle="Proceedings of AACL", year="2020", eprint="2005.13013", archiveprefix="arXiv",
    ),
    _entry(
        "ruder-etal-2021-xtreme", "Ruder et al., 2021", "inproceedings",
        author="Ruder, Sebastian and Constant, Noah and Botha, Jan and Siddhant, Aditya and Firat, Orhan and "
        "Fu, Jinlan and Liu, Pengfei and Hu, Junjie and Garrette, Dan and Neubig, Graham and Johnson, Melvin",
        title="{XTREME}-{R}: Towards More Challenging and Nuanced Multilingual Evaluation",
        booktitle="Proceedings of the 2021 Conference on Empirical Methods in Natural Language Processing",
        year="2021", pages="10215--10245", doi="10.18653/v1/2021.emnlp-main.802",
    ),
    _entry(
        "hu-etal-2020-xtreme", "Hu et al., 2020", "inproceedings",
        author="Hu, Junjie and Ruder, Sebastian and Siddhant, Aditya and Neubig, Graham and Firat, Orhan and "
        "Johnson, Melvin",
        title="{XTREME}: A Massively Multilingual Multi-task Benchmark for Evaluating Cross-lingual Generalization",
        booktitle="Proceedings of ICML", year="2020", eprint="2003.11080", archiveprefix="arXiv",
    ),
    _entry(
        "chidambaram-etal-2019-learning", "Chidambaram et al., 2019", "inproceedings",
        author="Chidambaram, Muthuraman and Yang, Yinfei and Cer, Daniel and Yuan, Steve and Sung, Yun-Hsuan and "
        "Strope, Brian and Kurzweil, Ray",
        title="Learning Cross-Lingual Sentence Representations via a Multi-task Dual-Encoder Model",
        booktitle="Proceedings of the 4th Workshop on Representation Learning for NLP", year="2019",
        pages="250--259", eprint="1810.12836", archiveprefix="arXiv",
    ),
    _entry(
        "conneau-etal-2020-unsupervised", "Conneau et al., 2020", "inproceedings",
        author="Conneau, Alexis and Khandelwal, Kartikay and Goyal, Naman and Chaudhary, Vishrav and "
        "Wenzek, Guillaume and Guzm{\\'a}n, Francisco and Grave, Edouard and Ott, Myle and Zettlemoyer, Luke and "
        "Stoyanov, Veselin",
        title="Unsupervised Cross-lingual Representation Learning at Scale",
        booktitle="Proceedings of ACL", year="2020", eprint="1911.02116", archiveprefix="arXiv",
    ),
    _entry(
        "conneau-etal-2018-xnli", "Conneau et al., 2018", "inproceedings",
        author="Conneau, Alexis and Lample, Guillaume and Rinott, Ruty and Williams, Adina and Bowman, Samuel R. and "
        "Schwenk, Holger and Stoyanov, Veselin",
        title="{XNLI}: Evaluating Cross-lingual Sentence Representations",
        booktitle="Proceedings of the 2018 Conference on Empirical Methods in Natural Language Processing",
        year="2018", eprint="1809.05053", archiveprefix="arXiv",
    ),
    _entry(
        "williams-etal-2018-broad", "Williams et al., 2018", "inproceedings",
        author="Williams, Adina and Nangia, Nikita and Bowman, Samuel R.",
        title="A Broad-Coverage Challenge Corpus for Sentence Understanding through Inference",
        booktitle="Proceedings of the 2018 Conference of the North American Chapter of the Association for "
        "Computational Linguistics: Human Language Technologies, Volume 1",
        year="2018", pages="1112--1122",
    ),
    _entry(
        "ponti-etal-2020-xcopa", "Ponti et al., 2020", "inproceedings",
        author="Ponti, Edoardo Maria and Glava{\\v{s}}, Goran and Majewska, Olga and Liu, Qianchu and "
        "Vuli{\\'c}, Ivan and Korhonen, Anna",
        title="{XCOPA}: A Multilingual Dataset for Causal Commonsense Reasoning",
        booktitle="Proceedings of EMNLP", year="2020",
    ),
    _entry(
        "roemmele-etal-2011-choice", "Roemmele et al., 2011", "inproceedings",
        author="Roemmele, Melissa and Bejan, Cosmin Adrian and Gordon, Andrew S.",
        title="Choice of Plausible Alternatives: An Evaluation of Commonsense Causal Reasoning",
        booktitle="AAAI Spring Symposium: Logical Formalizations of Commonsense Reasoning", year="2011",
        pages="90--95",
    ),
    _entry(
        "owen-2007-pigeonhole", "Owen, 2007", "article",
        author="Owen, Art B.", title="The Pigeonhole Bootstrap", journal="The Annals of Applied Statistics",
        year="2007", volume="1", pages="386--411", doi="10.1214/07-AOAS122",
    ),
    _entry(
        "davison-hinkley-1997-bootstrap", "Davison and Hinkley, 1997", "book",
        author="Davison, A. C. and Hinkley, D. V.", title="Bootstrap Methods and their Application",
        publisher="Cambridge University Press", year="1997",
    ),
    _entry(
        "pocock-1977", "Pocock, 1977", "article",
        author="Pocock, Stuart J.", title="Group sequential methods in the design and analysis of clinical trials",
        journal="Biometrika", volume="64", number="2", year="1977", pages="191--199",
    ),
    _entry(
        "dunnett-1955-multiple", "Dunnett, 1955", "article",
        author="Dunnett, Charles W.",
        title="A Multiple Comparison Procedure for Comparing Several Treatments with a Control",
        journal="Journal of the American Statistical Association", volume="50", number="272", year="1955",
        pages="1096--1121",
    ),
    _entry(
        "hsu-1984-constrained", "Hsu, 1984", "article",
        author="Hsu, Jason C.",
        title="Constrained simultaneous confidence intervals for multiple comparisons with the best",
        journal="The Annals of Statistics", volume="12", number="3", year="1984", pages="1136--1144",
    ),
    _entry(
        "holm-1979-simple", "Holm, 1979", "article",
        author="Holm, Sture", title="A Simple Sequentially Rejective Multiple Test Procedure",
        journal="Scandinavian Journal of Statistics", year="1979", volume="6", number="2", pages="65--70",
    ),
    _entry(
        "benjamini-hochberg-1995-controlling", "Benjamini and Hochberg, 1995", "article",
        author="Benjamini, Yoav and Hochberg, Yosef",
        title="Controlling the False Discovery Rate: A Practical and Powerful Approach to Multiple Testing",
        journal="Journal of the Royal Statistical Society: Series B", year="1995", volume="57", number="1",
        pages="289--300",
    ),
    _entry(
        "westfall-young-1993-resampling", "Westfall and Young, 1993", "book",
        author="Westfall, Peter H. and Young, S. Stanley", title="Resampling-Based Multiple Testing",
        publisher="Wiley", year="1993",
    ),
)  # fmt: skip
CITATIONS = {entry.key: entry for entry in _ENTRIES}

BENCHMARK_PAPERS = {
    "mnli": "williams-etal-2018-broad",
    "xnli": "conneau-etal-2018-xnli",
    "xcopa": "ponti-etal-2020-xcopa",
    "xcopa-corrected": "ponti-etal-2020-xcopa",
    "copa": "roemmele-etal-2011-choice",
}  # benchmark → key; the data table of the report names the source of all others


def bibliography(keys: Iterable[str]) -> str:
    """Returns the BibTeX entries of the keys, each once, in the order of CITATIONS."""
    wanted = set(keys)
    return "\n\n".join(entry.bibtex for key, entry in CITATIONS.items() if key in wanted) + "\n"


def cite(*keys: str) -> str:
    """Returns the citation mark for a text: ` [@key;key]`."""
    return f" [@{';'.join(keys)}]" if keys else ""
