"""States of subjects: 17 dimensions with two opposite states each.

In the laboratory world, exactly one of the two states holds, so "not rich" entails "poor".
"""

from __future__ import annotations

from xtransfer.lab.words import Adjective

DIMENSIONS: dict[str, tuple[str, str]] = {
    "wealth": ("rich", "poor"),
    "age": ("old", "young"),
    "health": ("sick", "healthy"),
    "diligence": ("lazy", "diligent"),
    "weight": ("fat", "thin"),
    "wit": ("clever", "stupid"),
    "severity": ("strict", "gentle"),
    "generosity": ("generous", "stingy"),
    "mood": ("happy", "sad"),
    "cleanliness": ("clean", "dirty"),
    "strength": ("strong", "weak"),
    "courage": ("brave", "cowardly"),
    "appetite": ("hungry", "full"),
    "energy": ("tired", "rested"),
    "composure": ("calm", "nervous"),
    "manners": ("polite", "rude"),
    "pride": ("modest", "proud"),
}

STATES: dict[str, Adjective] = {
    "rich": Adjective("rich", "reich", ("riche", "riche"), ("богат", "богата", "богато"), "zengin", "tajiri"),
    "poor": Adjective("poor", "arm", ("pauvre", "pauvre"), ("беден", "бедна", "бедно"), "fakir", "maskini"),
    "old": Adjective("old", "alt", ("vieux", "vieille"), ("стар", "стара", "старо"), "yaşlı", "mzee"),
    "young": Adjective("young", "jung", ("jeune", "jeune"), ("молод", "молода", "молодо"), "genç", "kijana"),
    "sick": Adjective("sick", "krank", ("malade", "malade"), ("болен", "больна", "больно"), "hasta", "mgonjwa"),
    "healthy": Adjective("healthy", "gesund", ("sain", "saine"), ("здоров", "здорова", "здорово"), "sağlıklı", "mzima"),
    "lazy": Adjective("lazy", "faul", ("paresseux", "paresseuse"), ("ленив", "ленива", "лениво"), "tembel", "mvivu"),
    "diligent": Adjective(
        "diligent",
        "fleißig",
        ("travailleur", "travailleuse"),
        ("трудолюбив", "трудолюбива", "трудолюбиво"),
        "çalışkan",
        "mchapakazi",
    ),
    "fat": Adjective("fat", "dick", ("gros", "grosse"), ("толст", "толста", "толсто"), "şişman", "mnene"),
    "thin": Adjective("thin", "dünn", ("maigre", "maigre"), ("худ", "худа", "худо"), "zayıf", "mwembamba"),
    "clever": Adjective(
        "clever", "klug", ("intelligent", "intelligente"), ("умён", "умна", "умно"), "akıllı", "mwerevu"
    ),
    "stupid": Adjective("stupid", "dumm", ("stupide", "stupide"), ("глуп", "глупа", "глупо"), "aptal", "mjinga"),
    "strict": Adjective("strict", "streng", ("sévère", "sévère"), ("строг", "строга", "строго"), "sert", "mkali"),
    "gentle": Adjective("gentle", "sanft", ("doux", "douce"), ("мягок", "мягка", "мягко"), "yumuşak", "mpole"),
    "generous": Adjective(
        "generous", "großzügig", ("généreux", "généreuse"), ("щедр", "щедра", "щедро"), "cömert", "mkarimu"
    ),
    "stingy": Adjective("stingy", "geizig", ("avare", "avare"), ("скуп", "скупа", "скупо"), "cimri", "mchoyo"),
    "happy": Adjective(
        "happy",
        "glücklich",
        ("heureux", "heureuse"),
        ("счастлив", "счастлива", "счастливо"),
        "mutlu",
        "mwenye furaha",
    ),
    "sad": Adjective(
        "sad", "traurig", ("triste", "triste"), ("печален", "печальна", "печально"), "üzgün", "mwenye huzuni"
    ),
    "clean": Adjective("clean", "sauber", ("propre", "propre"), ("чист", "чиста", "чисто"), "temiz", "safi"),
    "dirty": Adjective("dirty", "schmutzig", ("sale", "sale"), ("грязен", "грязна", "грязно"), "kirli", "mchafu"),
    "strong": Adjective("strong", "stark", ("fort", "forte"), ("силён", "сильна", "сильно"), "güçlü", "mwenye nguvu"),
    "weak": Adjective("weak", "schwach", ("faible", "faible"), ("слаб", "слаба", "слабо"), "güçsüz", "dhaifu"),
    "brave": Adjective("brave", "mutig", ("courageux", "courageuse"), ("храбр", "храбра", "храбро"), "cesur", "jasiri"),
    "cowardly": Adjective(
        "cowardly", "feige", ("lâche", "lâche"), ("труслив", "труслива", "трусливо"), "korkak", "mwoga"
    ),
    "hungry": Adjective(
        "hungry", "hungrig", ("affamé", "affamée"), ("голоден", "голодна", "голодно"), "aç", "mwenye njaa"
    ),
    "full": Adjective("full", "satt", ("rassasié", "rassasiée"), ("сыт", "сыта", "сыто"), "tok", "mwenye shibe"),
    "tired": Adjective(
        "tired", "müde", ("fatigué", "fatiguée"), ("утомлён", "утомлена", "утомлено"), "yorgun", "mchovu"
    ),
    "rested": Adjective("rested", "ausgeruht", ("reposé", "reposée"), ("бодр", "бодра", "бодро"), "dinç", "mchangamfu"),
    "calm": Adjective("calm", "ruhig", ("calme", "calme"), ("спокоен", "спокойна", "спокойно"), "sakin", "mtulivu"),
    "nervous": Adjective(
        "nervous",
        "nervös",
        ("nerveux", "nerveuse"),
        ("встревожен", "встревожена", "встревожено"),
        "gergin",
        "mwenye wasiwasi",
    ),
    "polite": Adjective(
        "polite", "höflich", ("poli", "polie"), ("вежлив", "вежлива", "вежливо"), "kibar", "mwenye adabu"
    ),
    "rude": Adjective("rude", "grob", ("grossier", "grossière"), ("груб", "груба", "грубо"), "kaba", "mfidhuli"),
    "modest": Adjective(
        "modest",
        "bescheiden",
        ("modeste", "modeste"),
        ("скромен", "скромна", "скромно"),
        "mütevazı",
        "mnyenyekevu",
    ),
    "proud": Adjective("proud", "stolz", ("fier", "fière"), ("горд", "горда", "гордо"), "gururlu", "mwenye kiburi"),
}

DIMENSION_OF = {state: dimension for dimension, pair in DIMENSIONS.items() for state in pair}
ANTONYM = {state: other for a, b in DIMENSIONS.values() for state, other in ((a, b), (b, a))}
