"""Languages with code, name, family and script, and the language sets of XTREME and XTREME-R."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from xtransfer.base.errors import unknown


@dataclass(frozen=True)
class Language:
    """A language. `code` is ISO 639-1 if it exists, else ISO 639-3."""

    code: str
    name: str
    family: str  # top-level family; "Isolate" for Basque and Korean
    branch: str  # branch of Indo-European; elsewhere, same as family
    script: str  # ISO 15924 name of the usual script


# code, name, family (or "IE:branch" within Indo-European), script
_TABLE = """
af Afrikaans|IE:Germanic|Latin
am Amharic|Afro-Asiatic|Ethiopic
ar Arabic|Afro-Asiatic|Arabic
az Azerbaijani|Turkic|Latin
be Belarusian|IE:Slavic|Cyrillic
bg Bulgarian|IE:Slavic|Cyrillic
bn Bengali|IE:Indo-Aryan|Bengali
br Breton|IE:Celtic|Latin
bs Bosnian|IE:Slavic|Latin
ca Catalan|IE:Romance|Latin
cs Czech|IE:Slavic|Latin
cy Welsh|IE:Celtic|Latin
da Danish|IE:Germanic|Latin
de German|IE:Germanic|Latin
el Greek|IE:Greek|Greek
en English|IE:Germanic|Latin
eo Esperanto|Constructed|Latin
es Spanish|IE:Romance|Latin
et Estonian|Uralic|Latin
eu Basque|Isolate|Latin
fa Persian|IE:Iranian|Arabic
fi Finnish|Uralic|Latin
fr French|IE:Romance|Latin
fy Western Frisian|IE:Germanic|Latin
ga Irish|IE:Celtic|Latin
gl Galician|IE:Romance|Latin
gu Gujarati|IE:Indo-Aryan|Gujarati
ha Hausa|Afro-Asiatic|Latin
he Hebrew|Afro-Asiatic|Hebrew
hi Hindi|IE:Indo-Aryan|Devanagari
hr Croatian|IE:Slavic|Latin
ht Haitian Creole|Creole|Latin
hu Hungarian|Uralic|Latin
hy Armenian|IE:Armenian|Armenian
id Indonesian|Austronesian|Latin
is Icelandic|IE:Germanic|Latin
it Italian|IE:Romance|Latin
ja Japanese|Japonic|Japanese
jv Javanese|Austronesian|Latin
ka Georgian|Kartvelian|Georgian
kk Kazakh|Turkic|Cyrillic
km Khmer|Austro-Asiatic|Khmer
ko Korean|Isolate|Hangul
la Latin|IE:Romance|Latin
lt Lithuanian|IE:Baltic|Latin
lv Latvian|IE:Baltic|Latin
mk Macedonian|IE:Slavic|Cyrillic
ml Malayalam|Dravidian|Malayalam
mn Mongolian|Mongolic|Cyrillic
mr Marathi|IE:Indo-Aryan|Devanagari
ms Malay|Austronesian|Latin
my Burmese|Sino-Tibetan|Burmese
ne Nepali|IE:Indo-Aryan|Devanagari
nl Dutch|IE:Germanic|Latin
no Norwegian|IE:Germanic|Latin
pa Punjabi|IE:Indo-Aryan|Gurmukhi
pl Polish|IE:Slavic|Latin
pt Portuguese|IE:Romance|Latin
qu Quechua|Quechuan|Latin
ro Romanian|IE:Romance|Latin
ru Russian|IE:Slavic|Cyrillic
si Sinhala|IE:Indo-Aryan|Sinhala
sk Slovak|IE:Slavic|Latin
sl Slovenian|IE:Slavic|Latin
so Somali|Afro-Asiatic|Latin
sq Albanian|IE:Albanian|Latin
sr Serbian|IE:Slavic|Cyrillic
sv Swedish|IE:Germanic|Latin
sw Swahili|Niger-Congo|Latin
ta Tamil|Dravidian|Tamil
te Telugu|Dravidian|Telugu
th Thai|Kra-Dai|Thai
tl Tagalog|Austronesian|Latin
tr Turkish|Turkic|Latin
tt Tatar|Turkic|Cyrillic
ug Uyghur|Turkic|Arabic
uk Ukrainian|IE:Slavic|Cyrillic
ur Urdu|IE:Indo-Aryan|Arabic
uz Uzbek|Turkic|Latin
vi Vietnamese|Austro-Asiatic|Latin
wo Wolof|Niger-Congo|Latin
xh Xhosa|Niger-Congo|Latin
yi Yiddish|IE:Germanic|Hebrew
yo Yoruba|Niger-Congo|Latin
yue Cantonese|Sino-Tibetan|Han
zh Chinese|Sino-Tibetan|Han
"""


NO_FAMILY = frozenset({"Isolate", "Creole", "Constructed"})  # placeholders for languages without a family


def _read(line: str) -> Language:
    code, _, rest = line.partition(" ")
    name, family, script = rest.split("|")
    top, _, branch = family.partition(":")
    top = "Indo-European" if top == "IE" else top
    return Language(code, name, top, branch or top, script)


LANGUAGES: dict[str, Language] = {one.code: one for one in map(_read, _TABLE.strip().splitlines())}


def language(code: str) -> Language:
    """Returns the language of a code; raises RequestError with the nearest code if it is unknown."""
    if code not in LANGUAGES:
        raise unknown("language", code, LANGUAGES)
    return LANGUAGES[code]


@cache
def codes(text: str) -> tuple[str, ...]:
    """Returns `"ar bg de"` as a tuple of codes; raises RequestError for an unknown one."""
    return tuple(language(code).code for code in text.split())


XTREME = codes(
    "af ar bg bn de el en es et eu fa fi fr he hi hu id it ja jv ka kk ko ml mr ms my nl pt ru sw ta te th tl"
    " tr ur vi yo zh"
)
XTREME_R = tuple(sorted(XTREME + codes("az gu ht lt pa pl qu ro uk wo")))
