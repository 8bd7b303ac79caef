"""Finds numbers and negations that a translation lost, as far as closed word lists can show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

# Numbers

_NUMBER = re.compile(
    r"\d+(?:[.,'’٫٬\u00a0\u202f]\d{1,3}(?!\d))*"  # with separators of groups and decimals
    r"(?!\d*[.,]?\d*(?:s\b|[’'] ?s\b))"  # no decades: "the 1980s"
)
_DAY = re.compile(
    r"\b\d{1,2}([./])\d{1,2}\1(?=\d{2,4}\b)"
)  # day and month before a year, which many languages spell out
_ZERO_DECIMALS = re.compile(r"[.,]0{1,2}$")  # "$10.00" is often written "10"
_FEWEST_DIGITS = 3  # shorter numbers are often spelled out, or hours of another clock
_EAST_ASIAN = "[〇一二三四五六七八九十百千万亿萬億兆]"
_TIMES = r"(?:dv[ei]je?|dve|dva|tri|četiri|štiri|štyri|p[eä][tť]|šes[tť]|sed[ea]m|os[ea]m|dev[eaä][tť])"
# language → words that spell out hundreds, thousands and more, or count in other units, such as lakh and crore. Short
# ones stand alone; the others are found inside compounds too ("Hundertmeterlauf")
_NUMBER_WORDS: Mapping[str, str] = {
    "af": "honderd|duisend|miljoen|miljard",
    "am": "መቶ|ሺህ|ሚሊዮን|ቢሊዮን",
    "ar": "مئة|مائة|مئت|مائت|مئات|ألف|آلاف|الف|مليون|ملايين|مليار|بليون",
    "az": r"yüz|\bmin\b|milyon|milyard",
    "be": r"\bсто\b|сот\b|сотн|дзвесце|трыста|тысяч|мільён|мільярд",
    "bg": r"\bсто\b|двеста|триста|стотин|хиляд|\bхил|милион|\bмлн|милиард|\bмлрд",
    "bn": r"শত|(?<!\S)শ(?!\S)|হাজার|লাখ|লক্ষ|কোটি|মিলিয়ন|বিলিয়ন",
    "br": r"\bkant|\bmil\b|milion",
    "bs": rf"\bsto\b|{_TIMES}sto\b|stotin|hiljad|tisuć|milion|milijun|milijard",
    "ca": r"\bcent(?:s|es|enar)?\b|\w+-cents|\bmil\b|milers|milió|milions",
    "cs": r"\bst[oěa]\b|\bset\b|tisíc|\btis\b|milion|milión|\bmil\b|miliard",
    "cy": r"\b(?:c|g|ngh)ant\b|\bfil|\bmil|miliwn",
    "da": r"hundred|tusind|million|\bmio\b|milliard|\bmia\b",
    "de": r"hundert|tausend|million|\bmio\b|milliard|\bmrd\b|\btsd\b|billion",
    "el": "εκατ|ακόσι|κόσι|χίλι|χιλι|δισεκ",
    "en": r"hundred|thousand|million|billion|trillion|\blakh|\bcrore",
    "eo": r"\bcent|\w+cent\b|\bmil|miliard",
    "es": r"\bcien\b|\bciento|cient[oa]s|quinient|\bmil\b|\bmiles\b|mill[oó]n|billon|billón",
    "et": "sada|saja|tuhan|tuhat|miljon|miljard",
    "eu": r"\behun|\bmila|milioi",
    "fa": "صد|سیصد|پانصد|هزار|میلیون|میلیارد",
    "fi": r"sata|sada|tuhan|tuhat|miljoon|miljard|\bmilj|\bmrd",
    "fr": r"\bcents?\b|centaine|\bmille\b|\bmilliers?\b|million|milliard",
    "fy": "hûndert|tûzen|miljoen|miljard",
    "ga": "gcéad|céad|mhíle|míle|m(?:h)?illiún",
    "gl": r"\bcen\b|\bcento|cent[oa]s|\bmil\b|\bmiles\b|millón|millóns",
    "gu": r"(?<!\S)સો(?!\S)|હજાર|હઝાર|લાખ|કરોડ|અબજ|મિલિયન",
    "ha": r"\b[dɗ]ari|dubu|miliyan",
    "he": "מאה|מאות|מאתיים|אלף|אלפי|מיליון|מיליארד",
    "hi": r"(?<!\S)सौ(?!\S)|सैकड|हजार|हज़ार|लाख|करोड|अरब|खरब|मिलियन|बिलियन",
    "hr": rf"\bsto\b|{_TIMES}sto\b|stotin|tisuć|hiljad|milijun|milijard",
    "ht": r"\bsan\b|\bmil\b|milye|milyon",
    "hu": r"száz|ezer|ezr|millió|milliárd",
    "hy": "հարյուր|հազար|միլիոն|միլիարդ",
    "id": r"ratus|ribu|\bjuta|mil[iy]ar",
    "is": "hundr|þúsund|milljón|milljarð",
    "it": r"\bcento|cento\b|centinai|\bmille\b|mila\b|migliai|milion|miliard",
    "ja": _EAST_ASIAN,
    "jv": r"atus|\bsatus|ewu|èwu|yuta",
    "ka": r"\bას|ასი|ათას|მილიონ|მილიარდ",
    "kk": r"\bжүз|\bмың|миллион|миллиард",
    "km": "រយ|ពាន់|ម៉ឺន|សែន|លាន",
    "ko": f"[만억조천백]|{_EAST_ASIAN}",
    "la": "centum|cent[ei]|mille|milia",
    "lt": r"šimt|tūkst|milijon|\bmln|milijard|\bmlrd",
    "lv": r"simt|tūkst|miljon|miljard",
    "mk": r"\bсто\b|двесте|триста|стотин|илјад|милион|милијард",
    "ml": "നൂറ|ആയിര|ലക്ഷ|കോടി|മില്യ|ദശലക്ഷ",
    "mn": r"\bзуу|мянга|мянган|\bсая|\bтэрбум",
    "mr": r"शंभर|(?<=\S)शे(?!\S)|हजार|लाख|लक्ष|कोटी|अब्ज",
    "ms": r"ratus|ribu|\bjuta|bilion",
    "my": "တစ်ရာ|နှစ်ရာ|ထောင်|သောင်း|သိန်း|သန်း|ကုဋေ",
    "ne": r"(?<!\S)सय(?!\S)|हजार|लाख|करोड|अर्ब|मिलियन",
    "nl": "honderd|duizend|miljoen|miljard",
    "no": r"hundre|tusen|million|milliard|\bmill\b",
    "pa": r"(?<!\S)ਸੌ(?!\S)|ਹਜਾਰ|ਹਜ਼ਾਰ|ਲੱਖ|ਕਰੋੜ|ਅਰਬ|ਮਿਲੀਅਨ",
    "pl": r"\bst[ou]\b|dwieście|dwustu|\w+ysta\b|\w+set\b|setk|tysi[ąę]c|\btys\b|milion|\bmln\b|miliard|\bmld\b",
    "pt": r"\bcem\b|\bcento|cent[oa]s|quinhent|\bmil\b|milhar|milh[õã]|bilh[õã]",
    "qu": "pachak|waranqa|hunu",
    "ro": r"\bsut[aăe]|\bsutele|\bmi[ie]\b|\bmiilor|mili(?:on|oan)|miliard",
    "ru": r"\bст[оа]\b|сот\b|\bсот(?:н|ен)|двест|трист|четырест|тысяч|\bтыс\b|миллион|\bмлн\b|миллиард|\bмлрд\b",
    "si": "සිය|දහස|දහස්|ලක්ෂ|කෝටි|මිලියන",
    "sk": rf"\bsto\b|{_TIMES}sto\b|stov|tisíc|milión|milion|miliard",
    "sl": rf"\bsto\b|{_TIMES}sto\b|tisoč|milijon|milijard",
    "so": r"boqol|\bkun\b|kumanaan|milyan|milyuun",
    "sq": r"qind|\bmij|milion|miliard",
    "sr": rf"\bsto\b|{_TIMES}sto\b|stotin|hiljad|milion|milijard|\bсто\b|стотин|сто\b|хиљад|милион|милијард",
    "sv": r"hundra|tusen|miljon|\bmn\b|miljard|\bmd\b",
    "sw": r"\bmia\b|mamia|elfu|\blaki|milioni|bilioni",
    "ta": "நூற|நூறு|ஆயிர|இலட்ச|லட்ச|கோடி|மில்லிய|பில்லிய",
    "te": "వంద|నూరు|వేల|వెయ్యి|వేయి|లక్ష|కోట|మిలియ|బిలియ",
    "th": "ร้อย|พัน|หมื่น|แสน|ล้าน",
    "tl": r"daan\b|sandaan|libo|milyon|bilyon",
    "tr": r"yüz|\bbin|milyon|milyar|trilyon",
    "tt": r"йөз|\bмең|миллион|миллиард",
    "ug": "يۈز|مىڭ|مىليون|مىليارد",
    "uk": r"\bст[оа]\b|сот\b|\bсот(?:н|ень)|двіст|трист|чотирист|тисяч|\bтис\b|мільйон|\bмлн\b|мільярд|\bмлрд\b",
    "ur": r"(?<!\S)سو(?!\S)|سینکڑ|ہزار|لاکھ|کروڑ|ارب|کھرب|ملین|بلین",
    "uz": r"\byuz|\bming|million|milliard|\bюз|\bминг|миллион",
    "vi": r"trăm|nghìn|ngàn|\bvạn\b|triệu|\bt[ỷỉ]\b",
    "wo": "téeméer|junni|milyoŋ",
    "xh": "khulu|waka|gidi",
    "yi": "הונדערט|טויזנ|מיליאן|מיליאָן",
    "yo": "ọgọ́|ọgọ|ẹgbẹ̀|ẹgbẹ|mílíọ",
    "yue": _EAST_ASIAN,
    "zh": _EAST_ASIAN,
}


def lost_number(source: str, output: str, target: str) -> str | None:
    """Returns the source's first number of at least three digits whose digits the output does not contain in order.

    None if all are there, or if the output, in language `target`, spells out a number or counts in other units; also
    for a language without a word list.
    """
    wanted = [_digits(_ZERO_DECIMALS.sub("", number)) for number in _NUMBER.findall(_DAY.sub("", source))]
    found = _digits(output) if wanted else ""
    lost = next((number for number in wanted if len(number) >= _FEWEST_DIGITS and number not in found), None)
    if lost is None:
        return None
    words = _number_words(target)
    return None if words is None or words.search(unicodedata.normalize("NFC", output)) else lost


def _digits(text: str) -> str:
    """Returns the digits of a text, in any script, as ASCII."""
    return "".join(str(unicodedata.decimal(one)) for one in text if one.isdecimal())


@cache
def _number_words(code: str) -> re.Pattern[str] | None:
    pattern = _NUMBER_WORDS.get(code)
    return None if pattern is None else re.compile(unicodedata.normalize("NFC", pattern), re.IGNORECASE)


# Negation

_LONGEST = 160  # characters of an English sentence; in longer ones another clause may carry the negation


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


def _parts(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


@dataclass(frozen=True)
class _Signs:
    """Signs of negation in a language.

    `sure`: words that always negate. `possible`: everything that may express a negation, such as affixes and verbs of
    refusal: a text without any of it negates nothing.
    """

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
# Tag questions and idioms whose "not" does not negate the sentence
_TURNS = _parts(
    r"n[’']t (?:it|you|they|he|she|we|i|that|there|these|those)\b|why (?:do|did|does)n|not (?:only|just|to mention)"
    r"|no (?:matter|doubt|wonder|longer|more|less)|n[’']t (?:wait|help|mind|worry|matter)|nothing (?:but|more|less)"
    r"|none other|never(?:theless| ?mind)|n[’']t (?:know|care|have to|just|only|until|let|even)|more than|rather|or not"
    r"|if .*n[’']t|\bbut\b|\bunless\b|\buntil\b|\bany more\b|anymore"
)

_NOTHING = _parts(r"(?!)")
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
        _NOTHING,  # không, chưa and ไม่ also ask questions
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
    "th": _Signs(_NOTHING, _parts("ไม่|มิ|ไร้|อย่า|ไม|เปล่า|ปราศ|ขาด|น้อย|ห้าม|ยัง|นอก|ปฏิเสธ|อ")),
}  # language → its signs


def negation_differs(source: str, output: str, source_language: str, target_language: str) -> bool:
    """Returns whether one of two texts certainly negates and the other has no sign of negation.

    One of them must be English. False if the English text is long or has an idiom with "not", and for languages without
    a word list.
    """
    if source_language != "en":
        source, output, target_language = output, source, source_language if target_language == "en" else ""
    signs = _SIGNS.get(target_language)
    if signs is None or len(source) > _LONGEST or _TURNS.search(source):
        return False
    lost = _ENGLISH_SURE.search(source) and not signs.possible.search(output)
    made_up = signs.sure.search(output) and not _ENGLISH_POSSIBLE.search(source)
    return bool(lost or made_up)
