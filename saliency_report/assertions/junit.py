"""What is asserted as JUnit XML: a suite a run, a case an assertion."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from saliency_report.assertions.told import Told, everything, sentence, shortened
from saliency_report.record import Report


def junit_parts(report: Report) -> Iterator[str]:
    """The file in pieces; one whose level is warn is skipped, since JUnit has no word for it.

    An example that failed is an error of its own, so that a run of which a part is missing never looks whole.
    """
    of, lost = Told.of(report).tally, [result for result in report.examples if result.failure]
    seconds = f"{report.seconds:.3f}"
    suite = Element("testsuite", name=shortened(report.title))
    suite.set("tests", str(of.total + len(lost)))
    suite.set("failures", str(of.fails))
    suite.set("errors", str(len(lost)))
    suite.set("skipped", str(of.warned))
    suite.set("time", seconds)
    if moment := _moment(report.created_at):
        suite.set("timestamp", moment)
    for result in lost:
        assert result.failure is not None
        case = _case(suite, result.id, "explained")
        said = shortened(f"{result.failure.message} {result.failure.next_step}")
        SubElement(case, "error", message=said, type="failed")
    for name, assertion in everything(report):
        case = _case(suite, name, f"{assertion.title}: {assertion.expected}")
        said = sentence(assertion)
        if assertion.outcome == "fails":
            SubElement(case, "failure", message=said, type=assertion.name).text = said
        elif assertion.outcome == "warned":
            SubElement(case, "skipped", message=f"warned: {said}")
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    yield tostring(suite, encoding="unicode").replace("<testcase", "\n<testcase")
    yield "\n</testsuites>\n"


def _case(suite: Element, name: str | None, what: str) -> Element:
    where = "the run" if name is None else shortened(name)
    return SubElement(suite, "testcase", classname=where, name=shortened(what), time="0")


def _moment(iso: str) -> str:
    """A time as the schema has it, without a zone."""
    try:
        return datetime.fromisoformat(iso).replace(tzinfo=None).isoformat(timespec="seconds")
    except ValueError:
        return ""
