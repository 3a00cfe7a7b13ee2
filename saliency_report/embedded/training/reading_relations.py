"""The relations that reading items state and ask for, and which of them only the test may use."""

from typing import NamedTuple


class Relation(NamedTuple):
    """What the sentences say of a subject {s} and a value {v}, and how either is asked for."""

    subject: str
    value: str
    statements: str
    ask_value: str
    ask_subject: str = ""


# Alternatives are separated by " | ".
RELATIONS = (
    Relation(
        "person",
        "city",
        "{s} lives in {v}. | {s} has lived in {v} for years. | {s} has a flat in {v}.",
        "Where does {s} live? | In which city does {s} live?",
        "Who lives in {v}?",
    ),
    Relation(
        "person",
        "city",
        "{s} was born in {v}. | {s} comes from {v}.",
        "Where was {s} born? | Where does {s} come from?",
        "Who was born in {v}? | Who comes from {v}?",
    ),
    Relation(
        "person",
        "city",
        "{s} flew to {v}. | {s} took a plane to {v}.",
        "Where did {s} fly to? | Which city did {s} fly to?",
        "Who flew to {v}?",
    ),
    Relation("person", "city", "{s} works in {v}.", "Where does {s} work?", "Who works in {v}?"),
    Relation("person", "city", "{s} studied in {v}.", "Where did {s} study?", "Who studied in {v}?"),
    Relation(
        "person", "place", "{s} went to the {v}. | {s} walked to the {v}.", "Where did {s} go?", "Who went to the {v}?"
    ),
    Relation("person", "place", "{s} is in the {v}.", "Where is {s}?", "Who is in the {v}?"),
    Relation("person", "place", "{s} waited in the {v}.", "Where did {s} wait?", "Who waited in the {v}?"),
    Relation(
        "person",
        "thing",
        "{s} bought a {v}. | {s} bought a {v} yesterday. | Last week {s} bought a {v}.",
        "What did {s} buy?",
        "Who bought the {v}? | Who bought a {v}?",
    ),
    Relation(
        "person",
        "thing",
        "{s} found a {v}. | {s} found a {v} in the street.",
        "What did {s} find?",
        "Who found the {v}? | Who found a {v}?",
    ),
    Relation("person", "thing", "{s} lost a {v}.", "What did {s} lose?", "Who lost the {v}? | Who lost a {v}?"),
    Relation(
        "person",
        "thing",
        "{s} owns a {v}. | The {v} belongs to {s}.",
        "What does {s} own? | What belongs to {s}?",
        "Who owns the {v}? | Whose is the {v}? | Who does the {v} belong to?",
    ),
    Relation("person", "thing", "{s} carries the {v}.", "What does {s} carry?", "Who carries the {v}?"),
    Relation("person", "thing", "{s} broke the {v}.", "What did {s} break?", "Who broke the {v}?"),
    Relation(
        "person",
        "food",
        "{s} ate {v}. | {s} had {v} for lunch.",
        "What did {s} eat? | What did {s} have for lunch?",
        "Who ate {v}?",
    ),
    Relation(
        "person",
        "food",
        "{s} likes {v}. | {s} loves {v}.",
        "What does {s} like?",
        "Who likes {v}? | Who is fond of {v}?",
    ),
    Relation("person", "food", "{s} cooked {v}.", "What did {s} cook?", "Who cooked {v}?"),
    Relation("person", "drink", "{s} drinks {v}. | {s} is drinking {v}.", "What does {s} drink?", "Who drinks {v}?"),
    Relation(
        "person",
        "animal",
        "{s} has a {v}. | The pet of {s} is a {v}.",
        "Which animal does {s} have? | What pet does {s} have?",
        "Who has a {v}?",
    ),
    Relation("person", "animal", "{s} saw a {v}.", "What did {s} see?", "Who saw a {v}? | Who saw the {v}?"),
    Relation(
        "person",
        "job",
        "{s} is a {v}. | {s} works as a {v}.",
        "What is the job of {s}? | What does {s} do for a living?",
        "Who is a {v}? | Who is the {v}?",
    ),
    Relation("person", "sport", "{s} plays {v}.", "What does {s} play? | Which game does {s} play?", "Who plays {v}?"),
    Relation("person", "subject", "{s} teaches {v}.", "What does {s} teach?", "Who teaches {v}?"),
    Relation("person", "person", "{s} called {v}.", "Whom did {s} call?", "Who called {v}?"),
    Relation("person", "person", "{s} is married to {v}.", "Who is married to {s}?", ""),
    Relation("person", "person", "{s} met {v} in town.", "Whom did {s} meet?", "Who met {v}?"),
    Relation(
        "thing",
        "place",
        "The {s} is in the {v}. | You will find the {s} in the {v}.",
        "Where is the {s}?",
        "What is in the {v}?",
    ),
    Relation("thing", "colour", "The {s} is {v}.", "What colour is the {s}? | What color is the {s}?", "What is {v}?"),
    Relation("thing", "number", "The {s} costs {v} dollars.", "How much does the {s} cost?", "What costs {v} dollars?"),
    Relation("person", "number", "{s} is {v} years old.", "How old is {s}?", "Who is {v} years old? | Who is {v}?"),
    Relation("person", "number", "{s} has {v} children.", "How many children does {s} have?", "Who has {v} children?"),
    Relation(
        "person", "day", "{s} arrives on {v}. | On {v} {s} arrives.", "When does {s} arrive?", "Who arrives on {v}?"
    ),
    Relation("person", "day", "{s} has a lesson on {v}.", "On which day does {s} have a lesson?", ""),
    Relation("person", "month", "The birthday of {s} is in {v}.", "When is the birthday of {s}?", ""),
    Relation("person", "hour", "{s} gets up at {v}.", "When does {s} get up?", "Who gets up at {v}?"),
    Relation("person", "year", "{s} was born in {v}.", "When was {s} born? | In what year was {s} born?", ""),
    Relation(
        "country",
        "city",
        "The capital of {s} is {v}. | {v} is the capital of {s}.",
        "What is the capital of {s}? | Which city is the capital of {s}?",
        "{v} is the capital of which country? | Of which country is {v} the capital?",
    ),
    Relation(
        "country",
        "city",
        "The largest city in {s} is {v}.",
        "What is the largest city in {s}?",
        "In which country is {v} the largest city?",
    ),
    Relation("city", "country", "{s} is in {v}.", "In which country is {s}? | Where is {s}?", "Which city is in {v}?"),
    Relation(
        "animal", "place", "The {s} sleeps in the {v}.", "Where does the {s} sleep?", "Which animal sleeps in the {v}?"
    ),
    Relation("animal", "colour", "The {s} is {v}.", "What colour is the {s}?", "Which animal is {v}?"),
)
HELD_OUT = (
    Relation("person", "city", "{s} visited {v}.", "Which city did {s} visit?", "Who visited {v}?"),
    Relation("person", "thing", "{s} repaired the {v}.", "What did {s} repair?", "Who repaired the {v}?"),
    Relation("animal", "food", "The {s} eats {v}.", "What does the {s} eat?", "Which animal eats {v}?"),
    Relation("place", "hour", "The {s} opens at {v}.", "At what time does the {s} open?", "What opens at {v}?"),
    Relation("person", "drink", "{s} ordered {v}.", "What did {s} order?", "Who ordered {v}?"),
    Relation("person", "person", "{s} wrote to {v}.", "To whom did {s} write?", "Who wrote to {v}?"),
    Relation("thing", "year", "The {s} was made in {v}.", "In what year was the {s} made?", "What was made in {v}?"),
    Relation(
        "person", "job", "{s} wants to become a {v}.", "What does {s} want to become?", "Who wants to become a {v}?"
    ),
)
OPPOSITES = (("older", "younger"), ("taller", "shorter"), ("faster", "slower"), ("richer", "poorer"))
HELD_OUT_OPPOSITES = (("stronger", "weaker"),)
PREFIXES = {
    "thing": ("", "", "a ", "the "),
    "place": ("", "", "the ", "in the "),
    "animal": ("", "", "a ", "the "),
    "job": ("", "", "a "),
    "city": ("", "", "", "in "),
}
