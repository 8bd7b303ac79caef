"""Each check of a translator's output: what it finds, and what it leaves alone."""

from __future__ import annotations

import random
import string
from pathlib import Path
from typing import Any

import pytest

from xtransfer import benchmarks
from xtransfer.base.languages import LANGUAGES
from xtransfer.data.load import load_rows
from xtransfer.translation import word_checks
from xtransfer.translation.checks import Reason, fault, lost_names
from xtransfer.translation.translatable import texts_of
from xtransfer.translation.translated_rows import Dropped, read_dropped, save_dropped

HELD = [
    ("de", "The old man gave the children three apples.", "Der alte Mann gab den Kindern drei Äpfel."),
    ("tr", "The old man gave the children three apples.", "Yaşlı adam çocuklara üç elma verdi."),
    ("zh", "The old man gave the children three apples.", "老人给了孩子们三个苹果。"),
    ("ja", "The old man gave the children three apples.", "おじいさんは子供たちにりんごを三つあげました。"),
    ("ar", "The old man gave the children three apples.", "أعطى الرجل العجوز الأطفال ثلاث تفاحات."),
    ("hi", "The old man gave the children three apples.", "बूढ़े आदमी ने बच्चों को तीन सेब दिए।"),
    ("ko", "Nora Bell works for Acme Corporation.", "노라 벨은 Acme Corporation에서 일한다."),
    ("de", "Anna Weber", "Anna Weber"),
    ("de", "ok ok um-hum", "ok ok um-hum"),
    ("de", "We paid 1,250 dollars in 1987.", "1987 haben wir 1.250 Dollar bezahlt."),
    ("ar", "The bridge was built in 1987.", "بُني الجسر عام ١٩٨٧."),
    ("zh", "The town has 15000 people.", "这座城市有一万五千人。"),
    ("fr", "People danced a lot in the 1980s.", "Les gens dansaient beaucoup dans les années 80."),
    ("es", "They wrote to Warsaw and to Prague.", "Escribieron a Varsovia y a Praga."),
    ("es", "She speaks Greek and also Danish.", "Habla griego y también danés, y lo hace bien."),
    ("fr", "He said no no no no no no to them.", "Il leur a dit non non non non non non."),
    ("de", "You haven't seen it, have you?", "Das hast du nicht gesehen, oder?"),
    ("fr", "Isn't it a lovely day today?", "C'est une belle journée aujourd'hui, pas vrai ?"),
    ("sr", "The old man gave the children three apples.", "Starac je dao deci tri jabuke."),
    ("hi", "There are 300 million people here.", "यहाँ 30 करोड़ लोग हैं।"),
    ("bn", "The town has 200,000 people.", "শহরটিতে 2 লক্ষ মানুষ আছে।"),
    ("ur", "There are 300 million people here.", "یہاں 30 کروڑ لوگ ہیں۔"),
    ("th", "The town has 200,000 people.", "เมืองนี้มีประชากร 2 แสนคน"),
    ("de", "She won the 100-metre race.", "Sie gewann das Hundertmeterrennen."),
    ("ru", "The house has no more than 200 rooms.", "В доме не более двухсот комнат."),
    ("ar", "That cost more than $400,000 this year.", "كلف ذلك أكثر من 400 ألف دولار هذا العام."),
    ("es", "I would rather eat 100 pears than one apple.", "Preferiría comer cien peras antes que una manzana."),
    ("sw", "The machine had 158 parts in all.", "Mashine ilikuwa na sehemu mia moja hamsini na nane."),
    ("de", "I ask you to give $10.00 to them.", "Ich bitte dich, ihnen 10 $ zu geben."),
    ("ru", "The trial took place on Feb. 19,2003 there.", "Суд состоялся там 19.02.2003."),
]
FAULTY = [
    ("de", "", "Ein Hund.", Reason.EMPTY_SOURCE),
    ("de", "A dog.", " \n", Reason.EMPTY),
    ("de", "The dog runs over the green grass.", "the dog runs over  the green grass", Reason.COPIED),
    ("hi", "The dog sleeps in our garden.", "kutta hamare bagiche mein sota hai", Reason.SCRIPT),
    ("de", "The dog sleeps in our garden.", "Собака спит в нашем саду.", Reason.SCRIPT),
    ("de", "The dog sleeps in our garden today.", "The dog was sleeping in our garden all day.", Reason.LANGUAGE),
    ("tr", "The dog sleeps in our garden today.", "Le chien dort dans notre jardin aujourd'hui.", Reason.LANGUAGE),
    ("de", "The dog sleeps, and then it runs through the garden to us.", "Der Hund.", Reason.LENGTH),
    ("de", "The dog sleeps.", "Der Hund schläft, und als er dann wach wird, läuft er durch das Haus.", Reason.LENGTH),
    ("de", "The dog sleeps in the garden.", "Der Hund hund hund hund hund hund.", Reason.REPETITION),
    ("zh", "The dog sleeps in our big garden.", "狗睡觉了狗睡觉了狗睡觉了狗睡觉了", Reason.REPETITION),
    ("de", "The bridge was built in 1987.", "Die Brücke wurde 1978 gebaut.", Reason.NUMBER),
    ("hi", "The bridge was built in 1987.", "पुल 1978 में बना था।", Reason.NUMBER),
    ("de", "We paid 1,250.50 dollars for it.", "Dafür zahlten wir 1.350,50 Dollar.", Reason.NUMBER),
    ("ru", "The house has 250 rooms.", "В доме много комнат для сотрудников.", Reason.NUMBER),
    ("es", "They moved from Leipzig to Aarhus.", "Se mudaron de una ciudad a otra.", Reason.NAME),
    ("de", "The dog doesn't like the garden.", "Der Hund mag den Garten.", Reason.NEGATION),
    ("de", "The dog likes the garden.", "Der Hund mag den Garten nicht.", Reason.NEGATION),
    ("fr", "The dog never sleeps in the garden.", "Le chien dort toujours dans le jardin.", Reason.NEGATION),
    ("ru", "The dog is sleeping in the garden.", "Собака не спит в саду.", Reason.NEGATION),
    ("tr", "He hasn't slept at home.", "Evde yatıp uyudu.", Reason.NEGATION),
]


