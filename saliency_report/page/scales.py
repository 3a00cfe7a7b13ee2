"""One scale for the whole page: the largest score of all maps whose numbers mean the same.

The same is: of one model, by one method, one score of one quantity. Special tokens count only while they are shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from saliency_report.page.scores import Scores
from saliency_report.page.sentences import sentence_scores
from saliency_report.page.text import rounded
from saliency_report.page.view import ExampleView
from saliency_report.record import Map

# A share has to be worked out from rounded numbers, as the script does it; three digits move it by less than this.
CLOSE = 0.99


@dataclass
class Scale:
    """The largest absolute score and the largest share of its map's sum, and in how many examples."""

    examples: set[int] = field(default_factory=set)
    largest: list[float] = field(default_factory=lambda: [0.0, 0.0])
    share: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, number: int, scores: Sequence[float], special: Sequence[bool]) -> None:
        """Take in a map: first as it is without special tokens, then with them."""
        self.examples.add(number)
        ordinary = [score for score, hidden in zip(scores, special, strict=True) if not hidden]
        for place, seen in enumerate((ordinary, scores)):
            most, total = max(map(abs, seen), default=0.0), sum(map(abs, seen))
            self.largest[place] = max(self.largest[place], rounded(most))
            if total and most / total > CLOSE * self.share[place]:
                sizes = [abs(rounded(score)) for score in seen]
                self.share[place] = max(self.share[place], max(sizes) / (sum(sizes) or 1))


@dataclass
class Scales:
    """The scales of a page, filled one example at a time."""

    found: dict[tuple[str, str, str], Scale] = field(default_factory=dict)

    def add(self, example: ExampleView, scores: Scores) -> None:
        """Take in all maps of an example."""
        for map_ in example.result.maps:
            for name, unit, values, special in _units(example, map_, scores):
                measured = [(v, s) for v, s in zip(values, special, strict=False) if v is not None]
                scale = self.found.setdefault((key(example, map_), name, unit), Scale())
                scale.add(example.number, [v for v, _ in measured], [s for _, s in measured])

    def data(self) -> dict[str, Any]:
        """By key, score and unit: in how many examples, the largest score without and with special tokens, shares."""
        nested: dict[str, Any] = {}
        for (of, name, unit), scale in self.found.items():
            # Alone on the page a map keeps its own scale.
            if len(scale.examples) > 1:
                shares = [float(f"{share:.6g}") for share in scale.share]
                nested.setdefault(of, {}).setdefault(name, {})[unit] = [len(scale.examples), *scale.largest, *shares]
        return nested


def key(example: ExampleView, map_: Map) -> str:
    """What has to be the same, but for the score and the unit."""
    return f"{example.result.model} {map_.method} {map_.target.quantity.removesuffix(' difference')}"


def _units(
    example: ExampleView, map_: Map, scores: Scores
) -> Iterator[tuple[str, str, Sequence[float | None], Sequence[bool]]]:
    encoding, cut = example.result.encodings[map_.encoding], example.sentences[map_.encoding]
    for name, values in map_.scores.items():
        yield name, "tokens", values, [token.special for token in encoding.tokens]
        yield name, "words", map_.word_scores[name], [word.special for word in encoding.words]
    for name, sums in sentence_scores(map_, encoding, cut, scores).items():
        yield name, "sentences", sums, [False] * len(sums)
