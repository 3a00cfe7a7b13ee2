"""The text of two maps in three rows: with the shares before, with those now, and with their change, on one scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from saliency_report.compare import Block, MapChange
from saliency_report.page import colour
from saliency_report.page.shares import segment_name
from saliency_report.record import Segment
from saliency_report.words import is_visible

Which = Literal["old", "new", "change"]


@dataclass(frozen=True)
class Piece:
    """A stretch of text in a row, its classes, and whether that model does not read it."""

    text: str
    css: str = ""
    unread: bool = False


@dataclass(frozen=True)
class Row:
    """The text once."""

    name: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Passage:
    """A text of the example, its name where there are several, and its rows; one alone where one model has the text."""

    name: str
    rows: list[Row]


def end(pair: MapChange) -> float:
    """What has the strongest colour in all rows: the largest share, or change of one."""
    numbers = (number for block in pair.blocks for number in (block.old.share, block.new.share, block.change))
    return max((abs(number) for number in numbers if number is not None), default=0.0)


def passages(pair: MapChange) -> list[Passage]:
    """The texts with their rows."""
    shown = [(number, part) for number, part in enumerate(pair.texts) if part.text]
    largest, found = end(pair), []
    for number, part in shown:
        blocks = [block for block in pair.blocks if block.within == number]
        wanted: list[tuple[str, Which]] = [("Before", "old")] if part.of != "new" else []
        wanted += [("Now", "new")] if part.of != "old" else []
        wanted += [("Change", "change")] if part.of == "both" else []
        rows = [Row(name, list(_pieces(part.text, blocks, which, largest, pair.signed))) for name, which in wanted]
        name = segment_name(Segment(name=part.name, text="", generated=part.generated))
        found.append(Passage(name if len(shown) > 1 or part.name != "text" else "", rows))
    return found


def _pieces(whole: str, blocks: Sequence[Block], which: Which, largest: float, signed: bool) -> Iterator[Piece]:
    reached = 0
    placed = [(b.start, b.end, b) for b in blocks if b.start is not None and b.end is not None and b.start < b.end]
    for start, stop, block in sorted(placed, key=lambda item: item[:2]):
        if start < reached:
            continue  # a special token in the text, which the other side reads as letters
        if start > reached:
            yield _between(whole[reached:start])
        yield Piece(whole[start:stop]) if block.special else _piece(block, which, largest, signed)
        reached = stop
    if reached < len(whole):
        yield _between(whole[reached:])


def _piece(block: Block, which: Which, largest: float, signed: bool) -> Piece:
    sides = {"old": [block.old], "new": [block.new], "change": [block.old, block.new]}[which]
    if not all(side.words for side in sides):
        return Piece(block.text, unread=is_visible(block.text))
    value = block.change if which == "change" else sides[0].share
    shape = "" if block.text.strip() else "newline" if "\n" in block.text else "blank"
    unknown = "unknown" if which != "change" and sides[0].unknown else ""
    css = colour.css_class(value, largest, which == "change" or signed)
    return Piece(block.text, " ".join(name for name in ("w", shape, unknown, css) if name))


def _between(stretch: str) -> Piece:
    """What no token of either side covers."""
    return Piece(stretch, unread=is_visible(stretch))
