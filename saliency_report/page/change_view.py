"""What a comparison shows of one example: both answers in words, three rows over its text, and the table of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from saliency_report.compare import Answer, Block, Comparison, ExampleChange, MapChange, Side
from saliency_report.page import colour, text
from saliency_report.page.figures import LONG_TEXT
from saliency_report.page.shares import segment_name
from saliency_report.record import Aggregation, Method, Segment
from saliency_report.words import is_visible

MOST_MAPS = 40  # other maps of an example that are named; the record has all of them


@dataclass(frozen=True)
class Piece:
    """A stretch of text in a row, its classes, and whether that model does not read it."""

    text: str
    css: str = ""
    unread: bool = False


@dataclass(frozen=True)
class Row:
    """The text once: with the shares before, with those now, or with their change."""

    name: str
    pieces: list[Piece]


@dataclass(frozen=True)
class Passage:
    """A text of the example, its name where there are several, and its rows; one alone where one model has the text."""

    name: str
    rows: list[Row]


@dataclass(frozen=True)
class Line:
    """A line of the table of numbers."""

    text: str
    note: str
    special: bool
    cells: list[str]


@dataclass(frozen=True)
class OtherMap:
    """A pair of maps that is not shown large."""

    title: str
    tau: str
    went: str
    came: str


@dataclass(frozen=True)
class ChangeView:
    """One example, ready to be shown."""

    number: int
    change: ExampleChange
    comparison: Comparison

    @property
    def result(self) -> ExampleChange:
        """By the name that the list of examples has for it."""
        return self.change

    @property
    def preview(self) -> str:
        """The beginning of the text, in one line."""
        return text.preview(self.change.text)

    @property
    def models(self) -> str:
        """The name of the model, or of both."""
        runs = (self.comparison.old, self.comparison.new)
        names = [run.models[i] for run, i in zip(runs, self.change.models, strict=True) if i is not None]
        return " → ".join(dict.fromkeys(names))

    @property
    def answers(self) -> str:
        """Both answers in a line, for the list."""
        old, new = self.change.old, self.change.new
        if self.change.status == "failed":
            return "fails now" if self.change.failures[0] is None else "failed before"
        if old is None or new is None or old.text == new.text:
            return text.preview((new or old or _NONE).text, 60)
        return f"{text.preview(old.text, 30)} → {text.preview(new.text, 30)}"

    @property
    def tau(self) -> str:
        """τ of the map that is shown, as it is written; empty where there is none."""
        return "" if self.change.tau is None else text.correlation(self.change.tau)

    @property
    def is_written(self) -> bool:
        """Whether the answers are texts of some length, which stand below one another."""
        return any(held and len(held.text) > 60 for held in (self.change.old, self.change.new)) or (
            self.change.task in ("text-generation", "text2text-generation")
        )

    @property
    def moved(self) -> str:
        """What became of the earlier answer's probability."""
        old, moved = self.change.old, self.change.p_change
        if old is None or old.probability is None or self.change.p_now is None or moved is None:
            return ""
        before, now = text.probability(old.probability), text.probability(self.change.p_now)
        if before == now:
            return f"The probability of {old.text} stayed at {now}."
        went = "rose" if moved > 0 else "fell"
        return f"The probability of {old.text} {went} by {text.significant(abs(moved), 2)}: {before} before, {now} now."

    @cached_property
    def map(self) -> MapChange | None:
        """The pair of maps that is shown."""
        return self.change.maps[0] if self.change.maps else None

    @property
    def is_other(self) -> bool:
        """Whether the first note must not be missed: another text, or another explained number."""
        return self.change.status == "text changed" or (self.map is not None and not self.map.same_target)

    @property
    def sentence(self) -> str:
        """What is explained; where that differs, before and now."""
        if self.map is None:
            return ""
        return _both(self.map.old.sentence.split(", "), self.map.new.sentence.split(", "))

    @property
    def words(self) -> str:
        """Which words came to the strongest, and which went."""
        if self.map is None:
            return ""
        if not self.map.went and not self.map.came:
            return f"The {self.map.top} strongest words are the same."
        came, went = (named(self.map, indices) for indices in (self.map.came, self.map.went))
        said = [f"came: {came}"] * bool(came) + [f"went: {went}"] * bool(went)
        return f"Among the {self.map.top} strongest words {'; '.join(said)}."

    @property
    def method(self) -> str:
        """Method and score, of both runs where they differ."""
        if self.map is None:
            return ""
        old, new = (
            f"{_method(run.methods, seen.method)}, {_title(run.aggregations, seen.score)}"
            for run, seen in ((self.comparison.old, self.map.old), (self.comparison.new, self.map.new))
        )
        return new if old == new else f"{old} before; {new} now"

    @cached_property
    def end(self) -> float:
        """What has the strongest colour in all three rows: the largest share, or change of one."""
        blocks = self.map.blocks if self.map else []
        return max((abs(n) for b in blocks for n in (b.old.share, b.new.share, b.change) if n is not None), default=0.0)

    @property
    def is_long(self) -> bool:
        """Whether the text is set smaller."""
        return self.map is not None and sum(len(part.text) for part in self.map.texts) > LONG_TEXT

    @property
    def passages(self) -> list[Passage]:
        """The texts with their rows."""
        if self.map is None:
            return []
        shown = [(number, part) for number, part in enumerate(self.map.texts) if part.text]
        found = []
        for number, part in shown:
            blocks = [block for block in self.map.blocks if block.within == number and _has_place(block)]
            name = segment_name(Segment(name=part.name, text="", generated=part.generated))
            rows = [
                *([Row("Before", list(self._pieces(part.text, blocks, "old")))] if part.of != "new" else []),
                *([Row("Now", list(self._pieces(part.text, blocks, "new")))] if part.of != "old" else []),
                *([Row("Change", list(self._pieces(part.text, blocks, "change")))] if part.of == "both" else []),
            ]
            found.append(Passage(name if len(shown) > 1 or part.name != "text" else "", rows))
        return found

    def _pieces(self, whole: str, blocks: Sequence[Block], which: str) -> Iterator[Piece]:
        assert self.map is not None
        reached = 0
        for block in blocks:
            assert block.start is not None
            assert block.end is not None
            if block.start > reached:
                yield _between(whole[reached : block.start])
            yield self._piece(block, which)
            reached = block.end
        if reached < len(whole):
            yield _between(whole[reached:])

    def _piece(self, block: Block, which: str) -> Piece:
        assert self.map is not None
        sides = {"old": [block.old], "new": [block.new]}.get(which, [block.old, block.new])
        if not all(side.words for side in sides):
            return Piece(block.text, unread=is_visible(block.text))
        value = block.change if which == "change" else sides[0].share
        shape = "" if block.text.strip() else "newline" if "\n" in block.text else "blank"
        unknown = "unknown" if which != "change" and sides[0].unknown else ""
        css = colour.css_class(value, self.end, which == "change" or self.map.signed)
        return Piece(block.text, " ".join(name for name in ("w", shape, unknown, css) if name))

    @property
    def ends(self) -> tuple[str, str]:
        """The ends of the two scales, as they are written."""
        return percent(self.end), points(self.end)

    @property
    def columns(self) -> list[str]:
        """The head of the table, after the words."""
        raw = ["Raw change"] if self.map and self.map.raw else []
        return ["Before, raw", "Now, raw", *raw, "Before, share", "Now, share", "Change, points"]

    @property
    def lines(self) -> list[Line]:
        """The table: every block, special tokens last."""
        if self.map is None:
            return []
        blocks = sorted(self.map.blocks, key=lambda block: block.special)
        return [Line(text.label(b.text), _note(b), b.special, list(self._cells(b))) for b in blocks]

    def _cells(self, block: Block) -> Iterator[str]:
        assert self.map is not None
        old, new = block.old, block.new
        yield from ("" if side.score is None else text.significant(side.score) for side in (old, new))
        if self.map.raw:
            both = old.score is not None and new.score is not None
            yield _signed(text.significant((new.score or 0) - (old.score or 0))) if both else ""
        yield from ("" if side.share is None else percent(side.share) for side in (old, new))
        yield "" if block.change is None else points(block.change)

    @property
    def others(self) -> list[OtherMap]:
        """The other pairs of maps, named."""
        return [
            OtherMap(
                f"{text.label(pair.new.target)}, {_method(self.comparison.new.methods, pair.new.method)}",
                "" if pair.tau is None else text.correlation(pair.tau),
                named(pair, pair.went),
                named(pair, pair.came),
            )
            for pair in self.change.maps[1 : 1 + MOST_MAPS]
        ]


