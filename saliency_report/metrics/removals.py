"""How a metric asks for F of a text from which words were removed."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TypeVar

Subset = frozenset[int]
Known = dict[Subset, float]
T = TypeVar("T")
# Yields the sets of removed words whose F it wants, is sent as many numbers in that order, returns what they make.
Asking = Generator[list[Subset], list[float], T]


def ask(known: Known, wanted: Iterable[Subset]) -> Asking[None]:
    """Ask once for what is not known yet, and note the answers in `known`.

    Raises:
        ValueError: another number of answers than of questions was sent.
    """
    new = [subset for subset in dict.fromkeys(wanted) if subset not in known]
    if new:
        answers = yield new
        if len(answers) != len(new):
            raise ValueError(f"{len(answers)} answers to {len(new)} questions")
        known.update(zip(new, answers, strict=True))
