"""The heatmap of a map's text as an SVG that looks alike wherever it is drawn: no script, no font, no line to break.

Its colours for light stand in attributes, those for dark in a style, which a viewer that knows none passes over. It has
a ground of its own, so it can be read on any page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from saliency_report.card.layout import Line, Placed, Word, lines
from saliency_report.card.plain import printable, xml
from saliency_report.card.sections import Section
from saliency_report.card.widths import FONT, font, width
from saliency_report.card.window import Window, window
from saliency_report.page import colour
from saliency_report.page.heat import GREY
from saliency_report.page.overview import identity
from saliency_report.page.text import label

WIDTH = 720
_EDGE, _SIZE, _STEP = 28, 18, 32
_SMALL, _SMALL_STEP = 13, 20
ROOM = WIDTH - 2 * _EDGE
_ABOVE, _BELOW = 0.95, 0.36  # of a letter's size: from its baseline to the edges of its ground
_PADDING = 1.5
_CELL, _HIGH, _GAP = 13, 12, 10  # of the scale
_CAPTION_LINES = 3
_DARK = {name.removeprefix("--"): value for name, value in colour.palette(colour.DARK).items()}
PALETTE = {
    "muted": ("#55585e", "#abaeb4"),
    "outside": (GREY, "#858992"),
    "line": ("#d9dbdf", "#373b42"),
    **{
        name.removeprefix("--"): (value, _DARK[name.removeprefix("--")])
        for name, value in colour.palette(colour.LIGHT).items()
    },
}


@dataclass
class _Drawing:
    """Elements from the top down, and the classes that they name."""

    y: float = _EDGE
    elements: list[str] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)

    def paint(self, name: str, stroke: bool = False) -> str:
        """Attributes of a colour: the class is for the dark."""
        what = "stroke" if stroke else "fill"
        self.used.add((name, what))
        return f'class="{what[0]}-{name}" {what}="{PALETTE[name][0]}"'

    def rect(self, x: float, y: float, width: float, height: float, rest: str) -> None:
        """A rectangle."""
        self.elements.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {rest}/>')

    def small(self, text: str, loud: bool = False) -> None:
        """Small lines of running text, not too many."""
        found = list(lines([Word(" ".join(printable(text).split()), bold=loud)], ROOM, _SMALL))
        for number, line in enumerate(found[:_CAPTION_LINES], 1):
            self.y += _SMALL_STEP
            self.line(line, "" if loud else self.paint("muted"), more=number == _CAPTION_LINES < len(found))

    def line(self, line: Line, ink: str = "", more: bool = False) -> None:
        """A line at the baseline that is reached."""
        around = [None, *line.placed, None]
        for before, item, after in zip(around, line.placed, around[2:], strict=False):
            self._ground(item, *(_PADDING * (next is None or next.text.isspace()) for next in (before, after)))
            if not item.text.isspace():
                self.text(item, self.paint("outside") if item.word.outside else ink)
        if more:
            end = line.placed[-1]
            self.text(Placed(Word("…"), "…", end.x + end.width, width("…", end.size), end.size), ink)

    def text(self, item: Placed, ink: str = "") -> None:
        """The letters, told how wide they are."""
        word, fonts = item.word, font(item.text)
        more = [
            f'font-size="{item.size:g}"' if item.size != _SIZE else "",
            f'font-family="{fonts}"' if fonts else "",
            'font-weight="bold"' if word.bold else "",
            'text-decoration="line-through"' if word.unread else "",
            ink,
        ]
        place = f'x="{item.x + _EDGE:.1f}" y="{self.y:.1f}" textLength="{item.width:.1f}"'
        told = " ".join(part for part in (place, 'lengthAdjust="spacingAndGlyphs"', *more) if part)
        self.elements.append(f"<text {told}>{xml(item.text)}</text>")

    def _ground(self, item: Placed, left: float, right: float) -> None:
        word = item.word
        x, y = item.x + _EDGE - left, self.y - _ABOVE * _SIZE
        size = item.width + left + right, (_ABOVE + _BELOW) * _SIZE
        if word.colour:
            self.rect(x, y, *size, f'rx="2" {self.paint(word.colour)}')
        if word.sign:
            dots = ' stroke-dasharray="0 4" stroke-linecap="round"' if word.sign != "+" else ""
            line, base = self.paint("ink", stroke=True), self.y + 0.26 * _SIZE
            self.elements.append(
                f'<path d="M{item.x + _EDGE:.1f} {base:.1f}h{item.width:.1f}" stroke-width="2"{dots} {line}/>'
            )
        if word.explained:
            self.rect(x, y, *size, f'rx="2" fill="none" stroke-width="1.2" {self.paint("ink", stroke=True)}')


def picture(section: Section) -> tuple[str, Window]:
    """The SVG, and which part of the text it shows."""
    shown, drawing = window(section, ROOM, _SIZE), _Drawing(_EDGE - 8)
    example, figure = section.example, section.figure
    drawing.small(f"Explained: {figure.map.target.sentence}. {example.outlined}")
    drawing.y += 4
    for line in shown.lines:
        if line.heading:
            drawing.y += 12
            drawing.small(line.heading)
            drawing.y -= 4
        else:
            drawing.y += _STEP
            drawing.line(line)
    if shown.said:
        drawing.y += 8
        drawing.small(shown.said)
    _legend(drawing, section)
    if alarms := section.alarms:
        drawing.small(f"{'. '.join(alarms)}.", loud=True)
    model = f"{example.model_name}, {identity(example.model)}" if example.model else "a model that is not recorded"
    drawing.small(f"{figure.method.title}, {model}. Not proof that a word caused the answer.")
    return "".join(_document(drawing, section)), shown


def _legend(drawing: _Drawing, section: Section) -> None:
    """The score, and the numbers at the ends of its colours."""
    figure, signed = section.figure, section.figure.aggregation.signed
    drawing.y += _STEP
    x = 0.0
    for text in (label(figure.aggregation.title), f"−{figure.largest}" if signed and figure.end else "0"):
        drawing.text(Placed(Word(text), text, x, width(text, _SMALL), _SMALL))
        x += width(text, _SMALL) + _GAP
    names = [f"n{step}" for step in range(colour.STEPS, 0, -1)] if signed else []
    names += ["paper", *(f"{'p' if signed else 's'}{step}" for step in range(1, colour.STEPS + 1))]
    for place, name in enumerate(names):
        drawing.rect(x + _EDGE + place * _CELL, drawing.y - _HIGH + 1, _CELL, _HIGH, drawing.paint(name))
    frame = f'fill="none" {drawing.paint("line", stroke=True)}'
    drawing.rect(x + _EDGE, drawing.y - _HIGH + 1, len(names) * _CELL, _HIGH, frame)
    x += len(names) * _CELL + _GAP
    drawing.text(Placed(Word(figure.largest), figure.largest, x, width(figure.largest, _SMALL), _SMALL))
    drawing.y += 4
    if signed:
        drawing.small("A solid underline is positive, a dotted one negative.")


def _document(drawing: _Drawing, section: Section) -> Iterator[str]:
    height = round(drawing.y) + _EDGE - 8
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
    yield f'role="img"><title>{xml(section.alternative)}</title>\n'
    ground, line, ink = drawing.paint("paper"), drawing.paint("line", stroke=True), drawing.paint("ink")
    dark = "".join(f".{what[0]}-{name}{{{what}:{PALETTE[name][1]}}}" for name, what in sorted(drawing.used))
    yield f"<style>@media (prefers-color-scheme:dark){{{dark}}}</style>\n"
    yield f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" {ground}/>\n'
    yield f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="none" {line}/>\n'
    yield f'<g font-family="{FONT}" font-size="{_SIZE}" {ink}>\n'
    yield "\n".join(drawing.elements)
    yield "\n</g></svg>\n"
