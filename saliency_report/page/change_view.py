"""What a comparison shows of one example: both answers in words, three rows over its text, and the table of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from saliency_report.compare import Answer, Comparison, ExampleChange, MapChange
from saliency_report.page import text
from saliency_report.page.change_rows import Passage, end, passages
from saliency_report.page.change_table import Line, columns, lines, named, percent, points
from saliency_report.page.figures import LONG_TEXT
from saliency_report.record import Aggregation, Method

MOST_MAPS = 40  # other maps of an example that are named; the record has all of them


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
            several = sum(not block.special and bool(block.text.strip()) for block in self.map.blocks) > self.map.top
            return f"The {self.map.top} strongest words are the same." if several else ""
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

    @property
    def is_long(self) -> bool:
        """Whether the text is set smaller."""
        return self.map is not None and sum(len(part.text) for part in self.map.texts) > LONG_TEXT

    @property
    def passages(self) -> list[Passage]:
        """The texts with their rows."""
        return passages(self.map) if self.map else []

    @property
    def ends(self) -> tuple[str, str]:
        """The ends of the two scales, as they are written."""
        largest = end(self.map) if self.map else 0.0
        return percent(largest), points(largest)

    @property
    def columns(self) -> list[str]:
        """The head of the table of numbers, after the words."""
        return columns(self.map) if self.map else []

    @property
    def lines(self) -> list[Line]:
        """The table of numbers."""
        return lines(self.map) if self.map else []

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
    ends = (("before", old[len(shared) :]), ("now", new[len(shared) :]))
    rest = [f"{when}: {', '.join(parts)}" for when, parts in ends if parts]
    return ", ".join(shared) if old == new else "; ".join([", ".join(shared), *rest] if shared else rest)


def _method(methods: Sequence[Method], name: str) -> str:
    return next((method.title for method in methods if method.name == name), name)


def _title(aggregations: Sequence[Aggregation], name: str) -> str:
    return next((aggregation.title for aggregation in aggregations if aggregation.name == name), name)
