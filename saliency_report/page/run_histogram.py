"""Counts in bins of equal width, as the rectangles of a small picture."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, TOP, BOTTOM = 400, 110, 18, 92


@dataclass(frozen=True)
class Scale:
    """Inner edges of the bins and how they are written; whether a value on an edge counts to the bin below."""

    edges: tuple[float, ...]
    names: tuple[str, ...]
    closed_above: bool
    limits: tuple[float, ...] = ()  # places of lines across the bars, in bins

    @property
    def step(self) -> float:
        """Width of a bin."""
        return WIDTH / (len(self.edges) + 1)

    def counts(self, values: Sequence[float]) -> list[int]:
        """How many values lie in each bin; the outer bins take what lies beyond."""
        counts, bin_of = [0] * (len(self.edges) + 1), bisect_left if self.closed_above else bisect_right
        for value in values:
            counts[bin_of(self.edges, value)] += 1
        return counts

    def bins(self) -> list[str]:
        """What each bin holds, in words."""
        over, under = ("up to", "more than") if self.closed_above else ("under", "from")
        between = [f"{low} to {high}" for low, high in zip(self.names, self.names[1:], strict=False)]
        return [f"{over} {self.names[0]}", *between, f"{under} {self.names[-1]}"]


@dataclass(frozen=True)
class Bar:
    """A bin: what it holds, its count, and its rectangle."""

    name: str
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    """A name below the axis."""

    x: float
    name: str


@dataclass(frozen=True)
class Histogram:
    """Everything to be drawn; coordinates are those of a picture of WIDTH × HEIGHT."""

    bars: list[Bar]
    ticks: list[Tick]
    limits: list[float]
    width: int = WIDTH
    height: int = HEIGHT
    bottom: int = BOTTOM


def histogram(values: Sequence[float], scale: Scale) -> Histogram:
    """The bars of some values; the highest bin reaches to the top."""
    counts, step = scale.counts(values), scale.step
    unit = (BOTTOM - TOP) / max(counts)
    return Histogram(
        [
            Bar(
                name,
                count,
                round(index * step + 1, 1),
                round(BOTTOM - count * unit, 1),
                round(step - 2, 1),
                round(count * unit, 1),
            )
            for index, (name, count) in enumerate(zip(scale.bins(), counts, strict=True))
        ],
        [Tick(round((index + 1) * step, 1), name) for index, name in enumerate(scale.names)],
        [round(place * step, 1) for place in scale.limits],
    )
