"""What a text of the small world is about, and what follows from it: premises and hypotheses."""

from typing import NamedTuple

from saliency_report.embedded.training.small_world import World, articles

NO_TOPIC = -100

TEMPLATES = (
    "This example is {label}. | This example is about {label}. | This text is about {label}. | It is about {label}. | "
    "The topic is {label}. | This is about {label}. | {label}"
).split(" | ")
# The names of a topic, and what is said of it: {person}, {food} and the like are filled from the pools.
TOPICS = {
    "sport | sports | a game | games": "{person} plays {sport}. | {person} won the match. | "
    "{person} lost the match. | The team won the cup. | {person} scored a goal. | The keeper saved a penalty. | "
    "{person} ran the race in {city}. | {person} trains for the race. | They watched {sport} in the stadium. | "
    "The players of {city} won the final.",
    "food | cooking | eating | meals": "{person} ate {food}. | {person} cooked {food}. | {person} likes {food}. | "
    "{person} had {food} for lunch. | The soup needs salt. | The restaurant serves {food}. | "
    "We had {food} for dinner. | Cut the onions and fry them in butter. | {person} baked a cake with {food}. | "
    "{person} is in the kitchen and cooks.",
    "drinks | drinking | something to drink": "{person} drinks {drink}. | {person} is drinking {drink}. | "
    "{person} ordered a glass of {drink}. | We had {drink}. | A cup of {drink} stands on the table.",
    "animals | pets | an animal": "{person} has a {animal}. | {person} saw a {animal}. | "
    "The {animal} sleeps in the {place}. | The {animal} is {colour}. | The {animal} eats {food}. | "
    "The pet of {person} is a {animal}. | Birds can fly. | The {animal} ran away. | {person} fed the {animal}.",
    "travel | travelling | a journey | trips": "{person} flew to {city}. | {person} took a plane to {city}. | "
    "{person} took the train to {city}. | The plane to {city} is late. | {person} packed a suitcase. | "
    "{person} booked a hotel in {city}. | The ship leaves for {city} on {day}. | "
    "{person} lost the ticket to {city}. | They spent the holidays in {country}.",
    "work | jobs | a job": "{person} is a {job}. | {person} works as a {job}. | {person} works for {firm}. | "
    "{firm} hired {person}. | {person} wants to become a {job}. | {person} lost the job at {firm}. | "
    "{person} works in the office of {firm}. | {person} joined {firm} as a {job}.",
    "school | lessons | education | learning": "{person} teaches {subject}. | {person} studies {subject}. | "
    "{person} has a lesson on {day}. | The pupils learn {subject}. | {person} passed the exam. | "
    "The teacher gave us homework. | {person} did the homework. | The lesson of {subject} is on {day}.",
    "money | prices | buying | shopping": "The {thing} costs {number} dollars. | {person} bought a {thing}. | "
    "{person} paid {number} dollars for the {thing}. | {person} sold the {thing}. | The bank lent {person} money. | "
    "{person} went to the market to buy {food}. | The shop sells {food}. | The {thing} was cheap.",
    "geography | countries | cities": "The capital of {country} is {city}. | {city} is the capital of {country}. | "
    "{city} is in {country}. | The largest city in {country} is {city}. | {country} has many rivers. | "
    "The river flows through {city}. | {country} is north of {country}.",
    "weather | the weather": "It was a sunny day. | It is raining in {city}. | It snowed on {day}. | "
    "The sky is blue. | The wind was cold. | In winter it is cold. | A storm came over {city}. | "
    "The sun was shining on {day}. | It was a rainy day. | {month} is a warm month in {city}.",
    "politics | government | elections": "The president of {country} visited {city}. | {person} won the election. | "
    "The people of {country} vote on {day}. | The minister gave a speech. | The parliament passed a law. | "
    "{person} is the new mayor of {city}. | The king of {country} met the president. | The government raised taxes.",
    "health | medicine | illness": "{person} is ill. | {person} went to the hospital. | "
    "The doctor helps sick people. | {person} broke a leg. | The nurse takes care of {person}. | "
    "{person} has a cold. | {person} takes a pill on {day}. | The dentist looked at the teeth of {person}.",
    "music | songs | a concert": "{person} plays the piano. | {person} plays the violin. | {person} sings a song. | "
    "The band gave a concert in {city}. | {person} plays the guitar in a band. | {person} wrote a song. | "
    "The singer came to {city}. | The choir sang in the church.",
    "family | relatives | children": "{person} is married to {person}. | {person} has {number} children. | "
    "{person} is the mother of {person}. | {person} visited the grandmother. | "
    "The brother of {person} lives in {city}. | {person} is the sister of {person}. | "
    "{person} had a baby in {month}. | The father of {person} was born in {year}.",
}


def topical(world: World, topic: str) -> str:
    """A sentence about a topic."""
    said = world.rng.choice(TOPICS[topic].split(" | "))
    while "{" in said:
        kind = said[said.index("{") + 1 : said.index("}")]
        said = said.replace("{" + kind + "}", world.rng.choice(world.pools[kind]), 1)
    return articles(said)


class Pair(NamedTuple):
    """A premise, a hypothesis, whether it follows, is left open or cannot be, and what topics they are about."""

    premise: str
    hypothesis: str
    label: str
    topics: tuple[int, int] = (NO_TOPIC, NO_TOPIC)


def pair(world: World) -> Pair:
    """A sentence or two and what they are about, or are not; or a fact and another one."""
    rng = world.rng
    world.renew()
    if rng.random() < 0.65:
        topic = rng.choice(list(TOPICS))
        premise = topical(world, topic)
        if rng.random() < 0.25:
            premise += " " + topical(world, topic)
        follows = rng.random() < 0.45
        said = topic if follows else rng.choice([other for other in TOPICS if other != topic])
        hypothesis = rng.choice(TEMPLATES).replace("{label}", rng.choice(said.split(" | ")))
        numbers = list(TOPICS).index(topic), list(TOPICS).index(said)
        return Pair(premise, hypothesis, "entailment" if follows else "contradiction", numbers)
    fact, label = world.fact(), rng.choice(("entailment", "neutral", "contradiction"))
    ways = world.ways(fact)
    premise = rng.choice(ways)
    if label == "entailment":
        hypothesis = rng.choice([way for way in ways if way != premise] or ways)
    elif label == "neutral":
        hypothesis = world.say(world.fact(lambda relation: relation is not fact.relation))
    else:
        hypothesis = world.say(fact._replace(value=world.other(fact.relation.value, fact.value)))
    return Pair(premise, hypothesis, label)
