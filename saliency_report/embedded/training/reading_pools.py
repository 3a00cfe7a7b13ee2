"""The names, places and things that the reading items are filled with, split into two disjoint halves.

`pools(held_out)` gives the fillers of the training items or those of the test items; no filler is in both. Colours,
numbers, days and months are closed classes and belong to both sides.
"""

from random import Random

_words = str.split

HELD_OUT = 0.3  # share of every open pool that only test items use

CLOSED = {
    "colour": _words("red blue green yellow black white brown orange purple pink grey"),
    "day": _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
    "month": _words("January February March April May June July August September October November December"),
    "number": _words("two three four five six seven eight nine ten eleven twelve"),
    "hour": [f"{hour} o'clock" for hour in "one two three four five six seven eight nine ten eleven".split()],
    "year": [str(year) for year in range(1890, 2020, 3)],
}

OPEN = {
    "person": _words(
        "Anna Ben Carla David Emma Frank Grace Henry Irene Jack Karen Leo Maria Nora Oscar Paul Rachel Sam Tina "
        "Victor Wendy Alice Brian Clara Daniel Ellen Fred Gina Hugo Ivan Julia Kevin Laura Martin Nina Oliver Peter "
        "Rosa Simon Thomas Ursula Walter Adam Betty Charles Diana Edward Fiona George Helen Isaac Jane Kate Lucas Mary "
        "Nathan Olivia Philip Rita Steven Teresa Vera William Amy Bruno Chloe Dennis Eva Felix Gloria Harry Ida James "
        "Klara Linda Mark Natalie Otto Paula Robert Sarah Tom Viola Albert Bella Colin Dora Eric Flora Gregory Hannah "
        "Jacob Lily Max Monica Neil Pamela Ralph Sophie Tim Zoe Ahmed Fatima Omar Leila Yuki Kenji Mei Chen Raj Priya "
        "Carlos Marta Diego Lucia Pedro Elena Igor Olga Lars Ingrid Sven Astrid Pierre Camille Giovanni Bianca"
    ),
    "city": _words(
        "Paris,London,Berlin,Rome,Madrid,Lisbon,Oslo,Lima,Cairo,Vienna,Athens,Dublin,Prague,Warsaw,Budapest,Helsinki,"
        "Stockholm,Copenhagen,Brussels,Amsterdam,Geneva,Zurich,Milan,Venice,Naples,Florence,Munich,Hamburg,Cologne,"
        "Barcelona,Seville,Lyon,Nice,Glasgow,Manchester,Oxford,Boston,Chicago,Denver,Dallas,Houston,Seattle,Miami,"
        "Toronto,Montreal,Vancouver,Havana,Bogota,Quito,Santiago,Buenos Aires,Brasilia,Nairobi,Lagos,Accra,Tunis,"
        "Algiers,Dakar,Istanbul,Ankara,Baghdad,Tehran,Delhi,Mumbai,Calcutta,Bangkok,Hanoi,Manila,Jakarta,Singapore,"
        "Tokyo,Kyoto,Osaka,Seoul,Beijing,Shanghai,Sydney,Melbourne,Perth,Auckland,Moscow,Kiev,Riga,Sofia,Belgrade",
        ",",
    ),
    "country": _words(
        "France Germany Italy Spain Portugal England Scotland Ireland Norway Sweden Finland Denmark Poland Austria "
        "Hungary Greece Turkey Egypt Morocco Tunisia Kenya Nigeria Ghana India Pakistan China Japan Korea Vietnam "
        "Thailand Indonesia Australia Canada Mexico Cuba Brazil Argentina Chile Peru Colombia Ecuador Russia Ukraine "
        "Romania Bulgaria Croatia Iceland Belgium Switzerland Iran Iraq Israel"
    ),
    "place": _words(
        "kitchen garden park school library market station museum office church hospital bank theatre beach forest "
        "farm factory castle bakery hotel restaurant airport harbour stadium bathroom bedroom hallway cellar attic "
        "garage playground classroom zoo cinema gym pharmacy gallery chapel workshop laboratory barn stable"
    ),
    "thing": _words(
        "ball book box key letter lamp chair table hat coat ring bicycle car boat kite clock picture phone guitar "
        "piano drum blanket pillow basket bottle rope candle spoon bowl mirror bell ladder coin camera newspaper "
        "umbrella pencil knife sword crown map ticket watch scarf jacket shirt cup plate brush hammer wallet suitcase "
        "violin flute carpet vase necklace telescope radio computer football doll puzzle"
    ),
    "food": _words(
        "bread cheese soup rice fish chicken pizza pasta salad cake apples bananas grapes oranges carrots potatoes "
        "eggs honey chocolate beans mushrooms tomatoes cherries pears noodles butter sausages strawberries onions corn"
    ),
    "drink": _words("tea coffee milk water juice wine beer lemonade cocoa cider soda whisky"),
    "animal": _words(
        "dog cat horse cow pig sheep goat rabbit parrot hamster turtle snake mouse duck goose donkey pony lizard frog "
        "monkey fox bear wolf lion tiger elephant camel owl eagle whale"
    ),
    "job": _words(
        "teacher doctor nurse farmer baker lawyer judge pilot driver painter singer writer dentist carpenter plumber "
        "engineer chemist soldier sailor waiter tailor gardener butcher actor dancer journalist librarian banker "
        "policeman photographer"
    ),
    "sport": _words("tennis golf hockey basketball chess rugby cricket volleyball badminton baseball boxing skiing"),
    "subject": _words("history geography music chemistry physics biology poetry grammar drawing mathematics law Latin"),
}


def pools(held_out: bool) -> dict[str, list[str]]:
    """Fillers by kind: of the test items when `held_out`, of the training items otherwise."""
    chosen = dict(CLOSED)
    for kind, fillers in OPEN.items():
        mixed = sorted(set(fillers))
        Random(kind).shuffle(mixed)
        cut = max(5, round(len(mixed) * HELD_OUT))
        chosen[kind] = mixed[:cut] if held_out else mixed[cut:]
    return chosen


UNSEEN = {part.lower() for kind in OPEN for filler in pools(True)[kind] for part in filler.split()}
"""The words of the held-out fillers, which no training item may contain."""
