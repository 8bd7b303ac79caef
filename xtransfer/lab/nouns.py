"""Subjects of sentences: animate nouns with the same gender in French and Russian."""

from __future__ import annotations

from xtransfer.lab.words import Noun

MEN = {
    "doctor": Noun("doctor", "Arzt", "médecin", "врач", "doktor", "daktari", "m", "m", "person"),
    "teacher": Noun("teacher", "Lehrer", "professeur", "учитель", "öğretmen", "mwalimu", "m", "m", "person"),
    "farmer": Noun("farmer", "Bauer", "fermier", "фермер", "çiftçi", "mkulima", "m", "m", "person"),
    "fisherman": Noun("fisherman", "Fischer", "pêcheur", "рыбак", "balıkçı", "mvuvi", "m", "m", "person"),
    "cook": Noun("cook", "Koch", "cuisinier", "повар", "aşçı", "mpishi", "m", "m", "person"),
    "soldier": Noun("soldier", "Soldat", "soldat", "солдат", "asker", "askari", "m", "m", "person"),
    "king": Noun("king", "König", "roi", "король", "kral", "mfalme", "m", "m", "person"),
    "thief": Noun("thief", "Dieb", "voleur", "вор", "hırsız", "mwizi", "m", "m", "person"),
    "student": Noun("student", "Student", "étudiant", "студент", "öğrenci", "mwanafunzi", "m", "m", "person"),
    "baker": Noun("baker", "Bäcker", "boulanger", "пекарь", "fırıncı", "mwokaji", "m", "m", "person"),
    "driver": Noun("driver", "Fahrer", "chauffeur", "водитель", "şoför", "dereva", "m", "m", "person"),
    "judge": Noun("judge", "Richter", "juge", "судья", "yargıç", "hakimu", "m", "m", "person"),
    "neighbour": Noun("neighbour", "Nachbar", "voisin", "сосед", "komşu", "jirani", "m", "m", "person"),
    "guest": Noun("guest", "Gast", "invité", "гость", "misafir", "mgeni", "m", "m", "person"),
}

WOMEN = {
    "woman": Noun("woman", "Frau", "femme", "женщина", "kadın", "mwanamke", "f", "f", "person"),
    "mother": Noun("mother", "Mutter", "mère", "мать", "anne", "mama", "f", "f", "person"),
    "queen": Noun("queen", "Königin", "reine", "королева", "kraliçe", "malkia", "f", "f", "person"),
    "grandmother": Noun("grandmother", "Großmutter", "grand-mère", "бабушка", "büyükanne", "bibi", "f", "f", "person"),
    "girl": Noun("girl", "Mädchen", "fille", "девочка", "kız", "msichana", "n", "f", "person"),
    "aunt": Noun("aunt", "Tante", "tante", "тётя", "teyze", "shangazi", "f", "f", "person"),
    "nurse": Noun("nurse", "Krankenschwester", "infirmière", "медсестра", "hemşire", "muuguzi", "f", "f", "person"),
    "witch": Noun("witch", "Hexe", "sorcière", "ведьма", "cadı", "mchawi", "f", "f", "person"),
}

HE_ANIMALS = {
    "dog": Noun("dog", "Hund", "chien", "пёс", "köpek", "mbwa", "m", "m", "animal"),
    "cat": Noun("cat", "Katze", "chat", "кот", "kedi", "paka", "f", "m", "animal"),
    "lion": Noun("lion", "Löwe", "lion", "лев", "aslan", "simba", "m", "m", "animal"),
    "donkey": Noun("donkey", "Esel", "âne", "осёл", "eşek", "punda", "m", "m", "animal"),
    "horse": Noun("horse", "Pferd", "cheval", "конь", "at", "farasi", "n", "m", "animal"),
    "elephant": Noun("elephant", "Elefant", "éléphant", "слон", "fil", "tembo", "m", "m", "animal"),
}

SHE_ANIMALS = {
    "mouse": Noun("mouse", "Maus", "souris", "мышь", "fare", "panya", "f", "f", "animal"),
    "goat": Noun("goat", "Ziege", "chèvre", "коза", "keçi", "mbuzi", "f", "f", "animal"),
}

HYPERNYMS = {
    "person": Noun("person", "Mensch", "individu", "человек", "kişi", "mtu", "m", "m"),
    "animal": Noun("animal", "Tier", "animal", "зверь", "hayvan", "mnyama", "n", "m"),
}

NOUNS = MEN | WOMEN | HE_ANIMALS | SHE_ANIMALS | HYPERNYMS
SUBJECTS = tuple(MEN | WOMEN | HE_ANIMALS | SHE_ANIMALS)


def hypernym_of(subject: str) -> str:
    """Returns the hypernym of `subject`."""
    wider = NOUNS[subject].hypernym
    assert wider is not None, f"{subject} has no hypernym"
    return wider


def peers(subject: str) -> list[str]:
    """Returns other subjects of the same gender; exchanging two of them changes no agreement."""
    return [other for other in SUBJECTS if other != subject and NOUNS[other].gender == NOUNS[subject].gender]
