"""Which lines of a text a picture shows: all of them, or the stretch that has most of the map."""

from __future__ import annotations

from dataclasses import dataclass

from saliency_report.card.layout import Line, lines
from saliency_report.card.sections import Section
from saliency_report.card.words import blocks
from saliency_report.page.text import percent

MOST_LINES = 14  # some 170 words of English; more of them in one picture nobody would read


@dataclass(frozen=True)
class Window:
    """The lines, and what is said of those that are left out."""

    lines: list[Line]
    said: str = ""


def window(section: Section, room: float, size: float) -> Window:
    """The lines of all texts of a map, or of a long one as many as can be read."""
    found: list[Line] = []
    for block in blocks(section):
        found += [Line(heading=block.name)] if block.name else []
        found += lines(block.words, room, size)
    places = [place for place, line in enumerate(found) if not line.heading]
    if len(places) <= MOST_LINES:
        return Window(found)
    sums = [
        sum(found[place].score for place in places[start : start + MOST_LINES])
        for start in range(len(places) - MOST_LINES + 1)
    ]
    first = max(range(len(sums)), key=sums.__getitem__)
    total = sum(line.score for line in found)
    kept = found[places[first] : places[first + MOST_LINES - 1] + 1]
    names = [line.heading for line in found[: places[first]] if line.heading]
    share = f", which have {percent(sums[first] / total)} of the summed sizes of all words’ scores" if total else ""
    return Window(
        [*([Line(heading=names[-1])] if names else []), *kept],
        f"… Lines {first + 1} to {first + MOST_LINES} of {len(places)}{share}. The others are left out.",
    )
