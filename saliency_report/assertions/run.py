"""Assertions about the run."""

from __future__ import annotations

from collections.abc import Iterable

from saliency_report.assertions.finding import Finding, UntestableError, percent
from saliency_report.record import ExampleResult

RIGHT = ("label", "answer")  # fields that say what is right


def accuracy(examples: Iterable[ExampleResult], value: float) -> Finding:
    """The share of right answers among the examples whose right one is known; one that failed is not right."""
    known = right = failed = 0
    for result in examples:
        is_right = result.prediction.is_right if result.prediction else None
        lost = result.failure is not None and any(result.inputs.get(field) is not None for field in RIGHT)
        known += is_right is not None or lost
        right += bool(is_right)
        failed += lost
    if not known:
        raise UntestableError("no example has a right answer; write label or answer in some")
    also = f"; {failed} of the others failed" if failed else ""
    return _share(right, known, value, also)


def passing(examples: Iterable[ExampleResult], value: float) -> Finding:
    """The share of examples of whose assertions all hold, warnings too, among those that assert something."""
    asserting = [all(one.passed for one in result.assertions) for result in examples if result.assertions]
    if not asserting:
        raise UntestableError("no example asserts anything that fits it; write assert under defaults")
    return _share(sum(asserting), len(asserting), value)


def expected_right(value: float) -> str:
    """At least 90 % right."""
    return f"at least {percent(value)} right"


def expected_passing(value: float) -> str:
    """At least 90 % of the examples."""
    return f"at least {percent(value)} of the examples"


def _share(count: int, total: int, least: float, also: str = "") -> Finding:
    share = count / total
    return Finding(share >= least, f"{percent(share, least)}, {count:,} of {total:,}{also}", share, least)
