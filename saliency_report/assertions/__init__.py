"""What the input asserts of the examples and of the run, judged by the record alone, after all numbers are there.

So an assertion decides no number: an example whose assertions changed is taken from the journal as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from saliency_report.assertions import answers, maps, run, strong
from saliency_report.assertions.finding import Finding, UntestableError
from saliency_report.record import Assertion, ExampleResult, Report, Results
from saliency_report.spec import Spec
from saliency_report.spec.asserting import Asserted

__all__ = ["OF_EXAMPLE", "OF_RUN", "exit_code", "judged"]


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
    "accuracy": Check(run.expected_share, run.accuracy),
    "share_of_examples_passing": Check(run.expected_share, run.passing),
}


def judged(report: Report, spec: Spec) -> Report:
    """The report with what its assertions came to, the examples' first."""
    examples = report.examples if isinstance(report.examples, Results) else Results(report.examples)
    for place, example in enumerate(spec.examples):
        if example.assertions:
            result = examples[place]
            found = [_of_example(asserted, result) for asserted in example.assertions]
            examples[place] = result.model_copy(update={"assertions": found})
    of_run = [_judged(OF_RUN[asserted.name], asserted, examples) for asserted in spec.assertions]
    return report.model_copy(update={"examples": examples, "assertions": of_run})


def exit_code(report: Report) -> int:
    """3 where an assertion failed that is more than a warning, else 0."""
    everything: Iterable[Assertion] = (one for result in report.examples for one in result.assertions)
    return 3 if any(one.outcome == "fails" for one in (*report.assertions, *everything)) else 0


def _of_example(asserted: Asserted, result: ExampleResult) -> Assertion:
    if result.failure is None:
        return _judged(OF_EXAMPLE[asserted.name], asserted, result)
    failed = Finding(False, f"the example failed: {result.failure.message}")
    return _assertion(OF_EXAMPLE[asserted.name], asserted, failed)


def _judged(check: Check, asserted: Asserted, of: object) -> Assertion:
    try:
        return _assertion(check, asserted, check.find(of, asserted.value))
    except UntestableError as error:
        return _assertion(check, asserted, Finding(False, f"could not be tested: {error}"))


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
