"""Adverbials of place and time."""

from __future__ import annotations

from xtransfer.lab.words import Adverbial

PLACES: dict[str, Adverbial] = {
    "market": Adverbial("at the market", "auf dem Markt", "au marché", "на рынке", "pazarda", "sokoni"),
    "garden": Adverbial("in the garden", "im Garten", "dans le jardin", "в саду", "bahçede", "bustanini"),
    "city": Adverbial("in the city", "in der Stadt", "en ville", "в городе", "şehirde", "mjini"),
    "village": Adverbial("in the village", "im Dorf", "au village", "в деревне", "köyde", "kijijini"),
    "forest": Adverbial("in the forest", "im Wald", "dans la forêt", "в лесу", "ormanda", "msituni"),
    "school": Adverbial("at school", "in der Schule", "à l'école", "в школе", "okulda", "shuleni"),
    "home": Adverbial("at home", "zu Hause", "à la maison", "дома", "evde", "nyumbani"),
    "church": Adverbial("in the church", "in der Kirche", "dans l'église", "в церкви", "kilisede", "kanisani"),
}
TIMES: dict[str, Adverbial] = {
    "yesterday": Adverbial("yesterday", "gestern", "hier", "вчера", "dün", "jana"),
    "morning": Adverbial("in the morning", "am Morgen", "le matin", "утром", "sabah", "asubuhi"),
    "evening": Adverbial("in the evening", "am Abend", "le soir", "вечером", "akşam", "jioni"),
    "night": Adverbial("at night", "in der Nacht", "la nuit", "ночью", "gece", "usiku"),
}
