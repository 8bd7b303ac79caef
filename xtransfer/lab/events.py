"""Events and the causal laws: each event causes one state of its subject."""

from __future__ import annotations

from xtransfer.lab.words import VerbPhrase

EVENTS: dict[str, VerbPhrase] = {
    "work": VerbPhrase("worked", ("arbeitete", ""), "a travaillé", ("работал", ""), "çalıştı", "alifanya kazi"),
    "run": VerbPhrase("ran", ("rannte", ""), "a couru", ("бегал", ""), "koştu", "alikimbia"),
    "sleep": VerbPhrase("slept", ("schlief", ""), "a dormi", ("спал", ""), "uyudu", "alilala"),
    "pause": VerbPhrase(
        "took a break",
        ("machte", "eine Pause"),
        "a fait une pause",
        ("сделал", "перерыв"),
        "mola verdi",
        "alipumzika",
    ),
    "fast": VerbPhrase("fasted", ("fastete", ""), "a jeûné", ("голодал", ""), "oruç tuttu", "alifunga"),
    "forget_bread": VerbPhrase(
        "forgot the bread",
        ("vergaß", "das Brot"),
        "a oublié le pain",
        ("забыл", "хлеб"),
        "ekmeği unuttu",
        "alisahau mkate",
    ),
    "eat_meat": VerbPhrase(
        "ate meat", ("aß", "Fleisch"), "a mangé de la viande", ("ел", "мясо"), "et yedi", "alikula nyama"
    ),
    "dine": VerbPhrase("dined", ("speiste", ""), "a dîné", ("ужинал", ""), "yemek yedi", "alikula chakula"),
    "win_game": VerbPhrase(
        "won the game",
        ("gewann", "das Spiel"),
        "a gagné le match",
        ("выиграл", "игру"),
        "oyunu kazandı",
        "alishinda mchezo",
    ),
    "get_gift": VerbPhrase(
        "received a gift",
        ("bekam", "ein Geschenk"),
        "a reçu un cadeau",
        ("получил", "подарок"),
        "hediye aldı",
        "alipokea zawadi",
    ),
    "lose_game": VerbPhrase(
        "lost the game",
        ("verlor", "das Spiel"),
        "a perdu le match",
        ("проиграл", "игру"),
        "oyunu kaybetti",
        "alishindwa mchezo",
    ),
    "bury_friend": VerbPhrase(
        "buried a friend",
        ("begrub", "einen Freund"),
        "a enterré un ami",
        ("похоронил", "друга"),
        "bir arkadaşını gömdü",
        "alimzika rafiki",
    ),
    "bathe": VerbPhrase(
        "took a bath", ("nahm", "ein Bad"), "a pris un bain", ("принимал", "ванну"), "banyo yaptı", "alioga"
    ),
    "use_soap": VerbPhrase(
        "used soap",
        ("benutzte", "Seife"),
        "a utilisé du savon",
        ("использовал", "мыло"),
        "sabun kullandı",
        "alitumia sabuni",
    ),
    "swim": VerbPhrase("swam", ("schwamm", ""), "a nagé", ("плавал", ""), "yüzdü", "aliogelea"),
    "play_in_mud": VerbPhrase(
        "played in the mud",
        ("spielte", "im Schlamm"),
        "a joué dans la boue",
        ("играл", "в грязи"),
        "çamurda oynadı",
        "alicheza matopeni",
    ),
    "dig": VerbPhrase(
        "dug a hole",
        ("grub", "ein Loch"),
        "a creusé un trou",
        ("копал", "яму"),
        "çukur kazdı",
        "alichimba shimo",
    ),
    "paint_wall": VerbPhrase(
        "painted the wall",
        ("strich", "die Wand"),
        "a peint le mur",
        ("красил", "стену"),
        "duvarı boyadı",
        "alipaka ukuta rangi",
    ),
    "find_gold": VerbPhrase(
        "found gold",
        ("fand", "Gold"),
        "a trouvé de l'or",
        ("обнаружил", "золото"),
        "altın buldu",
        "alipata dhahabu",
    ),
    "sell_house": VerbPhrase(
        "sold the house",
        ("verkaufte", "das Haus"),
        "a vendu la maison",
        ("продал", "дом"),
        "evi sattı",
        "aliuza nyumba",
    ),
    "inherit_land": VerbPhrase(
        "inherited land",
        ("erbte", "Land"),
        "a hérité des terres",
        ("унаследовал", "землю"),
        "toprak miras aldı",
        "alirithi ardhi",
    ),
    "lose_money": VerbPhrase(
        "lost the money",
        ("verlor", "das Geld"),
        "a perdu l'argent",
        ("потерял", "деньги"),
        "parayı kaybetti",
        "alipoteza pesa",
    ),
    "buy_ship": VerbPhrase(
        "bought a ship",
        ("kaufte", "ein Schiff"),
        "a acheté un navire",
        ("купил", "корабль"),
        "gemi satın aldı",
        "alinunua meli",
    ),
    "pay_tax": VerbPhrase(
        "paid the tax",
        ("zahlte", "die Steuer"),
        "a payé l'impôt",
        ("заплатил", "налог"),
        "vergi ödedi",
        "alilipa kodi",
    ),
    "drink_tea": VerbPhrase("drank tea", ("trank", "Tee"), "a bu du thé", ("пил", "чай"), "çay içti", "alikunywa chai"),
    "hear_music": VerbPhrase(
        "heard music",
        ("hörte", "Musik"),
        "a entendu de la musique",
        ("слышал", "музыку"),
        "müzik dinledi",
        "alisikiliza muziki",
    ),
    "read_book": VerbPhrase(
        "read a book",
        ("las", "ein Buch"),
        "a lu un livre",
        ("читал", "книгу"),
        "kitap okudu",
        "alisoma kitabu",
    ),
    "drink_coffee": VerbPhrase(
        "drank coffee", ("trank", "Kaffee"), "a bu du café", ("пил", "кофе"), "kahve içti", "alikunywa kahawa"
    ),
    "see_snake": VerbPhrase(
        "saw a snake",
        ("sah", "eine Schlange"),
        "a vu un serpent",
        ("увидел", "змею"),
        "yılan gördü",
        "aliona nyoka",
    ),
    "hear_noise": VerbPhrase(
        "heard a noise",
        ("hörte", "ein Geräusch"),
        "a entendu un bruit",
        ("слышал", "шум"),
        "gürültü duydu",
        "alisikia kelele",
    ),
    "drink_poison": VerbPhrase(
        "drank poison", ("trank", "Gift"), "a bu du poison", ("пил", "яд"), "zehir içti", "alikunywa sumu"
    ),
    "eat_mushrooms": VerbPhrase(
        "ate mushrooms",
        ("aß", "Pilze"),
        "a mangé des champignons",
        ("ел", "грибы"),
        "mantar yedi",
        "alikula uyoga",
    ),
    "walk_in_rain": VerbPhrase(
        "walked in the rain",
        ("ging", "im Regen"),
        "a marché sous la pluie",
        ("гулял", "под дождём"),
        "yağmurda yürüdü",
        "alitembea mvuani",
    ),
    "take_medicine": VerbPhrase(
        "took medicine",
        ("nahm", "Medizin"),
        "a pris des médicaments",
        ("принимал", "лекарство"),
        "ilaç aldı",
        "alimeza dawa",
    ),
    "eat_fruit": VerbPhrase(
        "ate fruit", ("aß", "Obst"), "a mangé des fruits", ("ел", "фрукты"), "meyve yedi", "alikula matunda"
    ),
    "visit_clinic": VerbPhrase(
        "visited the clinic",
        ("besuchte", "die Klinik"),
        "a visité la clinique",
        ("посетил", "клинику"),
        "kliniği ziyaret etti",
        "alitembelea kliniki",
    ),
}

