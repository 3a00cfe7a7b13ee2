"""The run at a glance: counts, confusion, strong words, spread of the evidence, and what went wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from saliency_report.page.overview import task_name
from saliency_report.page.run_confusion import Confusion, confusions
from saliency_report.page.run_links import filtered
from saliency_report.page.run_problems import Problems, problems
from saliency_report.page.run_spread import Spread, spreads
from saliency_report.page.run_words import Class, classes
from saliency_report.page.scores import Scores
from saliency_report.record import Report

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


def overview(report: Report, scores: Scores) -> Overview | None:
    """The overview of a run; None of an empty one."""
    if not report.examples:
        return None
    wrong = problems(report, scores)
    return Overview(
        _cards(report, wrong),
        *confusions(report),
        *classes(report, scores),
        spreads(report),
        wrong,
        len(report.examples) < SHORT,
    )


def _cards(report: Report, wrong: Problems) -> list[Card]:
    tasks = Counter(example.task for example in report.examples)
    total = sum(tasks.values())
    parts = [f"{count:,} of {task_name(task)}" for task, count in tasks.items()]
    what = ", ".join(parts) if len(tasks) > 1 else f"of {task_name(next(iter(tasks)))}"
    cards = [Card(f"{total:,}", "example" if total == 1 else "examples", what)]
    answers = [example.prediction for example in report.examples if example.prediction]
    judged = [answer for answer in answers if answer.expected is not None]
    if judged:
        right = sum(answer.expected == answer.predicted for answer in judged)
        missed = len(judged) - right
        note = f"{missed:,} wrong" if missed else "of those with an expected answer"
        cards.append(Card(f"{right:,} of {len(judged):,}", "right", note, filtered(show="wrong") if missed else ""))
    if not wrong.failed and not wrong.warned:
        return [*cards, Card("0", "failed", "none with a warning")]
    cards.append(_counted(wrong.failed, "failed", "bad"))
    cards.append(_counted(wrong.warned, "with a warning", "warned"))
    return cards


def _counted(count: int, name: str, css: str) -> Card:
    return Card(f"{count:,}", name, "which and why", "#run-problems", css) if count else Card("0", name)
