"""What is asserted and does not hold, in lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.text import Text

from saliency_report.assertions.finding import NOT_TESTED
from saliency_report.record import Assertion, Report, Tally
from saliency_report.terminal import printable

SHOWN = 50  # that do not hold; the page has all of them
LONGEST = 300  # characters of a sentence
STYLES = {"fails": ("✗ fails:", "red"), "warned": ("! warned:", "yellow")}


def everything(report: Report) -> Iterator[tuple[str | None, Assertion]]:
    """All assertions, each with the id of its example, those of the run last, which have none."""
    for result in report.examples:
        for assertion in result.assertions:
            yield result.id, assertion
    for assertion in report.assertions:
        yield None, assertion


@dataclass
class Told:
    """How many assertions hold, fail and are warned of, and those that do not hold."""

    tally: Tally = field(default_factory=Tally)
    wrong: list[tuple[str | None, Assertion]] = field(default_factory=list)

    @classmethod
    def of(cls, report: Report) -> Told:
        """What a report has to tell, gone through once: to read 10,000 examples takes a second."""
        told = cls()
        for name, assertion in everything(report):
            told.tally.add([assertion])
            if not assertion.passed:
                told.wrong.append((name, assertion))
        return told

    @property
    def exit_code(self) -> int:
        """3 where an assertion failed that is more than a warning, else 0."""
        return 3 if self.tally.fails else 0

    def lines(self) -> Iterator[Text]:
        """Those that do not hold, and how many there are; nothing where nothing is asserted."""
        of = self.tally
        if not of.total:
            return
        for name, assertion in self.wrong[:SHOWN]:
            mark, style = STYLES[assertion.outcome]
            yield Text(f"{mark} {headed(name, assertion)}: {sentence(assertion)}", style=style)
        if len(self.wrong) > SHOWN:
            yield Text(f"… {len(self.wrong) - SHOWN:,} more in the page")
        yield Text(counted(of), style="red" if of.fails else "yellow" if of.warned else "")


def counted(of: Tally) -> str:
    """3 of 41 assertions failed (1 warned)."""
    failed = of.fails + of.warned
    noun = "assertion" if of.total == 1 else "assertions"
    warned = f" ({of.warned:,} warned)" if of.warned else ""
    return f"{failed:,} of {of.total:,} {noun} failed{warned}"


def headed(name: str | None, assertion: Assertion) -> str:
    """Which assertion of which example."""
    return f"{'the run' if name is None else shortened(name)}, {shortened(assertion.title)}"


def sentence(assertion: Assertion) -> str:
    """What was expected and what was found."""
    return f"expected {shortened(assertion.expected)}; {verb(assertion)}{shortened(assertion.found)}"


def verb(assertion: Assertion) -> str:
    """What stands before what was found: nothing where it could not be tested."""
    return "" if assertion.found.startswith(NOT_TESTED) else "found "


def shortened(text: str) -> str:
    """One line of printable characters, cut where it is too long."""
    line = " ".join(printable(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
