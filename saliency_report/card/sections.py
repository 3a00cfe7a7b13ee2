"""The examples of a card, each with the map that the page shows first and no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saliency_report.card.plain import slug
from saliency_report.card.strongest import strongest
from saliency_report.errors import InputError
from saliency_report.page.evidence_verdict import verdict
from saliency_report.page.facts import Fact
from saliency_report.page.figures import Figure
from saliency_report.page.run_problems import of_example
from saliency_report.page.scores import Scores, scores
from saliency_report.page.targets import groups, headline_group
from saliency_report.page.text import preview
from saliency_report.page.view import ExampleView, view
from saliency_report.record import ExampleResult, Report

_NAMED = 12  # ids in a message
_TOLD, _PREVIEW = 5, 160  # words and characters in the place of a picture


@dataclass(frozen=True)
class Section:
    """One example; `further` counts the targets that the card does not show, `name` is that of its pictures."""

    report: Report
    scores: Scores
    example: ExampleView
    further: int

    @property
    def figure(self) -> Figure:
        """The map over its text, on a scale of its own."""
        return self.example.figures[0]

    @property
    def problems(self) -> list[Fact]:
        """What weakens the map."""
        return list(dict.fromkeys(of_example(self.report, self.scores, self.example.result)))

    @property
    def alarms(self) -> list[str]:
        """What nobody may see the map without."""
        judged = verdict(self.example.result)
        unfaithful = [judged.lead.rstrip(":")] if judged and judged.kind == "bad" else []
        return [*dict.fromkeys(fact.mark for fact in self.problems if fact.kind == "danger"), *unfaithful]

    @property
    def alternative(self) -> str:
        """What stands for the picture where it cannot be seen."""
        words = ", ".join(f"{word.label} {word.score}" for word in strongest(self.figure, _TOLD))
        told = f" Strongest in {self.figure.aggregation.title}: {words}." if words else ""
        alarms = "".join(f" {alarm}." for alarm in self.alarms)
        return f"Heatmap of the text “{preview(self.example.text, _PREVIEW)}”.{told}{alarms}"

    @property
    def name(self) -> str:
        """What its pictures are called."""
        return slug(self.example.result.id)


def sections(report: Report, ids: Sequence[str], record: str, method: str | None = None) -> list[Section]:
    """The named examples in the order in which they are named; without a name the only one that there is.

    Raises:
        InputError: there is no such example, it has no map, none by that method, or none was named of several.
    """
    found: dict[str, tuple[int, ExampleResult]] = {}
    known: list[str] = []
    for number, result in enumerate(report.examples, 1):
        known.append(result.id)
        if result.id in ids or (not ids and len(report.examples) == 1):
            found.setdefault(result.id, (number, result))
            if len(found) == len(set(ids)):  # to read the others of 10,000 takes seconds
                break
    wanted = list(dict.fromkeys(ids)) or list(found)
    if not wanted:
        raise InputError(f"{record} has {len(report.examples):,} examples.", f"Name one or more: {_options(known)}.")
    for id in wanted:
        if id not in found:
            raise InputError(f"{record} has no example {preview(id)!r}.", f"It has: {_named(known)}.")
    for result in (found[id][1] for id in wanted):
        if not result.maps:
            why = f": {result.failure.message}" if result.failure else "."
            raise InputError(f"Example {preview(result.id)!r} has no map{why}", "Name another one with --example.")
    occurring = scores(report.model_copy(update={"examples": [found[id][1] for id in wanted]}))
    return [
        Section(report, occurring, view(report, occurring, number, _alone(result, method)), len(groups(result)) - 1)
        for number, result in (found[id] for id in wanted)
    ]


def _alone(result: ExampleResult, method: str | None) -> ExampleResult:
    """The example with the map that is shown first, or with that of another method for the same number."""
    group = headline_group(result)
    held = {result.maps[index].method: index for index in (*group.others, group.primary)}
    if method and method not in held:
        raise InputError(
            f"Example {preview(result.id)!r} has no map by {preview(method)!r}.", f"It has: {', '.join(held)}."
        )
    index = held[method] if method else result.headline
    evidence = result.evidence
    if evidence and evidence.faithfulness:
        tested = [ranking for ranking in evidence.faithfulness.rankings if ranking.map == index]
        faithfulness = evidence.faithfulness.model_copy(update={"rankings": tested}) if tested else None
        randomisation = evidence.randomisation if index == result.headline else None
        evidence = evidence.model_copy(update={"faithfulness": faithfulness, "randomisation": randomisation})
    return result.model_copy(update={"maps": [result.maps[index]], "headline": 0, "evidence": evidence})


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _NAMED:,} more" if len(ids) > _NAMED else ""
    return ", ".join(preview(id) for id in ids[:_NAMED]) + more


def _options(ids: Sequence[str]) -> str:
    return f"--example {preview(ids[0])}, say; the ids are {_named(ids)}" if ids else "it has none"
