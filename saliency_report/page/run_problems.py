"""Everything in a run that failed or warned, equal messages once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from saliency_report.page.facts import Fact, notes
from saliency_report.page.run_links import Place, filtered, place
from saliency_report.page.scores import Scores
from saliency_report.page.text import plural, preview
from saliency_report.record import ExampleResult, Report

FAILED = "Failed"
OPEN, FOLDED = 20, 180  # rows in the open, and in the fold below them
PLACES, PLACES_FOLDED = 3, 1  # links in a row
LONGEST, LONGEST_FOLDED = 180, 120  # characters of a message; the example shows all of it
_SEVERITY = {"danger": 0, "warning": 1}


@dataclass(frozen=True)
class Problem:
    """A message, its beginning, and the examples that it stands at: the first ones as links, and how many more."""

    fact: Fact
    message: str
    places: list[Place]
    more: int


@dataclass(frozen=True)
class Problems:
    """The rows in the open and in the fold, what is left out, and how many examples failed or warned."""

    shown: list[Problem]
    folded: list[Problem]
    left_out: int
    failed: int
    warned: int
    filters: list[tuple[str, str]]

    @property
    def summary(self) -> str:
        """What the fold holds."""
        return f"{plural(len(self.folded), 'message')} more"


@dataclass
class _Stands:
    """Where a message stands: the number and id of the first examples, and in how many it does."""

    first: list[tuple[int, str]] = field(default_factory=list)
    count: int = 0


@dataclass
class Found:
    """What went wrong, gathered one example at a time."""

    report: Report
    scores: Scores
    failed: int = 0
    warned: int = 0
    incomplete: int = 0
    facts: dict[Fact, _Stands] = field(default_factory=lambda: defaultdict(_Stands))

    def add(self, number: int, result: ExampleResult) -> None:
        """Take in all that an example says."""
        facts = dict.fromkeys(of_example(self.report, self.scores, result))
        self.failed += result.failure is not None
        self.warned += is_warned(facts)
        self.incomplete += is_incomplete(facts)
        for fact in facts:
            stands = self.facts[fact]
            stands.count += 1
            if len(stands.first) < PLACES:
                stands.first.append((number, result.id))

    def problems(self) -> Problems:
        """What went wrong in the run, failures first."""
        rows = sorted(self.facts.items(), key=lambda item: (item[0].mark != FAILED, _SEVERITY[item[0].kind]))
        states = {"failed": (self.failed, "failed"), "warned": (self.warned, "with a warning")}
        states["incomplete"] = (self.incomplete, "does not add up")
        return Problems(
            [_problem(*row, PLACES, LONGEST) for row in rows[:OPEN]],
            [_problem(*row, PLACES_FOLDED, LONGEST_FOLDED) for row in rows[OPEN : OPEN + FOLDED]],
            max(0, len(rows) - OPEN - FOLDED),
            self.failed,
            self.warned,
            [(filtered(show=state), name) for state, (count, name) in states.items() if count],
        )


def _problem(fact: Fact, stands: _Stands, places: int, longest: int) -> Problem:
    linked = [place(*example) for example in stands.first[:places]]
    return Problem(fact, preview(fact.text, longest), linked, stands.count - len(linked))


def is_warned(facts: Iterable[Fact]) -> bool:
    """Whether there is anything to read an example with care for."""
    return any(fact.mark != FAILED for fact in facts)


def is_incomplete(facts: Iterable[Fact]) -> bool:
    """Whether the map that is shown first, or another method's, does not add up."""
    return any(fact.kind == "danger" and fact.mark.startswith("Does not") for fact in facts)


def of_example(report: Report, scores: Scores, result: ExampleResult) -> Iterator[Fact]:
    """The failure of an example, and everything that it is to be read with care for."""
    if result.failure:
        yield Fact("danger", FAILED, result.failure.message)
    model = None if result.model is None else report.models[result.model]
    if model and model.random_weights:
        lacks = plural(len(model.random_weights), "parameter")
        yield Fact(
            "danger", "Random weights", f"The checkpoint of {model.name} lacks {lacks}: their values are random."
        )
    if model and model.trust_remote_code:
        yield Fact("warning", "Remote code", f"{model.name} ran Python code that came with its checkpoint.")
    if any(map_.completeness for map_ in result.maps):
        yield from notes(result, scores)
    for warning in result.warnings:
        yield Fact("warning", "Warning", warning)
    for map_ in result.maps:
        for warning in map_.warnings:
            yield Fact("warning", "Warning", f"{scores.method(map_).title}: {warning}")
