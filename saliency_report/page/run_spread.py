"""How the figures of trust are spread over a run: the median, the worst, and a histogram."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median

from saliency_report.page import text
from saliency_report.page.evidence_parts import title_of
from saliency_report.page.run_histogram import Histogram, Scale, histogram
from saliency_report.page.run_links import Place, place
from saliency_report.record import ExampleResult, Report

FEWEST = 5  # values of which a histogram is drawn; fewer stand in a sentence alone
_TENTHS = tuple(number / 10 for number in range(1, 10))
_PERCENTS = tuple(f"{number} %" for number in range(10, 100, 10))
# A gap of 0.001 % and one of 50 % are both met; the edges 1 % and 5 % are those of the verdicts.
_OFF = Scale(
    (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.1, 1.0),
    ("0.001 %", "0.01 %", "0.1 %", "1 %", "5 %", "10 %", "100 %"),
    closed_above=True,
    limits=(4, 5),
)
_NORMALISED = Scale(_TENTHS, tuple(map(str, _TENTHS)), closed_above=False)
_BEATEN = Scale(_TENTHS, _PERCENTS, closed_above=False, limits=(9.5,))
_SHARE = Scale(_TENTHS, _PERCENTS, closed_above=False)

_Value = tuple[float, int, str]  # a value, and the number and id of its example


@dataclass(frozen=True)
class Spread:
    """Values of one kind: in words, with a link to the worst, and as bars where there are enough."""

    title: str
    sentence: str
    extreme: str
    worst: str
    place: Place
    means: str
    histogram: Histogram | None


@dataclass
class Spreads:
    """Completeness, faithfulness and the share of special tokens, gathered one example at a time."""

    gaps: dict[str, list[_Value]] = field(default_factory=lambda: defaultdict(list))
    normalised: list[_Value] = field(default_factory=list)
    beaten: list[_Value] = field(default_factory=list)
    special: list[_Value] = field(default_factory=list)

    def add(self, number: int, result: ExampleResult) -> None:
        """Take in what an example has of them."""
        for map_ in result.maps:
            if map_.completeness and map_.completeness.relative is not None:
                self.gaps[map_.method].append((map_.completeness.relative, number, result.id))
        if not result.maps:
            return
        if (share := result.maps[result.headline].special_share) is not None:
            self.special.append((share, number, result.id))
        test = result.evidence and result.evidence.faithfulness
        if test and test.rankings:
            first = test.rankings[0]
            self.beaten.append((first.beaten / test.random.orders, number, result.id))
            if first.normalised_aopc is not None:
                self.normalised.append((first.normalised_aopc, number, result.id))

    def found(self, report: Report) -> list[Spread]:
        """What the run has of them."""
        return [*_completeness(report, self.gaps), *_faithfulness(self), *_special(self.special)]


def _completeness(report: Report, by_method: dict[str, list[_Value]]) -> Iterator[Spread]:
    for method, values in by_method.items():
        yield _spread(
            f"How far off {title_of(report, method)} is",
            ("map", values, text.fine_percent, max(values)),
            "The gap between the sum of a map and what it should be, as a share of that. Up to 1\N{NO-BREAK SPACE}% "
            "it adds up, up to 5\N{NO-BREAK SPACE}% roughly (dashed lines). The bins are of unequal width.",
            _OFF,
        )


def _faithfulness(gathered: Spreads) -> Iterator[Spread]:
    values = gathered.normalised
    if values and len(values) == len(gathered.beaten):
        yield _spread(
            "Normalised AOPC",
            ("first map", values, text.correlation, min(values)),
            "0 is the worst order of words that a search found, 1 the best: higher is more faithful.",
            _NORMALISED,
        )
    elif values := gathered.beaten:
        yield _spread(
            "Random orders beaten",
            ("first map", values, _beaten, min(values)),
            "The share of random orders of words that are less faithful than the map’s order. From "
            "95\N{NO-BREAK SPACE}% on (dashed line) a map counts as more faithful than random.",
            _BEATEN,
        )


def _beaten(share: float) -> str:
    """Rounded down, so that 94.5 % does not look like the 95 % that are asked for."""
    return text.percent(math.floor(share * 100 + 1e-9) / 100 if share >= 0.01 else share)


def _special(values: list[_Value]) -> Iterator[Spread]:
    if any(value for value, *_ in values):
        yield _spread(
            "Share of special tokens",
            ("first map", values, text.percent, max(values)),
            "How much of a map lies on tokens that no word of the text shows, such as [CLS]. The rest is on words.",
            _SHARE,
        )


def _spread(
    title: str, of: tuple[str, list[_Value], Callable[[float], str], _Value], means: str, scale: Scale
) -> Spread:
    noun, values, written, extreme = of
    sizes = [value for value, *_ in values]
    drawn = histogram(sizes, scale) if len(sizes) >= FEWEST else None
    if drawn is None:
        means = re.sub(r" \(dashed lines?\)| The bins are of unequal width\.", "", means)
    return Spread(
        title,
        f"{text.plural(len(sizes), noun)}: median {written(median(sizes))}",
        "highest" if scale is _SHARE else "worst",
        written(extreme[0]),
        place(*extreme[1:]),
        means,
        drawn,
    )
