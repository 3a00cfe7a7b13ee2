"""Which words hold more of the saliency than an even spread would give them, class by class, over a run."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest
from itertools import accumulate
from statistics import stdev

from saliency_report.page import text
from saliency_report.page.evidence_tables import mean
from saliency_report.page.evidence_verdict import Explained, explained
from saliency_report.page.overview import model_name
from saliency_report.page.run_links import Place, filtered, of_model, place
from saliency_report.page.scores import Scores
from saliency_report.record import Encoding, ExampleResult, Map, Report, Word

FEWEST = 3  # examples of a class, and of a word in it: with fewer they are those of one text
CLASSES = 6
WORDS = 12
PLACES = 3
LONGEST = 24  # characters of a word


@dataclass(frozen=True)
class Strong:
    """A word: its mean share where it stands, how far that is above an even spread, and where it stands."""

    word: str
    mean: str
    above: str
    examples: int
    places: list[Place]
    href: str


@dataclass(frozen=True)
class Class:
    """The words of the examples with one predicted label, explained in one way."""

    label: str
    model: str
    explained: Explained
    method: str
    score: str
    examples: int
    even: str
    words: list[Strong]


@dataclass(frozen=True)
class _Stands:
    """Where a word stands: its shares, and the numbers of their examples."""

    shares: Sequence[float]
    numbers: Sequence[int]


@dataclass
class _Gathered:
    """What is counted of one class: of each example its id and an even share, and where its words, casefolded, stand.

    Three arrays hold the stands one after the other: 220,000 of 10,000 examples take 5 MB so, 20 MB with objects for
    each word, and 40 MB as tuples.
    """

    model: int
    map_: Map
    ids: dict[int, str] = field(default_factory=dict)
    even: dict[int, float] = field(default_factory=dict)
    words: dict[str, int] = field(default_factory=dict)
    spellings: Counter[str] = field(default_factory=Counter)
    which: array[int] = field(default_factory=lambda: array("l"))
    shares: array[float] = field(default_factory=lambda: array("d"))
    numbers: array[int] = field(default_factory=lambda: array("l"))

    def add(self, number: int, result: ExampleResult, head: Map) -> None:
        """Take in the words of an example."""
        shares = word_shares(result.encodings[head.encoding], head)
        if not shares:
            return
        self.ids[number], self.even[number] = result.id, 1 / len(shares)
        for key, (share, written) in shares.items():
            self.which.append(self.words.setdefault(key, len(self.words)))
            self.shares.append(share)
            self.numbers.append(number)
            self.spellings[written] += 1

    def found(self) -> dict[str, _Stands]:
        """The words that stand in enough examples."""
        counts = Counter(self.which)
        ends = [*accumulate(counts[index] for index in range(len(self.words)))]
        free, order = [0, *ends], array("l", [0]) * len(self.which)
        for stand, index in enumerate(self.which):
            order[free[index]] = stand
            free[index] += 1
        return {
            key: _Stands(array("d", [self.shares[i] for i in held]), array("l", [self.numbers[i] for i in held]))
            for key, index in self.words.items()
            if counts[index] >= FEWEST
            for held in [order[ends[index] - counts[index] : ends[index]]]
        }

    def spelling(self, key: str) -> str:
        """A word as it is most often written."""
        return max((s for s in self.spellings if s.casefold() == key), key=self.spellings.__getitem__)


@dataclass
class Classes:
    """The words of each class, gathered one example at a time."""

    gathered: dict[Hashable, _Gathered] = field(default_factory=dict)

    def add(self, number: int, result: ExampleResult) -> None:
        """Take in a classified text whose predicted label is explained."""
        head = _of_the_prediction(result)
        if head is None or result.model is None:
            return
        target = head.target
        key = (result.model, target.index, target.quantity, target.foil, head.method, head.first_score)
        if key not in self.gathered:
            self.gathered[key] = _Gathered(result.model, head)
        self.gathered[key].add(number, result, head)

    def found(self, report: Report, scores: Scores, several: bool) -> tuple[list[Class], int]:
        """The classes with most examples, and how many more have enough; links name the model of `several`."""
        enough = sorted((g for g in self.gathered.values() if len(g.even) >= FEWEST), key=lambda g: -len(g.even))
        named = len({g.model for g in enough}) > 1
        shown = [
            _class(g, scores, model_name(report, g.model) if named else "", of_model(report, g.model, several))
            for g in enough[:CLASSES]
        ]
        return shown, max(0, len(enough) - CLASSES)


def word_shares(encoding: Encoding, map_: Map) -> dict[str, tuple[float, str]]:
    """Of each word, casefolded, its share of the |first score| of all words that are not special, and its spelling."""
    sizes: dict[str, float] = {}
    spellings: dict[str, str] = {}
    for word, score in zip(encoding.words, map_.word_scores[map_.first_score], strict=False):
        if word.special or score is None:
            continue
        written = _written(encoding, word)
        key = written.casefold()
        sizes[key] = sizes.get(key, 0.0) + abs(score)
        spellings.setdefault(key, written)
    total = sum(sizes.values())
    return {key: (size / total, spellings[key]) for key, size in sizes.items()} if total else {}


def _of_the_prediction(result: ExampleResult) -> Map | None:
    """The first map of a classified text where it explains the predicted label."""
    if result.task != "text-classification" or not result.maps or result.prediction is None:
        return None
    head = result.maps[result.headline]
    return head if head.target.index == result.prediction.predicted else None


def _class(gathered: _Gathered, scores: Scores, model: str, among: dict[str, str]) -> Class:
    map_, count = gathered.map_, len(gathered.even)
    found = gathered.found()
    above = _above(gathered, found)
    strongest = nlargest(WORDS, above, key=lambda key: _surely(*above[key]))
    return Class(
        text.label(map_.target.label),
        model,
        explained(map_.target),
        scores.method(map_).title,
        scores.headline(map_).title,
        count,
        text.fine_percent(mean([*gathered.even.values()])),
        [_strong(gathered, key, found[key], above[key], among) for key in strongest],
    )


def _above(gathered: _Gathered, found: Mapping[str, _Stands]) -> dict[str, tuple[float, float]]:
    """Of each word that is surely above an even spread its mean excess and the standard error of that.

    The deviation is the word's own, but at least that of all words: three shares can be alike by chance.
    """
    excesses = {
        key: array("d", [s - gathered.even[number] for s, number in zip(stands.shares, stands.numbers, strict=True)])
        for key, stands in found.items()
    }
    means = {key: mean(values) for key, values in excesses.items()}
    squares = math.fsum((value - means[key]) ** 2 for key, values in excesses.items() for value in values)
    of_all = math.sqrt(squares / max(1, sum(map(len, excesses.values())) - len(excesses)))
    sure = {key: (means[key], max(stdev(values), of_all) / math.sqrt(len(values))) for key, values in excesses.items()}
    return {key: pair for key, pair in sure.items() if _surely(*pair) > 1e-9}  # what is left of rounding is no excess


def _surely(excess: float, error: float) -> float:
    """Less two standard errors, so that of many rare words none comes first by chance."""
    return excess - 2 * error


def _strong(gathered: _Gathered, key: str, found: _Stands, above: tuple[float, float], among: dict[str, str]) -> Strong:
    (excess, error), spelling = above, gathered.spelling(key)
    highest = nlargest(PLACES, range(len(found.shares)), key=found.shares.__getitem__)
    return Strong(
        text.label(spelling, LONGEST),
        text.fine_percent(mean(found.shares)),
        f"+{100 * excess:.1f} ± {100 * error:.1f}",
        len(found.shares),
        [place(number, gathered.ids[number]) for number in (found.numbers[i] for i in highest)],
        filtered(q=f'"{spelling}"', label=gathered.map_.target.label, **among),
    )


def _written(encoding: Encoding, word: Word) -> str:
    if word.segment is None or word.start is None or word.start == word.end:
        return "".join(encoding.tokens[token].text for token in word.tokens)
    return encoding.segments[word.segment].text[word.start : word.end]
