"""A small grammar of plain, sensible English, mixed into the causal language model's corpus.

The teacher writes fluent sentences that often make little sense ("The cat sat on the pencil"), and too few of any one
kind for a small model to learn what usually sits on what. Here what belongs together stands in one table, and a
text is one to three sentences from it.
"""

import re
from random import Random

from saliency_report.embedded.training.prompts import NAMES

_lines, _words = str.splitlines, str.split

WOMEN = frozenset(
    _words("Anna Lucy Emma Lily Sarah Mary Kate Mia Nora Alice Jane Rosa Ella Julia Clara Grace Ruth Eva")
)
TABLES = {
    "pet": "cat|dog|kitten|puppy|cat",
    "seat": "mat|floor|bed|sofa|chair|rug|mat|carpet",
    "person": "man|woman|boy|girl|teacher|farmer|doctor|baker|old man|old woman|little boy|little girl",
    "family": "mother|father|sister|brother|grandmother|grandfather|uncle|aunt|friend",
    "food": "bread|soup|rice|pizza|cheese|chicken|fish|pasta|cake|salad|an apple|an egg|a sandwich",
    "drink": "water|milk|tea|coffee|orange juice|lemonade",
    "color": "red|blue|green|yellow|black|white|brown",
    "feeling": "happy|tired|hungry|sleepy|very happy|very tired",
    "weather": "sunny|rainy|cold|windy|warm|beautiful",
    "seen": "a bird|the moon|a tall tree|a small dog|the stars|her friend|a red car|the snow",
}
ERRANDS = """market|buy some apples|buy fresh fish|buy vegetables
library|read a book|borrow a book
park|play with the dog|walk under the trees|sit in the sun
station|catch the train|meet a friend
bakery|buy bread|buy a cake
school|learn to read|see the teacher
kitchen|make breakfast|cook dinner|drink a glass of water
garden|water the flowers|pick some tomatoes
beach|swim in the sea|look for shells
hospital|see a doctor|visit a friend
bank|get some money
river|catch some fish|swim
bedroom|sleep|read a story
shop|buy a new coat|buy some milk"""
JOBS = """baker|bakes bread|makes cakes
teacher|teaches children|works in a school
doctor|helps sick people|works in a hospital
farmer|grows food|works on a farm
driver|drives a bus|drives a car
painter|paints pictures
writer|writes books|tells stories
pilot|flies a plane
singer|sings songs
fisherman|catches fish
cook|makes food|works in a kitchen
nurse|takes care of sick people
gardener|takes care of plants
postman|brings letters
carpenter|makes tables and chairs
dentist|takes care of teeth"""
CAPITALS = (
    "France Paris,Germany Berlin,Italy Rome,Spain Madrid,England London,Japan Tokyo,China Beijing,Egypt Cairo,"
    "Russia Moscow,Greece Athens,Norway Oslo,Sweden Stockholm,Portugal Lisbon,Ireland Dublin,Austria Vienna,"
    "Poland Warsaw,Peru Lima,Kenya Nairobi,Cuba Havana,Denmark Copenhagen,Finland Helsinki,Hungary Budapest"
)
SCENES = """The {pet} sat on the {seat}. It was {feeling}.
The {pet} sat on the {seat} and [looked out of the window|went to sleep|waited for {n}].
The {pet} was sleeping on the {seat}.
The {pet} ran [to the door|into the garden|to the kitchen] because it was hungry.
The dog ran [to the park|to the house|after the ball] and barked.
The {pet} [drank some milk|ate its food|played with a ball] and was {feeling}.
The bird sat on the [branch|roof|fence] and sang a song.
The bird flew [into the tree|over the house|to its nest].
The horse ran across the field. The cow ate the grass.
The fish swam in the [river|lake|sea]. The frog jumped into the water.
The mouse ran into its hole. The cat was too slow.
The duck swam on the [lake|pond|river] with her little ones.
Birds can fly. Fish can swim. Dogs can run.
The sky is blue. The grass is green. Snow is white.
Fire is hot. Ice is cold. Sugar is sweet.
The sun was [shining|warm|bright] and the sky was blue.
The sun was hot. {n} sat down under a tree.
It was raining, so {n} [took an umbrella|stayed at home|put on a coat].
It was a {weather} day. {n} [went for a walk|stayed at home|went to the park].
In winter it is cold. In summer it is hot.
At night, [the moon and the stars shine|the stars come out|the owl flies].
{n} opened the door and [went inside|looked out|said hello|saw {seen}].
{n} opened the window and [looked out|let in some air].
{s} opened the door and [walked into the room|saw {seen}|smiled|called {p} {family}].
{s} opened the [book and began to read|box and found a ring|letter and read it].
{s} put on {p} [coat because it was cold|shoes and went out|hat and went for a walk].
{s} picked up the [phone and called {p} {family}|book and began to read|ball and threw it].
{s} sat down on the [chair|sofa|bed] and [read a book|drank some {drink}|closed {p} eyes].
{s} looked out of the window and saw {seen}.
{s} drank a [cup of tea|glass of milk|glass of water] and ate {food}.
In the morning we [eat breakfast|drink {drink}|go to school]. In the evening we eat dinner.
In the morning we [had breakfast|had {food} for breakfast|went to school|went for a walk].
Every morning, {n} [drinks a cup of coffee|eats breakfast|walks to school|brushes {p} teeth].
Every day, {n} [goes to school|goes to work|walks the dog].
After dinner, they [washed the dishes|went for a walk|watched a film|went to bed].
After school, {n} [played with {p} friends|did {p} homework|went home].
On the table there was a [cup of tea|bowl of soup|book|vase of flowers].
My favorite food is {food}. My favorite color is {color}.
My favorite animal is the [dog|cat|horse]. I like it very much.
I would like to [drink some {drink}|eat {food}].
We like to [play games|read books|sing songs|swim in the lake].
They walked to the park and [sat on a bench|fed the ducks|played with a ball].
They walked to the beach and [swam in the sea|looked at the boats].
The children played [in the garden|in the park|with a ball] until it was dark.
The little girl wanted to [play outside|eat some cake|read a book].
The little boy wanted to [ride his bike|play with his friends|go home].
The {person} was [tired and went to bed|hungry and ate {food}|thirsty and drank some {drink}].
The {person} opened the [door|window|book].
{n} was happy because [it was {p} birthday|the sun was shining|{p} friend came to visit].
{n} was sad because [{p} dog was lost|it was raining|{p} friend went away].
{n} was hungry, so {s} ate {food}. {n} was tired, so {s} went to bed.
{n} has a {color} [car|bike|hat]. It is new.
{n} lives in a [small house|big city|small village] with {p} {family}.
{n} and {m} are good friends. They play together every day.
{n} and {m} went to [the park|the beach|school] together.
Once upon a time, there was a [king|little girl|princess] who lived in a [castle|forest].
The boy kicked the ball. The girl rode her bike. The baby slept in the bed.
The [book is on the table|car is on the road|boat is on the water]."""


