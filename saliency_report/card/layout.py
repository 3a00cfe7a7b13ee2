"""A coloured text in lines of a given width, each word at its place; SVG itself breaks no lines and orders no words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from saliency_report.card.widths import width
from saliency_report.page.heat import Letters, Unit, direction, units

_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_SMALL = 0.75  # of the size of other letters
_TAB = " " * 4
_LEVELS = {("ltr", "ltr"): 0, ("ltr", "rtl"): 1, ("rtl", "rtl"): 1, ("rtl", "ltr"): 2}
_TO_THE_LEFT = "\u200f"  # a mark without a width


@dataclass(frozen=True)
class Word(Letters):
    """Letters of one word, `colour` a class of the palette, and the size of its score."""

    score: float = 0.0
    bold: bool = False


@dataclass(frozen=True)
class Placed:
    """Letters at their place in a line."""

    word: Word
    text: str
    x: float
    width: float
    size: float


@dataclass
class Line:
    """One line; a heading says what the lines below it are. `score` is the sum of the sizes of its words' scores."""

    placed: list[Placed] = field(default_factory=list)
    heading: str = ""
    score: float = 0.0


def lines(words: Iterable[Word], room: float, size: float) -> Iterator[Line]:
    """The lines of a text, from the left, or from the right where it begins with such letters."""
    fitting = [piece for word in words for piece in _fitting(word, room, size)]
    base = direction("".join(word.text for word in fitting)) or "ltr"
    line: list[Unit] = []
    used = 0.0
    for unit in units(fitting, base):
        if breaks := _BREAK.findall(unit.text):
            for _ in breaks[:2]:  # of more than one empty line one is enough
                yield _placed(line, base, room, size)
                line, used = [], 0.0
            continue
        taken = sum(_width(part, size) for part in unit.letters)
        if used + taken > room and line:
            if not unit.text.isspace():
                yield _placed(line, base, room, size)
                line, used = [unit], taken
            continue
        line.append(unit)
        used += taken
    if line:
        yield _placed(line, base, room, size)


def _fitting(word: Word, room: float, size: float) -> Iterator[Word]:
    """The word, in pieces where it is longer than a line."""
    word = replace(word, text=word.text.replace("\t", _TAB))
    if _width(word, size) <= room or any(map(str.isspace, word.text)):
        yield word
        return
    start = end = 0
    for place, char in enumerate(word.text):
        if place > start and width(char, size) > 0:  # a mark stays with its letter
            end = place
        if end > start and _width(replace(word, text=word.text[start : place + 1]), size) > room:
            yield replace(word, text=word.text[start:end], score=0.0)
            start = end
    yield replace(word, text=word.text[start:])


def _size(word: Letters, size: float) -> float:
    return size * (_SMALL if word.small or word.chip else 1)


def _width(word: Letters, size: float) -> float:
    bold = isinstance(word, Word) and word.bold
    return width(word.text, _size(word, size), bold)


def _placed(line: Sequence[Unit], base: str, room: float, size: float) -> Line:
    """The line with its words from left to right as they are read, blanks at its end left out."""
    kept = list(_parted(line, base)) if base == "rtl" else list(line)
    while kept and kept[-1].text.isspace() and not any(part.colour for part in kept[-1].letters):
        kept.pop()
    found = Line()
    ordered = [
        (part, unit.direction or base)
        for unit in _visual(kept, base)
        for part in (unit.letters[::-1] if unit.direction == "rtl" else unit.letters)
    ]
    x = room - sum(_width(part, size) for part, _ in ordered) if base == "rtl" else 0.0
    for part, way in ordered:
        assert isinstance(part, Word)
        taken = _width(part, size)
        # A bracket alone is turned round only between letters that are read from the right.
        turned = way == "rtl" and not direction(part.text) and not part.text.isspace()
        text = f"{_TO_THE_LEFT}{part.text}{_TO_THE_LEFT}" if turned else part.text
        found.placed.append(Placed(part, text, x, taken, _size(part, size)))
        found.score += part.score
        x += taken
    return found


def _parted(line: Sequence[Unit], base: str) -> Iterator[Unit]:
    """The comma after a word that is read the other way stands where the text goes on, if no such word follows."""
    for place, unit in enumerate(line):
        after = next((next.direction for next in line[place + 1 :] if not next.text.isspace()), base)
        letters = list(unit.letters)
        while unit.direction != base == after and len(letters) > 1 and not _is_read(letters[-1].text):
            letters.pop()
        yield replace(unit, letters=letters)
        if rest := unit.letters[len(letters) :]:
            yield Unit(rest, base)


def _is_read(text: str) -> bool:
    return direction(text) is not None or any(map(str.isdigit, text))


def _visual(line: list[Unit], base: str) -> list[Unit]:
    """From left to right: what is read from the right is turned round, then what is read from the left within that."""
    levels = [_LEVELS[base, unit.direction or base] for unit in line]
    for level in range(max(levels, default=0), 0, -1):
        start = 0
        while start < len(line):
            end = start
            while end < len(line) and levels[end] >= level:
                end += 1
            line[start:end], levels[start:end] = line[start:end][::-1], levels[start:end][::-1]
            start = end + 1
    return line
