"""The run at a glance: counts, confusion, strong words, spread of the evidence, and what went wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from saliency_report.page.overview import task_name
from saliency_report.page.run_confusion import Confusion
from saliency_report.page.run_links import filtered
from saliency_report.page.run_problems import Problems
from saliency_report.page.run_spread import Spread
from saliency_report.page.run_words import Class
from saliency_report.record import ExampleResult

SHORT = 20  # examples; with fewer, tables over the run say little, and stood 700 pixels before the first example


@dataclass(frozen=True)
class Card:
    """A count in large, what it counts, and a link to what a reader should look at."""

    count: str
    name: str
    note: str = ""
    href: str = ""
    css: str = ""


@dataclass(frozen=True)
class Overview:
    """Everything that the section shows; lists are cut, and what was left out is counted beside them."""

    cards: list[Card]
    confusions: list[Confusion]
    other_confusions: int
    classes: list[Class]
    other_classes: int
    spreads: list[Spread]
    problems: Problems
    is_short: bool

    @property
    def folded(self) -> str:
        """What a short run folds away, in words; nothing of a long one."""
        parts = {"labels": self.confusions, "strong words": self.classes, "spread of the numbers": self.spreads}
        return ", ".join(name for name, held in parts.items() if held) if self.is_short else ""


@dataclass
class Counts:
    """How many examples of each task, and how many answers were judged and right."""

    tasks: Counter[str] = field(default_factory=Counter)
    judged: int = 0
    right: int = 0

    def add(self, result: ExampleResult) -> None:
        """Count an example."""
        self.tasks[result.task] += 1
        if result.prediction and result.prediction.is_right is not None:
            self.judged += 1
            self.right += result.prediction.is_right

    def cards(self, wrong: Problems) -> list[Card]:
        """The counts in large."""
        total = self.tasks.total()
        parts = [f"{count:,} of {task_name(task)}" for task, count in self.tasks.items()]
        what = ", ".join(parts) if len(parts) > 1 else f"of {task_name(next(iter(self.tasks)))}"
        cards = [Card(f"{total:,}", "example" if total == 1 else "examples", what)]
        if self.judged:
            missed = self.judged - self.right
            note = f"{missed:,} wrong" if missed else "of those with an expected answer"
            href = filtered(show="wrong") if missed else ""
            cards.append(Card(f"{self.right:,} of {self.judged:,}", "right", note, href))
        if not wrong.failed and not wrong.warned:
            return [*cards, Card("0", "failed", "none with a warning")]
        return [*cards, _counted(wrong.failed, "failed", "bad"), _counted(wrong.warned, "with a warning", "warned")]


def _counted(count: int, name: str, css: str) -> Card:
    return Card(f"{count:,}", name, "which and why", "#run-problems", css) if count else Card("0", name)
