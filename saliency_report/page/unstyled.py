"""The page with what it looks like told by its elements alone: no script, no style, no class.

It is read as it is made, so whatever stands on the page stands here too, in the same words: what is only for scripts
goes, the texts and the scales become what needs no style sheet, and the rest stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser

from markupsafe import escape

from saliency_report.page import colour
from saliency_report.page.drawings import PALETTE, QUIET, scale
from saliency_report.page.heat import FONT, Letters, breakable, heat

# Links and quiet letters have a contrast of more than 7 on white and on the grounds of notes, as a test computes.
LINK, LINE = "#0b3f86", "#d5d6d9"
BAR = "#85888e"  # 3.5 : 1 on white
GROUNDS = {"danger": "#fde3df", "warning": "#fff1cc"}
WIDTH = 900  # of a line of text, at most

_VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}
_DROPPED = {"script", "style", "button", "input", "select", "fieldset", "label", "link", "img", "canvas"}
_DROPPED_CLASSES = {"js-only", "plot", "skip", "controls", "swatch"}
_DROPPED_CLASSES |= {"in-list"}  # the number of a row, which a list without style has anyway
_QUIET_CLASSES = {"kind", "hint", "segment-name", "reference", "small", "setup", "title", "about-what", "legend"}
_QUIET_CLASSES |= {"facts", "task", "preview", "share", "explanation"}
_KEPT = set("id href lang charset scope colspan rowspan title datetime min max value open content dir name".split())
_NAMELESS = {"div", "span", "p"}  # elements that have no name for a screen reader
# What the style sheet says of a histogram.
_DRAWN = {
    "svg": {"width": "480"},
    "rect": {"fill": BAR},
    "line": {"stroke": QUIET},
    "text": {"font-size": "11", "font-family": FONT, "text-anchor": "middle"},
}
_STYLING = {"style", "class", "href", "xlink:href"}  # of a drawing, which keeps its other attributes


@dataclass
class _Open:
    """An element that is open: what closes it, and the classes that its children may ask for."""

    tag: str
    classes: set[str]
    end: str = ""
    title: str = ""
    cells: int = 0


class Unstyled(HTMLParser):
    """Reads the page and writes the other one; `under` gives what stands under the text of a map: (example, map).

    That has the tables of scores too, so those of the page go.
    """

    def __init__(self, under: Callable[[int, int], str]) -> None:
        super().__init__()
        self.under = under
        self.written: list[str] = []
        self.open: list[_Open] = []
        self.dropped = 0
        self.text: list[Letters] | None = None  # that of a map, while it is read
        self.example = self.map = 0
        self.signed = False  # whether the scale of the legend has a sign

    def convert(self, page: str) -> str:
        """The other page."""
        self.feed(page)
        self.close()
        return "".join(self.written)

    def handle_decl(self, decl: str) -> None:
        """The document type stays."""
        self.written.append(f"<!{decl}>")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Drop it, or write what stands for it."""
        attributes = {name: value or "" for name, value in attrs}
        classes = set(attributes.get("class", "").split())
        if self.dropped or self._is_dropped(tag, classes, attributes):
            self.dropped += tag not in _VOID
            return
        if self.text is not None:
            self.open.append(
                _Open(tag, classes | {attributes.get("data-segment", "")}, "", attributes.get("title", ""))
            )
            return
        if tag == "article":
            self.example = int(attributes["id"].removeprefix("example-"))
        self.map = int(attributes.get("data-map", self.map))
        if tag == "p" and "text" in classes:
            self.text = []
            self.open.append(_Open(tag, classes))
            return
        opened = _Open(tag, classes)
        before, after, opened.end = self._around(tag, classes)
        if tag == "svg" or any(element.tag == "svg" for element in self.open):
            kept = {name: value for name, value in attributes.items() if name not in _STYLING and name[:2] != "on"}
        else:
            kept = {name: value for name, value in attributes.items() if name in _KEPT or name.startswith("aria-")}
            if tag in _NAMELESS:
                kept.pop("aria-label", None)
        if "view" in classes:
            kept.pop("href", None)  # a script would filter the examples
        kept |= self._looks(tag, classes)
        written = "".join(f' {name}="{escape(value)}"' if value else f" {name}" for name, value in kept.items())
        self.written.append(f"{before}<{tag}{written}>{after}")
        if tag not in _VOID:
            self.open.append(opened)

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened."""
        if self.dropped:
            self.dropped -= 1
            return
        # Templates of one's own may leave elements open that HTML closes by itself.
        if all(element.tag != tag for element in self.open):
            return
        while self.open[-1].tag != tag:
            self.written.append(self.open.pop().end)
        closed = self.open.pop()
        if self.text is not None:
            if closed.tag == "p":
                self.written.append(heat(self.text))
                self.text = None
            return
        if "flows" in closed.classes:
            self.written.append(self.under(self.example, self.map))
        if "legend" in closed.classes and self.signed:
            self.written.append(" Underlined is positive, italic negative.")
        self.written.append(closed.end)

    def handle_data(self, data: str) -> None:
        """Text stays as it is; in a drawing there is no place for a line to end."""
        if self.dropped:
            return
        if self.text is None:
            drawn = any(element.tag == "svg" for element in self.open)
            self.written.append(str(escape(data)) if drawn else breakable(data))
            return
        around = [element for element in self.open if element.tag == "span"]
        classes = {name for element in around for name in element.classes}
        shade = next((name for name in classes if name in PALETTE), "")
        # Blanks and line breaks keep their number in the tables: a ground under them would not show or break the line.
        painted = "chip" in classes or data.strip()
        self.text.append(
            Letters(
                f"[{data}] " if "window" in classes else data,
                PALETTE[shade] if shade and painted else "",
                {"p": "+", "n": "−"}.get(shade[:1], "") if painted else "",
                next((element.title for element in around if element.title), ""),
                explained="g" in classes or "answer" in classes,
                small="template" in classes,
                chip="chip" in classes,
                unread=any(element.tag == "s" for element in self.open),
                outside="outside" in classes and "g" not in classes,
            )
        )

    def _is_dropped(self, tag: str, classes: set[str], attributes: dict[str, str]) -> bool:
        hidden_chip = {"chip", "special"} <= classes and "g" not in classes
        is_policy = (tag == "meta" and "http-equiv" in attributes) or attributes.get("name") == "color-scheme"
        is_told_under = "numbers" in classes and "of-matrix" not in classes
        return (
            is_told_under
            or tag in _DROPPED
            or bool(classes & _DROPPED_CLASSES)
            or hidden_chip
            or is_policy
            or "hidden" in attributes
        )

    def _around(self, tag: str, classes: set[str]) -> tuple[str, str, str]:
        """What stands before the start tag, after it, and in the place of the end tag."""
        if "ramp" in classes:
            self.signed = "signed" in classes
            return f"&#160;{scale(self.signed)}&#160;", "", "</span>"
        before, after, end = "", "", f"</{tag}>"
        if classes & _QUIET_CLASSES:
            after, end = f'<font size="2" color="{QUIET}">', f"</font></{tag}>"
        if tag == "body":
            after, end = f'<font face="{FONT}">', "</font></body>"
        if tag == "footer":
            after, end = f'<font size="2" color="{QUIET}">', "</font></footer>"
        if "mark" in classes and tag == "span":
            before, after, end = "(", "", "</span>)"
        if tag in ("span", "a") and "cards" in {name for element in self.open[-2:] for name in element.classes}:
            before, end = "(", f"{end})"  # a line of its own below the count, where there is style
        if "answer" in classes:
            after, end = '<font size="4">', f"</font></{tag}>"
        ground = next((GROUNDS[name] for name in classes if name in GROUNDS), "") if "note" in classes else ""
        if ground:
            before, end = f'<table bgcolor="{ground}" cellpadding="8" role="none"><tr><td>', f"{end}</td></tr></table>"
        # The only way to keep lines from growing as wide as the window.
        if self.open and self.open[-1].tag in ("body", "main") and tag in ("header", "nav", "article", "section"):
            before = f'<table width="100%" cellspacing="0" role="none"><tr><td width="{WIDTH}">{before}'
            end += "</td><td></td></tr></table>"
        if tag == "article":
            before = f'<hr size="1" color="{LINE}">{before}'
        if classes & {"preview", "outcome"}:
            before = "<br>" + before
        return before, after, end

    def _looks(self, tag: str, classes: set[str]) -> dict[str, str]:
        """Attributes that say what a style sheet would."""
        if tag == "body":
            return {"bgcolor": colour.LIGHT.paper, "text": colour.LIGHT.ink, "link": LINK, "vlink": LINK}
        if tag == "table":
            return {"rules": "rows", "cellpadding": "4"}
        if tag == "tr":
            return {"align": "left" if "models" in self._nearest("table").classes else "right"}
        if tag in _DRAWN and any("histogram" in held for held in (classes, *(of.classes for of in self.open))):
            return _DRAWN[tag] | ({"stroke-dasharray": "4 3"} if "limit" in classes else {})
        if tag in ("td", "th"):
            row = self._nearest("tr")
            row.cells += 1
            shade = next((PALETTE[name] for name in classes if name in PALETTE), "")
            return ({"align": "left"} if row.cells == 1 else {}) | ({"bgcolor": shade} if shade else {})
        return {}

    def _nearest(self, tag: str) -> _Open:
        return next(element for element in reversed(self.open) if element.tag == tag)
