"""Which words hold more of the saliency than an even spread would give them, class by class, over a run."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from heapq import nlargest
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


# A word in one example: its share, what an even spread would give it, number and id of the example, how it is written.
# A plain tuple, which the garbage collector lets go of: 220,000 named ones took 1.9 s for 10,000 examples, these 0.8 s.
_Stands = tuple[float, float, int, str, str]


@dataclass
class _Gathered:
    """What is counted of one class; words are told apart casefolded."""

    model: str
    among: dict[str, str]  # what a link adds to show this model alone
    map_: Map
    even: list[float] = field(default_factory=list)
    found: dict[str, list[_Stands]] = field(default_factory=lambda: defaultdict(list))

    def spelling(self, key: str) -> str:
        """As it is most often written."""
        return Counter(written for *_, written in self.found[key]).most_common(1)[0][0]

    def view(self, key: str) -> str:
        """Link to the examples of the class that have the word."""
        return filtered(q=f'"{self.spelling(key)}"', label=self.map_.target.label, **self.among)


def classes(report: Report, scores: Scores) -> tuple[list[Class], int]:
    """The classes with most examples, and how many more have enough of them."""
    gathered: dict[Hashable, _Gathered] = {}
    for number, result in enumerate(report.examples, 1):
        head = _of_the_prediction(result)
        if head is None or result.model is None:
            continue
        target = head.target
        key = (result.model, target.index, target.quantity, target.foil, head.method, head.first_score)
        if key not in gathered:
            gathered[key] = _Gathered(model_name(report, result.model), of_model(report, result.model), head)
        _gather(gathered[key], number, result, head)
    enough = sorted((g for g in gathered.values() if len(g.even) >= FEWEST), key=lambda g: -len(g.even))
    several = len({g.model for g in enough}) > 1
    return [_class(g, scores, several) for g in enough[:CLASSES]], max(0, len(enough) - CLASSES)


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


def _gather(into: _Gathered, number: int, result: ExampleResult, head: Map) -> None:
    shares = word_shares(result.encodings[head.encoding], head)
    if not shares:
        return
    even = 1 / len(shares)
    into.even.append(even)
    for key, (share, written) in shares.items():
        into.found[key].append((share, even, number, result.id, written))


def _class(gathered: _Gathered, scores: Scores, several: bool) -> Class:
    map_, count = gathered.map_, len(gathered.even)
    above = _above(gathered)
    strongest = nlargest(WORDS, above, key=lambda key: _surely(*above[key]))
    return Class(
        text.label(map_.target.label),
        gathered.model if several else "",
        explained(map_.target),
        scores.method(map_).title,
        scores.headline(map_).title,
        count,
        text.fine_percent(mean(gathered.even)),
        [_strong(gathered, key, *above[key]) for key in strongest],
    )


def _above(gathered: _Gathered) -> dict[str, tuple[float, float]]:
    """Of each word that is surely above an even spread its mean excess and the standard error of that.

    The deviation is the word's own, but at least that of all words: three shares can be alike by chance.
    """
    excesses = {
        key: [share - even for share, even, *_ in found]
        for key, found in gathered.found.items()
        if len(found) >= FEWEST
    }
    means = {key: mean(values) for key, values in excesses.items()}
    left = [value - means[key] for key, values in excesses.items() for value in values]
    of_all = math.sqrt(math.fsum(value * value for value in left) / max(1, len(left) - len(excesses)))
    found = {key: (means[key], max(stdev(values), of_all) / math.sqrt(len(values))) for key, values in excesses.items()}
    return {key: pair for key, pair in found.items() if _surely(*pair) > 1e-9}  # what is left of rounding is no excess


def _surely(excess: float, error: float) -> float:
    """Less two standard errors, so that of many rare words none comes first by chance."""
    return excess - 2 * error


def _strong(gathered: _Gathered, key: str, excess: float, error: float) -> Strong:
    found = gathered.found[key]
    return Strong(
        text.label(gathered.spelling(key), LONGEST),
        text.fine_percent(mean([share for share, *_ in found])),
        f"+{100 * excess:.1f} ± {100 * error:.1f}",
        len(found),
        [place(number, id_) for _, _, number, id_, _ in nlargest(PLACES, found, key=lambda stands: stands[0])],
        gathered.view(key),
    )


def _written(encoding: Encoding, word: Word) -> str:
    if word.segment is None or word.start is None or word.start == word.end:
        return "".join(encoding.tokens[token].text for token in word.tokens)
    return encoding.segments[word.segment].text[word.start : word.end]
