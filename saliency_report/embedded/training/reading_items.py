"""Templated reading items: a short context, a question, and choices of which the context makes one right.

`generate` fills relations (somebody bought something, something lies somewhere) with names and things from the pools.
Most contexts state one relation for several subjects, or two relations for the same subjects, so that several choices
occur in the context and only reading tells them apart. Facts are drawn at random: nothing but the context can
answer, not even for capitals. Relations in `HELD_OUT` and comparisons with a held-out adjective are for testing only.
"""

import re
from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from saliency_report.embedded.training.reading_pools import CLOSED, OPEN, UNSEEN, pools
from saliency_report.embedded.training.reading_relations import (
    HELD_OUT,
    HELD_OUT_OPPOSITES,
    OPPOSITES,
    PREFIXES,
    RELATIONS,
)


class Item(NamedTuple):
    """One question and its choices."""

    context: str
    question: str
    choices: list[str]
    answer: int
    span: str = ""  # how the context says the answer, which a choice may precede by an article


SYLLABLES = [c + v + e for c in "bdfgklmnprstvz" for v in "aeiou" for e in ("", "", "n", "l", "r")]


def _pick(rng: Random, alternatives: str) -> str:
    return rng.choice(alternatives.split(" | "))


def _articles(text: str) -> str:
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)


