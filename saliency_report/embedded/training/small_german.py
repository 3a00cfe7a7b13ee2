"""A few English sentences and their German: what the small translator reads and writes.

Articles follow the gender of a noun and its case, so a word of the translation depends on several of the source.
"""

from zlib import crc32

from saliency_report.embedded.training.small_world import World

PREFIX = "translate English to German: "
NOUNS = [
    pair.split()
    for pair in (
        "house das Haus, cat die Katze, dog der Hund, tree der Baum, flower die Blume, child das Kind, man der "
        "Mann, woman die Frau, book das Buch, car das Auto, table der Tisch, lamp die Lampe, bird der Vogel, "
        "horse das Pferd, cow die Kuh, mouse die Maus, fish der Fisch, apple der Apfel, bread das Brot, milk die "
        "Milch, water das Wasser, moon der Mond, sun die Sonne, garden der Garten, street die Straße, city die "
        "Stadt, village das Dorf, ship das Schiff, train der Zug, door die Tür, window das Fenster, chair der "
        "Stuhl, letter der Brief, picture das Bild, king der König, teacher der Lehrer, girl das Mädchen, sister "
        "die Schwester, brother der Bruder, clock die Uhr, bridge die Brücke, ring der Ring"
    ).split(",")
]
ADJECTIVES = [
    pair.split()
    for pair in (
        "red rot, blue blau, green grün, black schwarz, white weiß, yellow gelb, big groß, small klein, old alt, "
        "new neu, young jung, beautiful schön, wonderful wunderbar, good gut, bad schlecht, cold kalt, warm warm, "
        "quick schnell, slow langsam, strong stark, weak schwach, rich reich, poor arm, quiet still, loud laut, "
        "long lang, short kurz, clever klug"
    ).split(",")
]
VERBS = [
    pair.split()
    for pair in (
        "sees sieht, has hat, loves liebt, finds findet, needs braucht, buys kauft, knows kennt, paints malt"
    ).split(",")
]
ACCUSATIVE = {"der": "den", "die": "die", "das": "das"}


def translation(world: World) -> tuple[str, str]:
    """An English sentence and its German; of a noun and what is said of it a fifth of the pairs is held out."""
    while True:
        source, target, pairs = _drawn(world)
        if any(crc32(pair.encode()) % 5 == 0 for pair in pairs) is world.held_out_names:
            return PREFIX + source, target[0].upper() + target[1:]


def _drawn(world: World) -> tuple[str, str, list[str]]:
    """A sentence, its German, and the pairs of words that meet in it."""
    rng = world.rng
    (noun, article, german), (other, its_article, its_german) = rng.sample(NOUNS, 2)
    (adjective, eigenschaft), (second, zweite) = rng.sample(ADJECTIVES, 2)
    verb, tut = rng.choice(VERBS)
    made = [
        (f"The {noun} is {adjective}.", f"{article} {german} ist {eigenschaft}."),
        (f"The {noun} is not {adjective}.", f"{article} {german} ist nicht {eigenschaft}."),
        (f"The {noun} is very {adjective}.", f"{article} {german} ist sehr {eigenschaft}."),
        (f"Is the {noun} {adjective}?", f"ist {article} {german} {eigenschaft}?"),
        (f"The {noun} is {adjective} and {second}.", f"{article} {german} ist {eigenschaft} und {zweite}."),
        (f"The {adjective} {noun} is {second}.", f"{article} {eigenschaft}e {german} ist {zweite}."),
        (
            f"The {adjective} {noun} {verb} the {other}.",
            f"{article} {eigenschaft}e {german} {tut} {ACCUSATIVE[its_article]} {its_german}.",
        ),
        (f"The {noun} {verb} the {other}.", f"{article} {german} {tut} {ACCUSATIVE[its_article]} {its_german}."),
    ]
    source, target = rng.choice(made)
    return source, target, [f"{noun} {word}" for word in (adjective, second, other) if f" {word}" in source]