# state -> events that cause it. For the causal states of lab-copa, the last event occurs in no labelled training
# row, so its law can be learned only from unlabelled text.
CAUSES: dict[str, tuple[str, ...]] = {
    "tired": ("work", "run"),
    "rested": ("sleep", "pause"),
    "hungry": ("fast", "forget_bread"),
    "full": ("eat_meat", "dine"),
    "happy": ("win_game", "get_gift"),
    "sad": ("lose_game", "bury_friend"),
    "clean": ("bathe", "use_soap", "swim"),
    "dirty": ("play_in_mud", "dig", "paint_wall"),
    "rich": ("find_gold", "sell_house", "inherit_land"),
    "poor": ("lose_money", "buy_ship", "pay_tax"),
    "calm": ("drink_tea", "hear_music", "read_book"),
    "nervous": ("drink_coffee", "see_snake", "hear_noise"),
    "sick": ("drink_poison", "eat_mushrooms", "walk_in_rain"),
    "healthy": ("take_medicine", "eat_fruit", "visit_clinic"),
}
EFFECT = {event: state for state, events in CAUSES.items() for event in events}
CHOICE_STATES = (
    "clean",
    "dirty",
    "rich",
    "poor",
    "calm",
    "nervous",
    "sick",
    "healthy",
)  # the laws of lab-copa
LAW_STATES = tuple(state for state in CAUSES if state not in CHOICE_STATES)  # the laws of lab-nli
