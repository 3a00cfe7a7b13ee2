"""What the input asserts of an example or of the run, and whether it holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from saliency_report.record.part import Part


class Assertion(Part):
    """One assertion and what it came to."""

    name: str = Field(description="prediction, top_words, max_share, accuracy …")
    of: str = Field("", description="What it is about where a name asserts several things, such as special or include.")
    asserted: Any = Field(description="Its value as the input writes it.")
    level: Literal["error", "warn"]
    passed: bool
    expected: str = Field(description="In words.")
    found: str = Field(description="In words; why not, where it could not be tested.")
    limit: float | None = Field(None, description="The number that was asserted, where it is one.")
    value: float | None = Field(None, description="The number that was found, where there is one.")
    line: int | None = Field(None, description="Line of its example in the input file.")

    @property
    def title(self) -> str:
        """What is asserted, in short: max_share special."""
        return f"{self.name} {self.of}".strip()

    @property
    def outcome(self) -> Literal["holds", "fails", "warned"]:
        """What it came to, in a word."""
        return "holds" if self.passed else "fails" if self.level == "error" else "warned"


@dataclass
class Tally:
    """How many assertions hold, fail, and are warned of."""

    holds: int = 0
    fails: int = 0
    warned: int = 0

    def add(self, assertions: Iterable[Assertion]) -> None:
        """Count some."""
        outcomes = Counter(assertion.outcome for assertion in assertions)
        self.holds += outcomes["holds"]
        self.fails += outcomes["fails"]
        self.warned += outcomes["warned"]

    @property
    def total(self) -> int:
        """All of them."""
        return self.holds + self.fails + self.warned
