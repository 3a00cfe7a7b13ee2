"""The openings and instructions from which the teacher writes the causal language model's corpus.

A teacher asked the same thing twice writes the same thing twice, so the variety has to come from here:
sentence openings are filled from tables of animals, people, places and things, and most texts are the
teacher's continuation of such an opening. `draw` gives one prompt, seeded by the caller's generator.
"""

from random import Random
from typing import NamedTuple

_words = str.split

ANIMALS = _words(
    "cat dog bird horse cow pig sheep duck hen fox bear rabbit mouse frog fish goat lion tiger elephant monkey "
    "wolf deer owl bee turtle snake donkey kitten puppy squirrel butterfly whale parrot goose spider"
)
PEOPLE = _words(
    "boy girl man woman teacher farmer baker doctor nurse driver child king queen student writer painter singer "
    "fisherman neighbor mother father grandmother grandfather brother sister friend soldier sailor cook gardener "
    "postman judge scientist carpenter shopkeeper musician dancer pilot captain waiter hunter traveler"
)
NAMES = _words(
    "Anna Ben Tom Lucy Jack Emma Sam Lily Max Sarah Peter Mary John Kate Leo Mia Paul Nora David Alice Mark Jane "
    "Tim Rosa Daniel Ella James Julia Adam Clara Henry Grace Oliver Ruth Simon Eva"
)
PLACES = _words(
    "park garden house kitchen school river lake forest beach farm market shop street room library station church "
    "village city bridge field barn hill mountain island castle hospital office museum train bus boat restaurant "
    "playground bedroom classroom cave road sea town"
)
THINGS = _words(
    "ball book box cup key letter lamp chair table door window bag hat coat shoe ring bike car boat kite cake apple "
    "flower tree stone stick map clock picture phone guitar piano drum blanket pillow basket bottle rope candle "
    "spoon bowl mirror bell ladder coin toy sandwich egg bucket camera newspaper umbrella gift pencil knife"
)
TOPICS = _words(
    "the sun, the moon, the rain, snow, the wind, winter, summer, spring, autumn, the night, the morning, "
    "breakfast, dinner, bread, milk, cheese, soup, fruit, water, fire, music, a song, a game, football, a birthday, "
    "a holiday, a trip, a dream, sleep, friends, family, love, work, money, a garden, a storm, the stars, the sky, "
    "the sea, a good day, a bad day, being kind, being sad, being happy, learning to read, a new house, a long walk, "
    "cooking, painting, a visit to the doctor, a lost key, a birthday party, going to school, going to bed",
    ", ",
)
COUNTRIES = _words(
    "France Germany Italy Spain England Japan China India Egypt Brazil Canada Russia Greece Norway Sweden Mexico "
    "Portugal Ireland Poland Turkey Australia Kenya Peru Austria"
)
PAST = _words(
    "found saw bought lost gave took made opened closed carried dropped liked wanted needed picked hid cleaned "
    "looked_at played_with thought_about talked_about"
)

# {a} and {b} animals, {p} a person, {n} and {m} names, {l} a place, {t} a thing, {c} a country, {v} a verb in the past.
OPENINGS = (
    "The {a} sat on the",
    "The {a} ran to the",
    "The {a} sat on the {t} and",
    "The {a} was sleeping in the",
    "The {a} wanted to",
    "The {a} jumped over the",
    "The {a} likes to eat",
    "The {a} looked at the {t} and",
    "The {a} is a",
    "A {a} can",
    "One day, a {a} and a {b}",
    "There was a {a} in the {l}, and",
    "The {a} was very",
    "The {p} opened the",
    "The {p} opened the door and",
    "The {p} went to the {l} to",
    "The {p} walked into the {l} and",
    "The {p} put the {t} on the",
    "The {p} {v} the {t} because",
    "The {p} said that",
    "The {p} was tired, so",
    "The {p} gave the {t} to",
    "The {p} works in a",
    "A {p} is a person who",
    "{n} opened the door and",
    "{n} went to the {l} and",
    "{n} {v} a {t} in the {l}.",
    "{n} {v} the {t}, but",
    "{n} and {m} went to the",
    "{n} and {m} are",
    "{n} lives in a",
    "{n} was happy because",
    "{n} was sad because",
    "{n} wanted to buy a",
    "{n} has a {t} and",
    "{n} looked out of the window and saw",
    "{n} asked {m} to",
    '"Where is my {t}?" asked {n}.',
    "She opened the {t} and",
    "She opened the door and",
    "He picked up the {t} and",
    "He sat down on the",
    "She put on her",
    "She went to the {l} to buy",
    "They walked to the {l} and",
    "They were playing in the {l} when",
    "We went to the {l} and",
    "We like to",
    "I went to the {l} because",
    "I would like to",
    "I like to eat",
    "My {p} is",
    "My favorite",
    "My {t} is",
    "Every day, the {p}",
    "Every morning, {n}",
    "In the morning we",
    "In the morning, the {p}",
    "In the evening, {n}",
    "At night, the",
    "At the {l}, there was a",
    "In the {l} there is a",
    "Near the {l}, the {a}",
    "On the table there was a",
    "It was a cold day, and",
    "It was raining, so {n}",
    "The sun was shining and",
    "When it rains, the",
    "When {n} came home,",
    "After school, {n}",
    "After dinner, they",
    "The {t} was on the",
    "The {t} is made of",
    "The {t} was old and",
    "The {l} was full of",
    "The {l} is a place where",
    "The children were",
    "The children played in the {l} until",
    "The water in the {l} was",
    "The sky is",
    "The color of the {t} is",
    "Once upon a time, there was a {a} who",
    "Once upon a time, a {p} lived in a",
    "You can use a {t} to",
    "If you see a {a}, you",
    "The best thing about the {l} is",
    "The capital of {c} is",
    "{c} is a country in",
    "People in {c} like to",
    "The most famous city in {c} is",
)
CONTINUE = (
    "Complete this sentence with simple words and add two more sentences: {opening}",
    "Continue in simple words, with two short sentences: {opening}",
    "Write a very short story for a small child. Use simple words.",
)
ABOUT = (
    "Write three short and simple sentences about {topic}.",
    "Write two simple sentences about {topic}. Use words that a small child knows.",
    "Write a very short story for a small child about {topic}. Use simple words.",
)


class Prompt(NamedTuple):
    """An instruction for the teacher, and the words its answer has to begin with (perhaps none)."""

    instruction: str
    opening: str


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def draw(rng: Random) -> Prompt:
    """One prompt; four in five continue an opening, the rest are about a topic and free in their first words."""
    if rng.random() < 0.2:
        topic = rng.choice((rng.choice(TOPICS), *(_article(rng.choice(t)) for t in (ANIMALS, PEOPLE, THINGS))))
        return Prompt(rng.choice(ABOUT).format(topic=topic), "")
    first, second = rng.sample(ANIMALS, 2)
    name, other = rng.sample(NAMES, 2)
    opening = rng.choice(OPENINGS).format(
        a=first,
        b=second,
        p=rng.choice(PEOPLE),
        n=name,
        m=other,
        l=rng.choice(PLACES),
        t=rng.choice(THINGS),
        c=rng.choice(COUNTRIES),
        v=rng.choice(PAST).replace("_", " "),
    )
    for vowel in "aeio":  # not u: "a umbrella" is the only one wrong, and "a university" would be right
        opening = opening.replace(f" a {vowel}", f" an {vowel}").replace(f"A {vowel}", f"An {vowel}")
    return Prompt(rng.choice(CONTINUE).format(opening=opening), opening)