def text(rng: Random) -> str:
    """One text of the grammar."""
    kind = rng.random()
    if kind < 0.12:
        place, *reasons = rng.choice(_lines(ERRANDS)).split("|")
        who = rng.choice(["{n}", "The {person}", "{s}"])
        made = f"{who} went to the {place} to {rng.choice(reasons)}."
    elif kind < 0.18:
        job, *tasks = rng.choice(_lines(JOBS)).split("|")
        made = f"A {job} is a person who {rng.choice(tasks)}."
    elif kind < 0.22:
        country, city = rng.choice(CAPITALS.split(",")).split()
        made = f"The capital of {country} is {city}." + rng.choice(["", f" {city} is a city in {country}."])
    else:
        made = rng.choice(_lines(SCENES))
        made = re.sub(r"\[([^]]*)\]", lambda match: rng.choice(match[1].split("|")), made)
    name, other = rng.sample(NAMES, 2)
    she = name in WOMEN
    for slot, filler in (("{n}", name), ("{m}", other), ("{p}", "her" if she else "his")):
        made = made.replace(slot, filler)
    made = made.replace(", so {s}", f", so {'she' if she else 'he'}").replace("{s}", "She" if she else "He")
    for kind_of, fillers in TABLES.items():
        while "{" + kind_of + "}" in made:
            made = made.replace("{" + kind_of + "}", rng.choice(fillers.split("|")), 1)
    return made
