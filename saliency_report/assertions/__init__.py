"""What the input asserts of the examples and of the run, judged by the record alone, once its numbers are there.

So an assertion decides no number: an example whose assertions changed is taken from the journal as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from saliency_report.assertions import answers, maps, run, strong
from saliency_report.assertions.finding import NOT_TESTED, Finding, UntestableError
from saliency_report.record import Assertion, ExampleResult
from saliency_report.spec.asserting import Asserted

__all__ = ["OF_EXAMPLE", "OF_RUN", "of_example", "of_run"]


@dataclass(frozen=True)
class Check:
    """What an assertion expects, in words, and what it finds."""

    expected: Callable[[Any], str]
    find: Callable[[Any, Any], Finding]


OF_EXAMPLE = {
    "prediction": Check(answers.expected_prediction, answers.prediction),
    "min_confidence": Check(answers.expected_least, answers.min_confidence),
    "top_words": Check(strong.expected_words, strong.top_words),
    "max_share": Check(strong.expected_share, strong.max_share),
    "completeness": Check(maps.expected_completeness, maps.completeness),
    "more_faithful_than_random": Check(maps.expected_faithful, maps.more_faithful),
    "agreement": Check(maps.expected_agreement, maps.agreement),
    "generated_contains": Check(answers.expected_text, answers.generated_contains),
}
OF_RUN = {
    "accuracy": Check(run.expected_right, run.accuracy),
    "share_of_examples_passing": Check(run.expected_passing, run.passing),
}


def of_example(asserted: Sequence[Asserted], result: ExampleResult) -> list[Assertion]:
    """What the assertions of an example come to; one that failed holds none."""
    failure = result.failure
    if failure is None:
        return [_judged(OF_EXAMPLE[one.name], one, result) for one in asserted]
    failed = Finding(False, f"the example failed: {failure.message}")
    return [_assertion(OF_EXAMPLE[one.name], one, failed) for one in asserted]


def of_run(asserted: Sequence[Asserted], results: Iterable[ExampleResult]) -> list[Assertion]:
    """What the assertions of a run come to, once those of its examples are known."""
    return [_judged(OF_RUN[one.name], one, results) for one in asserted]


def _judged(check: Check, asserted: Asserted, of: object) -> Assertion:
    try:
        return _assertion(check, asserted, check.find(of, asserted.value))
    except UntestableError as error:
        return _assertion(check, asserted, Finding(False, f"{NOT_TESTED}: {error}"))


def _assertion(check: Check, asserted: Asserted, finding: Finding) -> Assertion:
    return Assertion(
        name=asserted.name,
        of=asserted.of,
        asserted=asserted.value,
        level=asserted.level,
        passed=finding.passed,
        expected=check.expected(asserted.value),
        found=finding.found,
        limit=finding.limit,
        value=finding.value,
        line=asserted.line,
    )