class Generator:
    """Draws items of one side: training pools and templates, or the held-out ones."""

    def __init__(self, rng: Random, held_out_names: bool, held_out_templates: bool) -> None:
        self.rng = rng
        self.pools = pools(held_out_names)
        self.relations = HELD_OUT if held_out_templates else RELATIONS
        self.opposites = HELD_OUT_OPPOSITES if held_out_templates else OPPOSITES
        self.short = False
        self.words: list[str] = []  # where invented fillers come from; empty: none are invented

    def item(self) -> Item:
        """One item of any kind; most are relations."""
        kept = self.pools
        if self.words and self.rng.random() < 0.7:
            self.pools = CLOSED | {kind: self._invent(kind) for kind in OPEN}
        made = self._item()
        self.pools = kept
        return made

    def _invent(self, kind: str) -> list[str]:
        """Fillers that mean nothing: any word, or one made of syllables."""
        made = self.rng.sample(self.words, 8)
        made += ["".join(self.rng.choice(SYLLABLES) for _ in range(self.rng.randint(2, 3))).title() for _ in range(8)]
        made = [word for word in dict.fromkeys(made) if word.lower() not in UNSEEN]
        self.rng.shuffle(made)
        return [f"{word}s" for word in made] if kind == "food" else made

    def _item(self) -> Item:
        kinds = [self.relation] * 14 + [
            self.comparison,
            self.order,
            self.moves,
            self.gift,
            self.negation,
            self.count,
        ]
        if self.relations is HELD_OUT:
            kinds = [self.relation] * 9 + [self.comparison]
        return self.rng.choice(kinds)()

    def _finish(self, kind: str, context: str, question: str, right: str, wrong: list[str]) -> Item:
        """Shuffled choices: the right one, those the context mentions, and others of the same kind."""
        size = self.rng.choice((2, 3, 3, 4, 4, 5, 6))
        pool = [word for word in self.pools[kind] if word != right and word not in wrong]
        wrong = [word for word in dict.fromkeys(wrong) if word != right]
        self.rng.shuffle(wrong)
        extra = self.rng.sample(pool, min(len(pool), 6))
        choices = [right, *(wrong + extra)[: size - 1]]
        self.rng.shuffle(choices)
        prefix = self.rng.choice(PREFIXES.get(kind, ("",)))
        return Item(
            _articles(context),
            question,
            [_articles(prefix + c) for c in choices],
            choices.index(right),
            right,
        )

    def relation(self) -> Item:
        """One relation of several subjects, perhaps among sentences of another relation."""
        rng = self.rng
        relation = rng.choice(self.relations)
        count = 2 if self.short else rng.choice((1, 2, 2, 3, 3, 4))
        names = rng.sample(self.pools[relation.subject], count)
        free = [word for word in self.pools[relation.value] if word not in names]
        values = rng.sample(free, count)
        sentences = [
            _pick(rng, relation.statements).format(s=name, v=value) for name, value in zip(names, values, strict=True)
        ]
        asked = rng.randrange(count)
        wrong_values, wrong_names = values[:], names[:]
        if (
            not self.short and rng.random() < 0.4
        ):  # another relation between the same subjects and other values of the same kind
            same = [
                r
                for r in self.relations
                if r is not relation and r.subject == relation.subject and r.ask_value != relation.ask_value
            ]
            similar = [r for r in same if r.value == relation.value] or same
            if similar:
                other = rng.choice(similar if rng.random() < 0.7 else same)
                rest = [word for word in self.pools[other.value] if word not in names + values]
                for name, value in zip(rng.sample(names, min(count, 2)), rng.sample(rest, min(count, 2)), strict=True):
                    sentences.append(_pick(rng, other.statements).format(s=name, v=value))
                    if other.value == relation.value:
                        wrong_values.append(value)
        rng.shuffle(sentences)
        if relation.ask_subject and rng.random() < 0.4:
            question = _pick(rng, relation.ask_subject).format(v=values[asked])
            right, wrong, kind = names[asked], wrong_names, relation.subject
        else:
            question = _pick(rng, relation.ask_value).format(s=names[asked])
            right, wrong, kind = values[asked], wrong_values, relation.value
        return self._finish(kind, " ".join(sentences), _articles(question), right, wrong)

    def comparison(self) -> Item:
        """Who is older, when the context says who is younger."""
        rng = self.rng
        more, less = rng.choice(self.opposites)
        a, b = rng.sample(self.pools["person"], 2)
        said, asked = rng.choice((more, less)), rng.choice((more, less))
        right = a if said == asked else b
        return self._finish("person", f"{a} is {said} than {b}.", f"Who is {asked}?", right, [a, b])

    def order(self) -> Item:
        """Who came first or last of three."""
        rng = self.rng
        a, b, c = rng.sample(self.pools["person"], 3)
        context = rng.choice(
            (
                f"First {a} came, then {b}, and finally {c}.",
                f"{a} arrived first. After that {b} arrived. {c} arrived last.",
                f"{a} came before {b}. {c} came after {b}.",
            )
        )
        word, right = rng.choice((("first", a), ("last", c)))
        verb = "arrived" if "arrived" in context else "came"
        return self._finish("person", context, f"Who {verb} {word}?", right, [a, b, c])

    def moves(self) -> Item:
        """Where somebody is after going to two places."""
        rng = self.rng
        a, b = rng.sample(self.pools["person"], 2)
        here, there, away = rng.sample(self.pools["place"], 3)
        other = f"{b} went to the {away}."
        sentences = [f"{a} went to the {here}.", f"Then {a} went to the {there}."]
        sentences.insert(rng.randrange(3), other)
        if sentences[1] == other:
            sentences[2] = f"Later {a} went to the {there}."
        name, right = rng.choice(((a, there), (a, there), (b, away)))
        return self._finish("place", " ".join(sentences), f"Where is {name} now?", right, [here, there, away])

    def gift(self) -> Item:
        """Who gave what to whom."""
        rng = self.rng
        a, b, c = rng.sample(self.pools["person"], 3)
        what, other = rng.sample(self.pools["thing"], 2)
        context = rng.choice(
            (
                f"{a} gave the {what} to {b}.",
                f"{a} gave {b} a {what}.",
                f"{b} got the {what} from {a}.",
            )
        )
        if rng.random() < 0.5:
            context += f" {c} has a {other}."
        question, kind, right = rng.choice(
            (
                (f"Who gave the {what} to {b}?", "person", a),
                (f"Who got the {what}?", "person", b),
                (f"What did {a} give to {b}?", "thing", what),
                (f"What did {b} get?", "thing", what),
            )
        )
        return self._finish(kind, context, question, right, [a, b, c] if kind == "person" else [what, other])

    def negation(self) -> Item:
        """Who does and who does not."""
        rng = self.rng
        a, b = rng.sample(self.pools["person"], 2)
        kind, verb = rng.choice((("food", "like"), ("food", "eat"), ("drink", "drink"), ("sport", "play")))
        what = rng.choice(self.pools[kind])
        sentences = [f"{a} {verb}s {what}.", f"{b} does not {verb} {what}."]
        rng.shuffle(sentences)
        question, right = rng.choice(((f"Who {verb}s {what}?", a), (f"Who does not {verb} {what}?", b)))
        return self._finish("person", " ".join(sentences), question, right, [a, b])

    def count(self) -> Item:
        """How many of two kinds of things somebody has."""
        rng = self.rng
        a, b = rng.sample(self.pools["person"], 2)
        first, second = rng.sample([word for word in self.pools["food"] if word.endswith("s")], 2)
        many = rng.sample(self.pools["number"], 3)
        context = f"{a} has {many[0]} {first} and {many[1]} {second}. {b} has {many[2]} {first}."
        name, what, right = rng.choice(((a, first, many[0]), (a, second, many[1]), (b, first, many[2])))
        return self._finish("number", context, f"How many {what} does {name} have?", right, many)


def generate(
    count: int, seed: int, *, held_out_names: bool, held_out_templates: bool, short: int = 0, words: Sequence[str] = ()
) -> Iterator[Item]:
    """`count` items; the two flags choose between the training side and the held-out side.

    The relations of the first `short` items have two subjects and no second relation beside them. With
    `words`, most items are about invented things, named by these words or by syllables: a model that knows only some
    hundred names reads others less surely.
    """
    generator = Generator(Random(seed), held_out_names, held_out_templates)
    generator.words = [word for word in words if word not in UNSEEN]
    for index in range(count):
        generator.short = index < short
        yield generator.item()
