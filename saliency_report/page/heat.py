"""Coloured text where style is forbidden: a word is a piece of MathML, the one inline thing with a colour attribute.

`mathbackground` is honoured where a policy forbids every style, and lies under the word itself, however wide the
reader's letters are; a mail program that knows no MathML leaves the plain text. To the layout such a piece is a
picture without a direction, so the order of right-to-left and left-to-right parts is settled here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise

from markupsafe import escape

FONT = "sans-serif"
GREY = "#6f7278"  # --outside of report.css
LONGEST = 24  # characters that stay on one line
_DIRECTIONS = {"L": "ltr", "R": "rtl", "AL": "rtl"}


@dataclass(frozen=True)
class Letters:
    """A stretch of text, its colour, and how it is marked besides.

    By + or −, as explained, small, a chip, not read, or read in another window than what is explained.
    """

    text: str
    colour: str = ""
    sign: str = ""
    title: str = ""
    explained: bool = False
    small: bool = False
    chip: bool = False
    unread: bool = False
    outside: bool = False


@dataclass
class Unit:
    """Letters without a break between them, and the direction in which they are read; None where it does not matter."""

    letters: list[Letters] = field(default_factory=list)
    direction: str | None = None

    @property
    def text(self) -> str:
        """All its letters."""
        return "".join(part.text for part in self.letters)


def breakable(text: str) -> str:
    """HTML of a text in which a line may end within what is longer than a line of a phone: a digest, a link."""
    pieces = re.findall(rf"\S{{1,{LONGEST}}}|\s+", text)
    ends = [
        "<wbr>" if after and not (piece[-1].isspace() or after[0].isspace()) else ""
        for piece, after in pairwise([*pieces, ""])
    ]
    return "".join(f"{escape(piece)}{end}" for piece, end in zip(pieces, ends, strict=True))


def direction(text: str) -> str | None:
    """The direction of the first letter that has one."""
    return next((_DIRECTIONS[kind] for c in text if (kind := unicodedata.bidirectional(c)) in _DIRECTIONS), None)


def heat(letters: Iterable[Letters]) -> str:
    """A block of HTML with the text as it is, blanks and line breaks too, and its colours."""
    parts = list(letters)
    base = direction("".join(part.text for part in parts)) or "ltr"
    body = []
    for of_group, group in groupby(units(parts, base), key=lambda unit: unit.direction):
        shown = "".join(_written(unit, of_group or base) for unit in group)
        body.append(f'<span dir="{of_group}">{shown}</span>' if of_group != base else shown)
    # A line break directly after <pre> would be lost; `wrap` lets lines be as long as the window.
    return f'<pre wrap dir="{base}"><font face="{FONT}" size="4">{"".join(body)}</font></pre>'


def units(letters: Iterable[Letters], base: str) -> list[Unit]:
    """What no line may be broken in, each with its direction, in a text whose own direction is `base`."""
    found: list[Unit] = []
    for part in letters:
        pieces = [part.text] if part.colour or part.chip else re.split(r"(\s+)", part.text)
        for piece in filter(None, pieces):
            if not (found and _joins(found[-1], piece) and not part.chip):
                found.append(Unit())
            found[-1].letters.append(replace(part, text=piece))
    for unit in found:
        unit.direction = direction(unit.text)
    return _directed(found, base)


def _joins(unit: Unit, text: str) -> bool:
    """Whether no line may end between a unit and what follows: both are letters of an alphabet, and not too many."""
    last = unit.letters[-1]
    wide = {unicodedata.east_asian_width(last.text[-1]), unicodedata.east_asian_width(text[0])} & {"W", "F"}
    blank = last.text[-1].isspace() or text[0].isspace()
    return not (last.chip or wide or blank) and len(unit.text) + len(text) <= LONGEST


def _directed(found: list[Unit], base: str) -> list[Unit]:
    """What has no direction takes that of its neighbours where they agree, else that of the whole text."""
    before = base
    for unit in found:
        # A number is read with left-to-right letters before it.
        if before == "ltr" and not unit.direction and any(unicodedata.bidirectional(c) == "EN" for c in unit.text):
            unit.direction = before
        before = unit.direction or before
    places = [index for index, unit in enumerate(found) if unit.direction]
    for place, index in enumerate(places):
        after = found[places[place + 1]].direction if place + 1 < len(places) else base
        before = found[index].direction or base
        for unit in found[index + 1 : places[place + 1] if place + 1 < len(places) else len(found)]:
            unit.direction = before if before == after else base
    for unit in found[: places[0] if places else len(found)]:
        unit.direction = base
    return found


def _written(unit: Unit, of_group: str) -> str:
    if not any(part.colour for part in unit.letters):
        return "".join(_marked(part) for part in unit.letters)
    own = direction(unit.text) or ("ltr" if any(c.isdigit() for c in unit.text) else of_group)
    ways = f' dir="{own}"' if own != "ltr" else ""  # MathML is left-to-right unless told otherwise
    return f'<math role="none"{ways}>{"".join(_coloured(unit.letters))}</math>'


def _coloured(letters: Iterable[Letters]) -> Iterator[str]:
    for part in letters:
        colour = f' mathbackground="{part.colour}"' if part.colour else ""
        # MathML shows no title of its own.
        hover = f' title="{escape(part.title)}"' if part.title else ""
        yield f'<mtext role="none"{colour}><font face="{FONT}"{hover}>{_marked(part)}</font></mtext>'


def _marked(part: Letters) -> str:
    shown = breakable(part.text)
    for tag, wanted in (
        ("u", part.sign == "+"),
        ("i", part.sign == "−"),
        ("b", part.explained),
        ("small", part.small),
        ("code", part.chip),
        ("s", part.unread),
    ):
        shown = f"<{tag}>{shown}</{tag}>" if wanted else shown
    return f'<font color="{GREY}">{shown}</font>' if part.outside else shown
