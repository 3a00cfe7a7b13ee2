"""Predicted labels against expected ones, one table a model, each cell with a link to its examples."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from saliency_report.page import colour
from saliency_report.page.overview import model_name
from saliency_report.page.run_links import filtered, of_model
from saliency_report.page.text import label, percent, plural
from saliency_report.record import ExampleResult, Report

LABELS = 12  # rows and columns of a table
TABLES = 2
FEWEST = 3  # expected labels of a model; fewer are read sooner one by one


@dataclass(frozen=True)
class Cell:
    """How many examples, which share of their row, whether they are right, and where they are."""

    count: int
    share: str
    css: str
    right: bool
    href: str


@dataclass(frozen=True)
class Row:
    """The examples that expect one label."""

    label: str
    cells: list[Cell]
    total: int
    href: str


@dataclass(frozen=True)
class Confusion:
    """The table of one model, in words first."""

    model: str
    sentence: str
    columns: list[str]
    rows: list[Row]
    totals: list[int]
    total: int
    left_out: str


@dataclass
class Confusions:
    """Predicted and expected labels of each model, counted one example at a time."""

    counts: dict[int, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    orders: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, result: ExampleResult) -> None:
        """Count an example, where it is a text with an expected label."""
        answer = result.prediction
        if result.task != "text-classification" or result.model is None or answer is None:
            return
        if answer.expected is None or answer.predicted is None:
            return
        expected, predicted = answer.outcomes[answer.expected], answer.outcomes[answer.predicted]
        self.counts[result.model][expected.label, predicted.label] += 1
        self.orders[result.model] |= {expected.label: answer.expected, predicted.label: answer.predicted}

    def tables(self, report: Report, several: bool) -> tuple[list[Confusion], int]:
        """The tables of the models with most expected labels, and how many other models have some."""
        enough = [model for model in self.counts if self.counts[model].total() >= FEWEST]
        most = sorted(enough, key=lambda model: -self.counts[model].total())
        tables = [
            confusion(
                model_name(report, model), self.counts[model], self.orders[model], of_model(report, model, several)
            )
            for model in sorted(most[:TABLES])
        ]
        return tables, len(most) - len(tables)


def confusion(model: str, counts: Counter[tuple[str, str]], order: dict[str, int], among: dict[str, str]) -> Confusion:
    """The table of one model from its counts of (expected, predicted); labels in its order, links with `among`."""
    expected, predicted = Counter[str](), Counter[str]()
    for (of, as_), count in counts.items():
        expected[of] += count
        predicted[as_] += count
    rows, columns = _most(expected, order), _most(predicted, order)
    right, total = sum(count for (of, as_), count in counts.items() if of == as_), counts.total()
    common, often = expected.most_common(1)[0]
    missing = total - sum(counts[of, as_] for of in rows for as_ in columns)
    return Confusion(
        model,
        f"{right:,} of {total:,} labelled texts right ({percent(right / total)}). Always answering {label(common)}, "
        f"which is expected most often, would be right in {often:,}.",
        [label(as_) for as_ in columns],
        [
            Row(
                label(of),
                [_cell(of, as_, counts[of, as_], expected[of], among) for as_ in columns],
                expected[of],
                filtered(expected=of, **among),
            )
            for of in rows
        ],
        [predicted[as_] for as_ in columns],
        total,
        f"Left out: {plural(len(expected) - len(rows), 'row')} and {plural(len(predicted) - len(columns), 'column')} "
        f"with as many or fewer examples, {missing:,} of {total:,} in all. Sums and shares are of all."
        if missing
        else "",
    )


def _most(counts: Counter[str], order: dict[str, int]) -> list[str]:
    """The labels with most examples, in the model's order."""
    return sorted((name for name, _ in counts.most_common(LABELS)), key=lambda name: order[name])


def _cell(expected: str, predicted: str, count: int, total: int, among: dict[str, str]) -> Cell:
    return Cell(
        count,
        percent(count / total),
        f"s{colour.step(count / total, 1.0)}" + (" agree" if expected == predicted else ""),
        expected == predicted,
        filtered(label=predicted, expected=expected, **among),
    )
