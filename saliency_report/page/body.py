"""The examples as the page has them, as cards or in packs, and what a reader can choose among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jinja2 import Template
from markupsafe import Markup

from saliency_report.page.catalogue import Catalogue
from saliency_report.page.gathered import Gathered
from saliency_report.page.island import example_data
from saliency_report.page.packs import Pack, batches, pack
from saliency_report.page.scales import Scales
from saliency_report.page.scores import Scores
from saliency_report.page.view import OUTCOMES_SHOWN, ExampleView, view
from saliency_report.record import Report


class Body:
    """All examples, made a pack at a time, so that the views of one pack are in memory and no more."""

    def __init__(self, report: Report, scores: Scores, card: Template) -> None:
        self.first: list[ExampleView] = []
        self.cards: list[Markup] = []
        self.packs: list[Pack] = []
        self.catalogue = Catalogue()
        self.scales = Scales()
        self.gathered = Gathered(report, scores)
        self.has_sentences = False
        self._methods: set[str] = set()
        self._scores = scores
        for batch in batches(enumerate(report.examples, 1)):
            for number, result in batch:
                self.gathered.add(number, result)
            examples = [view(report, scores, number, result) for number, result in batch]
            packed = bool(self.first)
            drawn = [
                card.render(report=report, example=example, outcomes_shown=OUTCOMES_SHOWN, packed=packed)
                for example in examples
            ]
            data = self._data(examples)
            if packed:
                data["cards"] = [without_returns(html) for html in drawn]
            else:
                self.first, self.cards = examples, [Markup(html) for html in drawn]
            self.packs.append(pack(data))

    @property
    def own_method(self) -> str:
        """Title of the method that every example shows large at first; empty where they differ."""
        return next((m.title for m in self._scores.methods if {m.name} == self._methods), "")

    def _data(self, examples: Sequence[ExampleView]) -> dict[str, Any]:
        data: list[dict[str, Any] | None] = []
        for example in examples:
            self.catalogue.add(example)
            self.scales.add(example, self._scores)
            data.append(example_data(example, self._scores) if example.figures else None)
            if example.figures:
                self._methods.add(example.result.maps[example.result.headline].method)
        self.has_sentences |= any("sentences" in map_ for one in data if one for map_ in one["maps"])
        return {"data": data}


def without_returns(html: str) -> str:
    """An HTML parser turns a bare carriage return into a newline; as a reference it stays itself."""
    # Markup's own replace would escape the reference; str's copies markup also where there is nothing to do, and the
    # packs of 10,000 examples have 14 MB.
    return str.replace(html, "\r", "&#13;") if "\r" in html else html
