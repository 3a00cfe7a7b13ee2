"""Everything that the page says of the whole run, gathered one example at a time.

So no more than one example has to be in memory, and a record of ten thousand is gone through once.
"""

from __future__ import annotations

from typing import Any

from saliency_report.page.evidence import kinds
from saliency_report.page.evidence_run import Verdicts, run_view
from saliency_report.page.made import Made
from saliency_report.page.run_asserted import Assertions
from saliency_report.page.run_confusion import Confusions
from saliency_report.page.run_overview import SHORT, Counts, Overview
from saliency_report.page.run_problems import Found
from saliency_report.page.run_spread import Spreads
from saliency_report.page.run_words import Classes
from saliency_report.page.scores import Scores
from saliency_report.record import ExampleResult, Link, Report


class Gathered:
    """What the examples of a report add up to."""

    def __init__(self, report: Report, scores: Scores) -> None:
        self._report, self._scores = report, scores
        self._counts, self._found, self._confusions = Counts(), Found(report, scores), Confusions()
        self._classes, self._spreads, self._verdicts, self._made = Classes(), Spreads(), Verdicts(), Made()
        self._assertions = Assertions()
        self._models: set[int] = set()
        self._kinds: set[str] = set()
        self._links: set[Link] = set()

    def add(self, number: int, result: ExampleResult) -> None:
        """Take in the example that is number `number` on the page."""
        self._counts.add(result)
        self._found.add(number, result)
        self._confusions.add(result)
        self._classes.add(number, result)
        self._spreads.add(number, result)
        self._verdicts.add(number, result)
        self._made.add(result)
        self._assertions.add(number, result)
        self._models |= set() if result.model is None else {result.model}
        self._kinds |= kinds(result)
        self._links |= {result.prediction.link} if result.prediction else set()

    def overview(self) -> Overview | None:
        """The run at a glance; None of an empty one."""
        total = self._counts.tasks.total()
        if not total:
            return None
        wrong, several = self._found.problems(), len(self._models) > 1
        return Overview(
            self._counts.cards(wrong),
            *self._confusions.tables(self._report, several),
            *self._classes.found(self._report, self._scores, several),
            self._spreads.found(self._report),
            wrong,
            total < SHORT,
        )

    def shown(self) -> dict[str, Any]:
        """What the templates know of the run, by the names that they have for it."""
        return {
            "run": self.overview(),
            "asserted": self._assertions.found(self._report.assertions),
            "over_run": run_view(self._report, self._verdicts),
            "settings": self._made.settings(),
            "not_shown": self._made.not_shown(self._counts.tasks.total()),
            "kinds": self._kinds,
            "links": self._links,
        }