@pytest.mark.parametrize(("language", "source", "output"), HELD)
def test_good_translations_pass(language: str, source: str, output: str) -> None:
    assert fault([source], [output], "en", language, negation=True) is None
    assert fault([output], [source], language, "en", negation=True) is None, "back"


@pytest.mark.parametrize(("language", "source", "output", "reason"), FAULTY)
def test_bad_ones_have_their_reason(language: str, source: str, output: str, reason: Reason) -> None:
    held = ("A cat.", "Eine Katze." if language == "de" else "A.")
    assert fault([held[0], source], [held[1], output], "en", language, negation=True) is reason


def test_negation_decides_only_where_it_is_asked_for() -> None:
    lost = ["The dog doesn't like the garden."], ["Der Hund mag den Garten."], "en", "de"
    assert fault(*lost) is None and fault(*lost, negation=True) is Reason.NEGATION


def test_a_number_counts_as_lost_only_where_number_words_are_known() -> None:
    assert set(word_checks._NUMBER_WORDS) < set(LANGUAGES)
    for language, lost in (("de", Reason.NUMBER), ("zu", None)):
        assert fault(["It has 300 rooms."], ["I-x-y-z."], "en", language) is lost


def test_a_language_that_the_detector_confuses_is_not_judged() -> None:
    urdu = "بوڑھے آدمی نے بچوں کو تین سیب دیے اور وہ سب بہت خوش ہوئے"
    assert fault(["The old man gave the children three apples and all were happy."], [urdu], "en", "ps") is None


def test_names_that_are_alike_are_kept() -> None:
    assert not lost_names("They moved from Munich to Prague.", "se mudaron de múnich a otra ciudad", "en", "es")
    assert lost_names("They moved from Munich to Prague.", "se mudaron de casa", "en", "es")


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_any_text_can_be_checked(language: str) -> None:
    rng = random.Random(language)
    signs = string.printable + "\u200f\u202e\0äß中ひ한अعя\ud800🙂٣"
    for _ in range(20):
        one, other = ("".join(rng.choices(signs, k=rng.randrange(1, 120))) for _ in range(2))
        assert fault([one], [other], "en", language, negation=True) in (None, *Reason)


def test_a_field_of_a_hundred_kilobytes_is_checked_in_time() -> None:
    english = " ".join(f"The dog number {number} sleeps in the garden." for number in range(2500))
    german = " ".join(f"Der Hund Nummer {number} schläft im Garten." for number in range(2500))
    assert len(english) > 100_000
    assert fault([english], [german], "en", "de", negation=True) is None
    assert fault([english], [german[:20_000]], "en", "de", negation=True) is Reason.LENGTH
    assert fault([english], ["ab" * 50_000], "en", "de") is Reason.REPETITION


def test_what_was_dropped_can_be_read_again(tmp_path: Path) -> None:
    assert read_dropped(tmp_path) == []
    rows = [Dropped("1", Reason.COPIED.value, ["a", "b"], ["a", ""])]
    save_dropped(rows, tmp_path)
    assert read_dropped(tmp_path) == rows
    save_dropped([], tmp_path)
    assert read_dropped(tmp_path) == []


def _people(name: str, language: str) -> list[tuple[list[str], list[str]]]:
    """Every tenth row of a dev split beside the English one; those that nobody translated ('NS') left aside."""
    benchmark, english = benchmarks.get(name), benchmarks.get("copa" if name == "xcopa" else name)
    sources: dict[str, dict[str, Any]] = {row["id"]: row for row in load_rows(english, "en", "dev")}
    found = load_rows(benchmark, language, "dev")[::10]
    pairs = [
        (texts_of(benchmark.kind, sources[row["id"]]), texts_of(benchmark.kind, row))
        for row in found
        if row["id"] in sources
    ]
    return [(one, other) for one, other in pairs if not any(text.strip() in ("NS", "ns") for text in other)]


@pytest.mark.usefixtures("hub_dir")
@pytest.mark.parametrize(
    ("name", "language"),
    [("xnli", "de"), ("xnli", "fr"), ("xnli", "ru"), ("xnli", "sw"), ("xnli", "zh"), ("paws-x", "ja"), ("xcopa", "ta")],
)
def test_few_of_peoples_translations_are_dropped(name: str, language: str) -> None:
    pairs = _people(name, language)
    faults = [fault(*pair, "en", language, negation=name != "xcopa") for pair in pairs]
    assert len(pairs) >= 10
    assert sum(reason is not None for reason in faults) <= 0.02 * len(pairs), faults
