"""Which methods and scores a run has, and which of them a reader can choose from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from saliency_report.record import Aggregation, Map, Method, Report


@dataclass(frozen=True)
class Scores:
    """The methods and the scores that some map of the run has, in the order of the report."""

    methods: list[Method]
    aggregations: list[Aggregation]
    _names: dict[str, tuple[str, ...]]

    def headline(self, map_: Map) -> Aggregation:
        """The first score of a map."""
        return next(aggregation for aggregation in self.aggregations if aggregation.name == map_.first_score)

    def method(self, map_: Map) -> Method:
        """What a map was made by."""
        return next(method for method in self.methods if method.name == map_.method)

    def names(self, method: Method) -> tuple[str, ...]:
        """Names of a method's scores, the first shown first."""
        return self._names[method.name]

    def choices(self) -> list[tuple[str, list[Aggregation]]]:
        """The scores under the titles of the methods that have them: Gradient, SmoothGrad."""
        grouped: dict[str, list[Aggregation]] = {}
        for method in self.methods:
            for aggregation in self.aggregations:
                if aggregation.name in self.names(method):
                    held = grouped.setdefault(self._holders(aggregation), [])
                    held.extend([] if aggregation in held else [aggregation])
        return list(grouped.items())

    def _holders(self, aggregation: Aggregation) -> str:
        return ", ".join(method.title for method in self.methods if aggregation.name in self.names(method))


def scores(report: Report) -> Scores:
    """The methods and scores that occur in a report."""
    names = {map_.method: tuple(map_.scores) for map_ in _maps(report)}
    held = {name for of_method in names.values() for name in of_method}
    return Scores(
        [method for method in report.methods if method.name in names],
        [aggregation for aggregation in report.aggregations if aggregation.name in held],
        names,
    )


def _maps(report: Report) -> Iterator[Map]:
    return (map_ for example in report.examples for map_ in example.maps)