_NONE = Answer(text="", labels=None, probability=None)


def _both(old: list[str], new: list[str]) -> str:
    """What two sentences say: what they share once, the rest of each after it."""
    shared = [one for one, _ in takewhile(lambda parts: parts[0] == parts[1], zip(old, new, strict=False))]
    rest = [f"{when}: {', '.join(parts[len(shared) :])}" for when, parts in (("before", old), ("now", new))]
    return ", ".join(shared) if old == new else "; ".join([", ".join(shared), *rest] if shared else rest)


def named(pair: MapChange, indices: Sequence[int]) -> str:
    """Some blocks in quotation marks: a comma can be a word."""
    return ", ".join(f"“{text.label(pair.blocks[index].text, 30)}”" for index in indices)


def percent(share: float) -> str:
    """A share with one decimal: 12.3 %."""
    return f"{_decimal(share)}\N{NO-BREAK SPACE}%"


def points(change: float) -> str:
    """A change of a share in percentage points, with its sign: +4.1, −0.3."""
    return _signed(_decimal(change))


def _decimal(share: float) -> str:
    written = f"{abs(share) * 100:.1f}"
    return f"\N{MINUS SIGN}{written}" if share < 0 and float(written) else written


def _signed(written: str) -> str:
    is_zero = not written.strip("0.")
    return written if is_zero or written.startswith("\N{MINUS SIGN}") else f"+{written}"


def _has_place(block: Block) -> bool:
    return not block.special and block.start is not None and block.end is not None and block.start < block.end


def _between(stretch: str) -> Piece:
    """What no token of either side covers."""
    return Piece(stretch, unread=is_visible(stretch))


def _note(block: Block) -> str:
    if not block.old.words or not block.new.words:
        side = "before" if block.new.words else "now"
        return f"not there {side}" if block.special else f"not read {side}"
    unknown = [name for name, side in (("before", block.old), ("now", block.new)) if side.unknown]
    return f"unknown {' and '.join(unknown)}" if unknown else _split(block.old, block.new)


def _split(old: Side, new: Side) -> str:
    """Where the tokenizers cut otherwise, so that a line holds several words of one side."""
    counts = len(old.words), len(new.words)
    return "" if counts == (1, 1) else f"{text.plural(counts[0], 'word')} before, {counts[1]} now"


def _method(methods: Sequence[Method], name: str) -> str:
    return next((method.title for method in methods if method.name == name), name)


def _title(aggregations: Sequence[Aggregation], name: str) -> str:
    return next((aggregation.title for aggregation in aggregations if aggregation.name == name), name)
