"""A small world of facts, as the six small models read it: who lives where, bought what, works for whom.

A `World` draws facts of the reading items' relations and of a few about firms, and says each in several ways. What
follows from a fact is known: which words are names, what it is about, what contradicts it, how much of it another
fact shares. So one generator serves every task.
"""

import re
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from saliency_report.embedded.training import plain_sentences
from saliency_report.embedded.training.prompts import NAMES
from saliency_report.embedded.training.reading_items import SYLLABLES, Generator
from saliency_report.embedded.training.reading_pools import CLOSED, OPEN, UNSEEN
from saliency_report.embedded.training.reading_relations import Relation

FIRMS = (
    Relation(
        "person",
        "firm",
        "{s} works for {v}. | {s} joined {v}. | {v} hired {s}.",
        "Whom does {s} work for? | Who hired {s}?",
        "Who works for {v}? | Who joined {v}?",
    ),
    Relation(
        "firm",
        "city",
        "{s} has an office in {v}. | {s} opened a shop in {v}.",
        "Where does {s} have an office? | Where did {s} open a shop?",
    ),
    Relation("firm", "person", "{s} belongs to {v}. | {v} owns {s}. | {v} runs {s}.", "Who owns {s}? | Who runs {s}?"),
    Relation("firm", "firm", "{s} bought {v}. | {v} was bought by {s}.", "What did {s} buy?"),
)
TRADES = "Bank Motors Records Airlines Press Foods Steel Hotels University Books Films Tools Energy Insurance".split()
LABELS = {"person": "PER", "firm": "ORG", "city": "LOC", "country": "LOC"}
NAMED = frozenset(word for kind in ("person", "city", "country") for name in OPEN[kind] for word in name.split())
NEW = frozenset(word for word in NAMED if word.lower() in UNSEEN)
"""Names of people, cities and countries that no training text contains."""


class Fact(NamedTuple):
    """A relation that holds between a subject and a value."""

    relation: Relation
    subject: str
    value: str

    def shared(self, other: "Fact") -> float:
        """How much of this fact another one says, from 0 to 1."""
        if (self.relation, self.subject, self.value) == (other.relation, other.subject, other.value):
            return 1.0
        same = 0.4 if self.relation is other.relation else 0.2 if self.relation.value == other.relation.value else 0.0
        return same + 0.3 * (self.subject == other.subject) + 0.3 * (self.value == other.value)


class World(Generator):
    """Draws facts and what can be said of them: of the training side, or of names and relations held out."""

    def __init__(self, seed: int, held_out_names: bool = False, held_out_templates: bool = False) -> None:
        super().__init__(Random(seed), held_out_names, held_out_templates)
        self.invent = 0.5  # share of the draws whose names are all invented
        self.kept, self.held_out_names = self.pools, held_out_names

    def _invent(self, kind: str) -> list[str]:
        """Fillers that mean nothing: of syllables, or the beginning of a known one and the end of another."""
        rng, known = self.rng, [word for word in self.kept[kind] if word.isalpha()]
        made = ["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 3))) for _ in range(7)]
        for _ in range(7):
            first, last = rng.sample(known, 2)
            made.append(first[: (len(first) + 1) // 2] + last[len(last) // 2 :])
        made = [word for word in dict.fromkeys(made) if word.lower() not in UNSEEN]
        rng.shuffle(made)
        if kind in LABELS:
            return [word[0].upper() + word[1:] for word in made]
        return [word if word.endswith("s") else f"{word}s" for word in made] if kind == "food" else made

    def renew(self) -> None:
        """Other names: known ones, or invented ones; people have a surname at times."""
        rng, invented = self.rng, self.rng.random() < self.invent
        self.pools = dict(self.kept) if not invented else CLOSED | {kind: self._invent(kind) for kind in OPEN}
        names = self._invent("person")
        people = self.pools["person"]
        if rng.random() < 0.4:
            self.pools["person"] = [f"{name} {rng.choice(names)}" for name in rng.sample(people, min(12, len(people)))]
        places = rng.sample([*self.pools["city"], *self.pools["country"]], 8)
        firsts = [*places, *rng.sample(self.kept["person"], 4), *names[:8]]
        self.pools["firm"] = [f"{first} {rng.choice(TRADES)}" for first in firsts]

    def fact(self, like: Callable[[Relation], bool] | None = None) -> Fact:
        """A fact, perhaps of the relations that are `like` something."""
        relations = (*self.relations, *FIRMS)
        relation = self.rng.choice([one for one in relations if like is None or like(one)])
        return self.fact_of(relation)

    def fact_of(self, relation: Relation, subject: str = "", value: str = "") -> Fact:
        """A fact of a relation: of this subject, or with this value, or with neither of an earlier one."""
        subject = subject or self.rng.choice([name for name in self.pools[relation.subject] if name != value])
        value = value or self.rng.choice([name for name in self.pools[relation.value] if name != subject])
        return Fact(relation, subject, value)

    def other(self, kind: str, than: str) -> str:
        """Another filler of a kind."""
        return self.rng.choice([name for name in self.pools[kind] if name != than])

    def ways(self, fact: Fact) -> list[str]:
        """All sentences that say a fact."""
        found = fact.relation.statements.split(" | ")
        for question in filter(None, fact.relation.ask_subject.split(" | ")):
            if question.startswith("Who ") and not question.startswith("Who does"):
                said = question.removeprefix("Who ").removesuffix("?")
                found += [f"It is {{s}} who {said}.", f"The one who {said} is {{s}}."]
        return [articles(way.format(s=fact.subject, v=fact.value)) for way in found]

    def say(self, fact: Fact) -> str:
        """A sentence that says a fact."""
        return self.rng.choice(self.ways(fact))

    def named(self) -> tuple[str, list[tuple[int, int, str]]]:
        """A text of some facts, or a plain one, and where its names stand: (start, end, label)."""
        rng = self.rng
        self.renew()
        if rng.random() < 0.25:
            return found_names(plain(rng))
        facts = [self.fact() for _ in range(rng.choice((1, 1, 2, 2, 3)))]
        text = " ".join(map(self.say, facts))
        kinds: dict[str, str] = {}
        for fact in facts:
            for kind, name in ((fact.relation.subject, fact.subject), (fact.relation.value, fact.value)):
                if kind in LABELS:
                    kinds[name] = LABELS[kind]
        return text, spans(text, kinds)


def articles(text: str) -> str:
    """A text with *an* where a vowel follows."""
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


def plain(rng: Random) -> str:
    """A text of plain sentences without a name that is held out."""
    while NEW & set(re.findall(r"\w+", text := plain_sentences.text(rng))):
        pass
    return text


def spans(text: str, kinds: dict[str, str]) -> list[tuple[int, int, str]]:
    """Where names stand in a text, longer ones first, with their labels."""
    if not kinds:
        return []
    longest = sorted(kinds, key=len, reverse=True)
    found = re.finditer(rf"\b({'|'.join(map(re.escape, longest))})\b", text)
    return [(*match.span(), kinds[match[0]]) for match in found]


def found_names(text: str) -> tuple[str, list[tuple[int, int, str]]]:
    """A plain text, and where its names stand."""
    places = set(plain_sentences.CAPITALS.replace(",", " ").split())
    return text, spans(text, dict.fromkeys(NAMES, "PER") | dict.fromkeys(places, "LOC"))
