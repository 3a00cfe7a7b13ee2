"""What is asserted, at the top of the page: how much of it holds, and which examples it does not hold in."""

from __future__ import annotations

from dataclasses import dataclass, field

from saliency_report.page.run_links import Place, filtered, place
from saliency_report.page.text import plural
from saliency_report.record import Assertion, ExampleResult, Tally

PLACES = 10  # links to examples


@dataclass(frozen=True)
class Asserted:
    """A sentence of counts, the examples in which something fails or is warned of, and what is asserted of the run."""

    counts: str
    outcome: str
    lists: list[tuple[str, list[Place], int, str]]
    of_run: list[Assertion]


@dataclass
class Assertions:
    """What the assertions of the examples came to, gathered one example at a time."""

    tally: Tally = field(default_factory=Tally)
    places: dict[str, list[Place]] = field(default_factory=lambda: {"fails": [], "warned": []})
    examples: dict[str, int] = field(default_factory=lambda: {"fails": 0, "warned": 0})

    def add(self, number: int, result: ExampleResult) -> None:
        """Take in what an example asserts."""
        self.tally.add(result.assertions)
        for outcome in {one.outcome for one in result.assertions if not one.passed}:
            self.examples[outcome] += 1
            if len(self.places[outcome]) < PLACES:
                self.places[outcome].append(place(number, result.id))

    def found(self, of_run: list[Assertion]) -> Asserted | None:
        """What the page says of all; None where nothing is asserted."""
        everything = Tally(self.tally.holds, self.tally.fails, self.tally.warned)
        everything.add(of_run)
        if not everything.total:
            return None
        counts = f"{plural(everything.total, 'assertion')}: {everything.holds:,} hold{'s' * (everything.holds == 1)}"
        counts += f", {everything.fails:,} fail{'s' * (everything.fails == 1)}, {everything.warned:,} warned."
        shown = {"fails": ("Failing in", "failing"), "warned": ("Warned in", "cautioned")}
        return Asserted(
            counts,
            "wrong" if everything.fails else "warning" if everything.warned else "right",
            [
                (lead, places := self.places[outcome], self.examples[outcome] - len(places), filtered(show=state))
                for outcome, (lead, state) in shown.items()
                if self.examples[outcome]
            ],
            of_run,
        )
