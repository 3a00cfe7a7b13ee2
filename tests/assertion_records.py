"""Hand-made assertions for tests of what is told of them: some hold, some fail, some are warned of, some are odd."""

from __future__ import annotations

from typing import Any

import records
from saliency_report.record import Assertion, ExampleResult, Report

ODD = "`</code>``|**b** @admin #1 http://x.y [l](z)\n::error::x %0A \x1b[31m\x00\ud800\u202e<img src=x>]]>"


def assertion(name: str = "prediction", passed: bool = True, level: str = "error", **changes: Any) -> Assertion:
    """One that expects NEGATIVE and found what holds or does not."""
    fields: dict[str, Any] = {
        "name": name,
        "asserted": "NEGATIVE",
        "level": level,
        "passed": passed,
        "expected": "NEGATIVE",
        "found": "NEGATIVE, p = 0.998" if passed else "POSITIVE, p = 0.51",
        "line": 7,
    }
    return Assertion(**fields | changes)


def asserting(result: ExampleResult, *assertions: Assertion) -> ExampleResult:
    """The example with what it asserts."""
    return result.model_copy(update={"assertions": list(assertions)})


def share(passed: bool, level: str = "error") -> Assertion:
    """At most 30 % on special tokens."""
    found, value = ("12.3\u00a0%", 0.123) if passed else ("41.2\u00a0%", 0.412)
    told: dict[str, Any] = {"expected": "at most 30\u00a0%", "found": found, "limit": 0.3, "value": value}
    return assertion("max_share", passed, level, of="special", asserted={"special": 0.3}, **told)


def several() -> Report:
    """Two that hold, one that fails, one that is warned of, an example that failed, and two of the run."""
    failed = assertion("prediction", False, found="the example failed: The model has no label 'SARCASTIC'.")
    accuracy: dict[str, Any] = {"asserted": 0.9, "expected": "at least 90\u00a0%", "limit": 0.9}
    return records.report(
        asserting(records.classification("film", "It was bad.", expected=0), assertion(), share(False)),
        asserting(records.classification("praise", "A warm film."), assertion(), share(False, "warn")),
        records.classification("plain", "Nothing is asserted here."),
        asserting(records.failed("sarcasm"), failed),
        assertions=[
            assertion("accuracy", found="100\u00a0%, 1 of 1", value=1.0, **accuracy),
            assertion("share_of_examples_passing", False, found="0\u00a0%, 0 of 3", value=0.0, **accuracy),
        ],
    )


def hostile() -> Report:
    """Everything that a text can be, in every place that has one."""
    odd = assertion("max_share", False, of=ODD, expected=ODD, found=ODD)
    example = records.classification(ODD, f"A film {ODD}.")
    return records.report(
        asserting(example, odd, odd.model_copy(update={"level": "warn"})), title=ODD, assertions=[odd]
    )
