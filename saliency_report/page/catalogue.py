"""What the list of examples is searched, filtered and sorted by: a column for each, a place in it for each example."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from saliency_report.page.evidence import verdict
from saliency_report.page.overview import task_name
from saliency_report.page.text import visible
from saliency_report.page.view import ExampleView

# Kinds of examples that a reader looks for, each with its bit in the column `marks`.
SHOW = {
    "wrong": "wrong predictions",
    "failed": "failed",
    "warned": "with warnings",
    "unfaithful": "not more faithful than random",
    "incomplete": "does not add up",
    "failing": "failed assertions",
    "cautioned": "warned assertions",
}
BITS = {name: 1 << number for number, name in enumerate(SHOW)}
SORT = {
    "unsure": "least confident first",
    "sure": "most confident first",
    "gap": "adds up worst first",
    "faithful": "least faithful first",
}
MOST_LABELS = 50
NO_SHARE = 1e99


@dataclass
class Catalogue:
    """Columns over all examples, filled one example at a time."""

    ids: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    probabilities: list[float | None] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    gaps: list[float | None] = field(default_factory=list)
    normalised: list[float | None] = field(default_factory=list)
    beaten: list[float | None] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)

    def add(self, example: ExampleView) -> None:
        """Append an example to every column."""
        result, prediction = example.result, example.result.prediction
        found = marks(example)
        self.ids.append(visible(result.id))
        self.texts.append(visible(example.text))
        self.tasks.append(result.task)
        self.models.append(visible(example.model_name))
        self.answers.append(visible(example.answer))
        chosen = prediction.outcomes[prediction.predicted] if prediction and prediction.predicted is not None else None
        self.probabilities.append(
            None if chosen is None or chosen.probability is None else float(f"{chosen.probability:.5g}")
        )
        self.expected.append(visible(example.expected))
        self.marks.append(sum(BITS[name] for name in found))
        self.gaps.append(_gap(example))
        normalised, beaten = _faithfulness(example)
        self.normalised.append(normalised)
        self.beaten.append(beaten)
        if result.task == "text-classification" and example.answer and prediction and prediction.link != "none":
            self.labels[visible(example.answer)] += 1

    @property
    def _models(self) -> Counter[str]:
        """What failed before its model was there has none."""
        return Counter(model for model in self.models if model)

    @property
    def faithfulness(self) -> list[float | None]:
        """Normalised AOPC where every test has it, else the share of random orders beaten: the two do not compare."""
        comparable = all(
            (one is None) == (other is None) for one, other in zip(self.normalised, self.beaten, strict=True)
        )
        return self.normalised if comparable else self.beaten

    def data(self) -> dict[str, Any]:
        """The columns for the script; texts that repeat stand once, columns that are empty not at all."""
        columns: dict[str, list[Any]] = {
            "probabilities": self.probabilities,
            "gaps": self.gaps,
            "faithfulness": self.faithfulness,
        }
        return {
            "ids": self.ids,
            "texts": self.texts,
            "bits": BITS,
            **{name: indexed(getattr(self, name)) for name in ("tasks", "answers", "expected")},
            **({"models": indexed(self.models)} if len(self._models) > 1 else {}),
            **({"marks": self.marks} if any(self.marks) else {}),
            **{name: values for name, values in columns.items() if any(value is not None for value in values)},
        }

    def choices(self) -> dict[str, list[tuple[str, str]]]:
        """What the page offers to choose from, value and name; nothing where there is nothing to tell apart."""
        tasks = Counter(self.tasks)
        shows = {name: sum(bool(marks & BITS[name]) for marks in self.marks) for name in SHOW}
        measured = {
            "unsure": self.probabilities,
            "sure": self.probabilities,
            "gap": self.gaps,
            "faithful": self.faithfulness,
        }
        labels = sorted(self.labels.items(), key=lambda item: (-item[1], item[0]))
        return {
            "task": [(task, f"{task_name(task)} ({count:,})") for task, count in tasks.items()]
            if len(tasks) > 1
            else [],
            "model": [(model, f"{model} ({count:,})") for model, count in self._models.items()]
            if len(self._models) > 1
            else [],
            "label": [(label, f"{label} ({count:,})") for label, count in labels]
            if 1 < len(labels) <= MOST_LABELS
            else [],
            "show": [(name, f"{SHOW[name]} ({count:,})") for name, count in shows.items() if count],
            "sort": [(name, title) for name, title in SORT.items() if any(v is not None for v in measured[name])],
        }


def marks(example: ExampleView) -> list[str]:
    """What of `SHOW` is true of an example."""
    result = example.result
    judged = verdict(result)
    found = {
        "wrong": example.verdict == "wrong",
        "failed": result.failure is not None,
        "warned": example.is_warned,
        "unfaithful": judged is not None and judged.kind == "bad",
        "incomplete": example.is_incomplete,
        "failing": example.outcomes_asserted.fails > 0,
        "cautioned": example.outcomes_asserted.warned > 0,
    }
    return [name for name, holds in found.items() if holds]


def _gap(example: ExampleView) -> float | None:
    """The largest share by which a map of the example misses what it should add up to.

    Where that is nothing there is no share: a map that fails comes before all others, one that passes after them.
    """
    found = [m.completeness for m in example.result.maps if m.completeness]
    gaps = [(NO_SHARE if of.verdict == "fail" else 0.0) if of.relative is None else of.relative for of in found]
    return max((float(f"{gap:.3g}") for gap in gaps), default=None)


def _faithfulness(example: ExampleView) -> tuple[float | None, float | None]:
    """Normalised AOPC of the headline map, and the share of random orders that it beats."""
    test = example.result.evidence.faithfulness if example.result.evidence else None
    if test is None or not test.rankings:
        return None, None
    first = test.rankings[0]
    normalised = None if first.normalised_aopc is None else float(f"{first.normalised_aopc:.3g}")
    return normalised, float(f"{first.beaten / test.random.orders:.3g}")


def indexed(values: list[str]) -> list[Any]:
    """[distinct values, the index of each]."""
    distinct = {value: index for index, value in enumerate(dict.fromkeys(values))}
    return [list(distinct), [distinct[value] for value in values]]
