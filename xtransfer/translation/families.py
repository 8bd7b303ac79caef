"""Families of many-to-many models, and how each is told which language it reads and which it is to write.

Both are of the architecture M2M100: a token of the source language goes before the sentence, and the output begins
with one of the target language.
  m2m100  Fan et al. 2021: `__de__`, with the codes of ISO 639 that this project has, too
  nllb    NLLB Team 2022: `deu_Latn`, codes of FLORES-200
"""

from __future__ import annotations

from collections.abc import Mapping

from xtransfer.base.languages import codes

_M2M100 = codes(
    "af am ar az be bg bn br bs ca cs cy da de el en es et fa fi fr fy ga gl gu ha he hi hr ht hu hy id is it ja jv ka "
    "kk km ko lt lv mk ml mn mr ms my ne nl no pa pl pt ro ru si sk sl so sq sr sv sw ta th tl tr uk ur uz vi wo xh yi "
    "yo zh"
)

# Where FLORES-200 has several of a language: the most common script, and standard or majority varieties
_FLORES = {
    "af": "afr_Latn", "am": "amh_Ethi", "ar": "arb_Arab", "az": "azj_Latn", "be": "bel_Cyrl", "bg": "bul_Cyrl",
    "bn": "ben_Beng", "bs": "bos_Latn", "ca": "cat_Latn", "cs": "ces_Latn", "cy": "cym_Latn", "da": "dan_Latn",
    "de": "deu_Latn", "el": "ell_Grek", "en": "eng_Latn", "eo": "epo_Latn", "es": "spa_Latn", "et": "est_Latn",
    "eu": "eus_Latn", "fa": "pes_Arab", "fi": "fin_Latn", "fr": "fra_Latn", "ga": "gle_Latn", "gl": "glg_Latn",
    "gu": "guj_Gujr", "ha": "hau_Latn", "he": "heb_Hebr", "hi": "hin_Deva", "hr": "hrv_Latn", "ht": "hat_Latn",
    "hu": "hun_Latn", "hy": "hye_Armn", "id": "ind_Latn", "is": "isl_Latn", "it": "ita_Latn", "ja": "jpn_Jpan",
    "jv": "jav_Latn", "ka": "kat_Geor", "kk": "kaz_Cyrl", "km": "khm_Khmr", "ko": "kor_Hang", "lt": "lit_Latn",
    "lv": "lvs_Latn", "mk": "mkd_Cyrl", "ml": "mal_Mlym", "mn": "khk_Cyrl", "mr": "mar_Deva", "ms": "zsm_Latn",
    "my": "mya_Mymr", "ne": "npi_Deva", "nl": "nld_Latn", "no": "nob_Latn", "pa": "pan_Guru", "pl": "pol_Latn",
    "pt": "por_Latn", "qu": "quy_Latn", "ro": "ron_Latn", "ru": "rus_Cyrl", "si": "sin_Sinh", "sk": "slk_Latn",
    "sl": "slv_Latn", "so": "som_Latn", "sq": "als_Latn", "sr": "srp_Cyrl", "sv": "swe_Latn", "sw": "swh_Latn",
    "ta": "tam_Taml", "te": "tel_Telu", "th": "tha_Thai", "tl": "tgl_Latn", "tr": "tur_Latn", "tt": "tat_Cyrl",
    "ug": "uig_Arab", "uk": "ukr_Cyrl", "ur": "urd_Arab", "uz": "uzn_Latn", "vi": "vie_Latn", "wo": "wol_Latn",
    "xh": "xho_Latn", "yi": "ydd_Hebr", "yo": "yor_Latn", "yue": "yue_Hant", "zh": "zho_Hans",
}  # fmt: skip

FAMILIES: Mapping[str, Mapping[str, str]] = {
    "m2m100": {code: f"__{code}__" for code in _M2M100},
    "nllb": _FLORES,
}  # family → our code → token


def languages_of(family: str) -> tuple[str, ...]:
    """What a family translates, English first: it is what studies translate from."""
    return ("en", *(code for code in FAMILIES[family] if code != "en"))
