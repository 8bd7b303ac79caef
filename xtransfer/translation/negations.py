"""Negation that a translation has lost or made up, where closed lists of words can tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST = 160  # characters of an English sentence; in longer ones other clauses may have taken the negation over


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


def _parts(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@dataclass(frozen=True)
class _Signs:
    """`sure`: words that negate and do nothing else. `possible`: whatever may stand for a negation, parts of words
    and verbs of refusal among it: without any of it nothing is negated."""

    sure: re.Pattern[str]
    possible: re.Pattern[str]


_ENGLISH_SURE = _words(
    "(?:is|are|was|were|do|does|did|has|have|had|will|would|could|should|ca)n[’']t|never|nobody|cannot"
)
_ENGLISH_POSSIBLE = _parts(
    r"n[’']?t\b|\bno|\bne(?:ver|ither)|\bcannot|\b(?:un|in|im|il|ir|dis|mis|non|ab|anti)\w{2}|less\b|\bwithout"
    r"|\b(?:hardly|barely|scarcely|rarely|seldom|few|fewer|little|only|just|but|except|rather|instead|any\w*|ever|else"
    r"|otherwise|far|too|before|until|free|empty|rid|out|away|against|opposite|contrary|stop\w*|avoid\w*|refus\w*"
    r"|den(?:y|ie)\w*|fail\w*|lack\w*|miss\w*|prevent\w*|reject\w*|ignor\w*|forg[eo]t\w*|doubt\w*|lost|los[es]\w*|ceas\w*"
    r"|hate\w*|bad\w*|wrong\w*|false\w*|absen\w*|exclu\w*|forb\w*|ban\w*|declin\w*|oppos\w*|differ\w*|ain)\b"
)
# Tags and turns of phrase whose "not" says nothing of what the sentence states
_TURNS = _parts(
    r"n[’']t (?:it|you|they|he|she|we|i|that|there|these|those)\b|why (?:do|did|does)n|not (?:only|just|to mention)"
    r"|no (?:matter|doubt|wonder|longer|more|less)|n[’']t (?:wait|help|mind|worry|matter)|nothing (?:but|more|less)"
    r"|none other|never(?:theless| ?mind)|n[’']t (?:know|care|have to|just|only|until|let|even)|more than|rather|or not"
    r"|if .*n[’']t|\bbut\b|\bunless\b|\buntil\b|\bany more\b|anymore"
)

_NEVER = _parts(r"(?!)")
_SIGNS: Mapping[str, _Signs] = {
    "de": _Signs(
        _words("nicht|kein(?:e[mnrs]?)?|niemand(?:e[mn])?|nirgend(?:wo|s)"),
        _parts(
            r"nicht|nie|kein|nein|nirgend|ohne|weder|\bun|los|miss|leer|fehl|kaum|außer|weiger|verbot|statt|ander|\baus"
        ),
    ),
    "fr": _Signs(
        _words(r"n[e’'] ?\S+ (?:pas|jamais|rien|aucune?)|aucune?|personne ne"),
        _parts(
            r"\bn[’'e]|\bpas\b|jamais|rien|aucun|personne|sans|\bnon\b|\bni\b|\b(?:in|im|il|ir|dés?|mal)|peu|refus|manqu"
        ),
    ),
    "es": _Signs(
        _words("no|nunca|jamás|nadie|ningun[oa]s?|ningún|tampoco"),
        _parts(
            r"\bno\b|nunca|jamás|nad[aie]|ning[uú]n|tampoco|\bni\b|\bsin\b|\b(?:in|im|des|dis)|poc|falt|dej|evit|neg"
        ),
    ),
    "it": _Signs(
        _words("non|mai|nessun[oa]?|neanche|nemmeno"),
        _parts(
            r"\bnon\b|\bmai\b|nessun|nulla|niente|neanche|nemmeno|neppure|\bné\b|senza|\b(?:in|im|dis|s)[a-z]|poc|manc|nega"
        ),
    ),
    "nl": _Signs(
        _words("niet|geen|nooit|niemand|nergens"),
        _parts(r"niet|geen|nooit|niemand|nergens|nee\b|zonder|noch|\bon|loos|mis|weiger|weinig|nauwelijks"),
    ),
    "cs": _Signs(
        _words("není|nejsou|nikdy|nikdo|nebyl[aoiy]?|nemá|nemají"), _parts(r"\bn[eiě]|žádn|bez|\bani\b|\bmálo")
    ),
    "ru": _Signs(_words("не|нет|никогда|никто"), _parts(r"\bн[еи]|нет\b|без|бес|мало|отказ|отсутств|кроме|лиш|анти")),
    "bg": _Signs(_words("не|няма|никога|никой|недей"), _parts(r"\bн[еия]|без|бес|малко|отказ|липс|освен|лиш|анти")),
    "el": _Signs(
        _words("δεν|δε|ποτέ|κανείς|κανένας"),
        _parts(r"\bδεν?\b|\bμην?\b|ποτέ|καν[εέ]|τίποτ|χωρίς|δίχως|όχι|ούτε|\b[αά]|λίγ|άρν|έλλει|αντί"),
    ),
    "tr": _Signs(
        _words("değil(?:dir|di)?|hiçbir|hiç kimse|asla"),
        _parts(r"değil|yok|hiç|asla|hayır|s[ıiuü]z|m[aeıiuü]|ne\b|az\b|dışı|imkan|yerine|kaç|red"),
    ),
    "vi": _Signs(
        _NEVER,  # không, chưa and ไม่ ask questions, too
        _parts("không|chẳng|chưa|đừng|chả|phi|vô|bất|thiếu|ít|hiếm|khỏi|mất|cấm|từ chối|thôi|hết|ngoài|đâu"),
    ),
    "zh": _Signs(
        _parts("不是|没有|從不|从不|从未|从来没|不能|不会"),
        _parts("[不没沒无無非未别別勿莫否少缺拒禁免失反绝]|除"),
    ),
    "ar": _Signs(_words("ليس|ليست|لم|لن"), _parts(r"لا|ل[مني]|ليس|غير|عدم|دون|بدون|ما|أبد|قط|رفض|سوى|إلا|نف[يى]|قل")),
    "hi": _Signs(
        _words("नहीं|कभी नहीं"), _parts("नही|नहीं|ना|न |मत|बिना|बगैर|अ|गैर|बे|कम|इनकार|इंकार|मना|कोई|सिवा|रहित|विफल")
    ),
    "id": _Signs(
        _words("tidak|bukan|belum|jangan"),
        _parts(
            "tidak|tak|bukan|belum|jangan|tanpa|nggak|gak|enggak|non|kurang|jarang|tiada|selain|gagal|tolak|kecuali"
        ),
    ),
    "th": _Signs(_NEVER, _parts("ไม่|มิ|ไร้|อย่า|ไม|เปล่า|ปราศ|ขาด|น้อย|ห้าม|ยัง|นอก|ปฏิเสธ|อ")),
}  # language → its signs


def negation_differs(source: str, output: str, source_language: str, target_language: str) -> bool:
    """Whether one of two texts surely negates and the other has no sign of it. One of them must be English; False
    where it is long or has a turn of phrase, and for a language without a list."""
    if source_language != "en":
        source, output, target_language = output, source, source_language if target_language == "en" else ""
    signs = _SIGNS.get(target_language)
    if signs is None or len(source) > _LONGEST or _TURNS.search(source):
        return False
    lost = _ENGLISH_SURE.search(source) and not signs.possible.search(output)
    made_up = signs.sure.search(output) and not _ENGLISH_POSSIBLE.search(source)
    return bool(lost or made_up)
