"""What is told of assertions outside of the page: in the terminal, as JUnit XML, and to GitHub Actions."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite
from markdown_it import MarkdownIt

import records
from assertion_records import ODD, asserting, assertion, hostile, several
from saliency_report.assertions.github import SUMMARY, Actions, summary
from saliency_report.assertions.junit import junit_parts
from saliency_report.assertions.told import Told
from saliency_report.cli import main
from saliency_report.record import Report, read_report, to_json

PERCENT = "\u00a0%"
NONE = records.report(records.classification("one", "A film."))


def test_the_terminal_names_what_does_not_hold_and_counts_it() -> None:
    assert [(line.plain, str(line.style)) for line in Told.of(several()).lines()] == [
        ("✗ fails: film, max_share special: expected at most 30 %; found 41.2 %", "red"),
        ("! warned: praise, max_share special: expected at most 30 %; found 41.2 %", "yellow"),
        (
            "✗ fails: sarcasm, prediction: expected NEGATIVE; "
            "found the example failed: The model has no label 'SARCASTIC'.",
            "red",
        ),
        ("✗ fails: the run, share_of_examples_passing: expected at least 90 %; found 0 %, 0 of 3", "red"),
        ("4 of 7 assertions failed (1 warned)", "red"),
    ]
    held = records.report(asserting(records.classification("one", "A film."), assertion()))
    assert [(line.plain, str(line.style)) for line in Told.of(held).lines()] == [("0 of 1 assertion failed", "")]
    assert list(Told.of(NONE).lines()) == []


def test_the_terminal_stops_naming_them_somewhere_and_shows_no_control_character() -> None:
    wrong = asserting(records.classification(ODD, "A film."), *[assertion(passed=False)] * 60)
    shown = [line.plain for line in Told.of(records.report(wrong)).lines()]
    assert len(shown) == 52
    assert shown[-2:] == ["… 10 more in the page", "60 of 60 assertions failed"]
    assert all(line.isprintable() for line in shown)


def cases(report: Report) -> tuple[TestSuite, list[TestCase]]:
    """The suite and the cases as a build server reads them."""
    (suite,) = JUnitXml.fromstring("".join(junit_parts(report)).encode())
    return suite, list(suite)


def test_a_build_server_reads_a_case_an_assertion() -> None:
    suite, found = cases(several())
    assert (suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) == ("Saliency report", 8, 3, 1, 1)
    assert (suite.time, suite.timestamp) == (3.214, "2026-11-23T09:00:00")
    assert [(case.classname, case.name, [type(of).__name__ for of in case.result]) for case in found] == [
        ("sarcasm", "explained", ["Error"]),
        ("film", "prediction: NEGATIVE", []),
        ("film", "max_share special: at most 30 %", ["Failure"]),
        ("praise", "prediction: NEGATIVE", []),
        ("praise", "max_share special: at most 30 %", ["Skipped"]),
        ("sarcasm", "prediction: NEGATIVE", ["Failure"]),
        ("the run", "accuracy: at least 90 %", []),
        ("the run", "share_of_examples_passing: at least 90 %", ["Failure"]),
    ]
    failure, skipped = found[2].result[0], found[4].result[0]
    assert isinstance(failure, Failure)
    assert isinstance(skipped, Skipped)
    assert failure.message == failure.text == "expected at most 30 %; found 41.2 %"
    assert skipped.message == "warned: expected at most 30 %; found 41.2 %"
    assert found[0].result[0].message == (
        "The model has no label 'SARCASTIC'. Choose one of NEGATIVE, POSITIVE, or leave target out."
    )


@pytest.mark.parametrize("report", [several(), hostile(), NONE, records.report()], ids=range(4))
def test_the_file_is_as_the_usual_schema_has_it(report: Report) -> None:
    """The elements and attributes that Jenkins' schema of JUnit files knows, and characters that XML 1.0 can have."""
    attributes = {
        "testsuites": set[str](),
        "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        "testcase": {"classname", "name", "time"},
        "failure": {"message", "type"},
        "error": {"message", "type"},
        "skipped": {"message"},
    }
    inside = {"testsuites": {"testsuite"}, "testsuite": {"testcase"}, "testcase": {"failure", "error", "skipped"}}
    text = "".join(junit_parts(report))
    assert not re.search("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "testsuites"
    assert len(root) == 1
    for element in root.iter():
        assert set(element.attrib) == attributes[element.tag]
        assert {child.tag for child in element} <= inside.get(element.tag, set())
    kinds = ("testcase", "failure", "error", "skipped")
    assert [root[0].get(name) for name in ("tests", "failures", "errors", "skipped")] == [
        str(len(list(root.iter(kind)))) for kind in kinds
    ]


ACTIONS = Actions({"GITHUB_ACTIONS": "true"})


def test_annotations_stand_at_the_lines_of_the_examples(tmp_path: Path) -> None:
    report, said = several(), "expected at most 30 %25; found 41.2 %25"
    workspace = Actions({"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)})
    found = list(workspace.annotations(Told.of(report), tmp_path / "in,put.yaml"))
    assert found[:2] == [
        f"::error title=film%2C max_share special,file=in%2Cput.yaml,line=7::{said}",
        f"::warning title=praise%2C max_share special,file=in%2Cput.yaml,line=7::{said}",
    ]
    assert len(found) == 4
    assert list(Actions({}).annotations(Told.of(report), Path("in.yaml"))) == []
    many = asserting(records.classification("one", "A film."), *[assertion(passed=False)] * 30)
    assert len(list(ACTIONS.annotations(Told.of(records.report(many)), Path("in.yaml")))) == 10


def test_no_text_is_a_command_to_the_runner() -> None:
    for line in ACTIONS.annotations(Told.of(hostile()), Path("in.yaml")):
        command, properties, message = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
        assert command in ("error", "warning")
        names = [part.partition("=")[0] for part in properties.split(",")]
        assert names == ["title", "file", "line"]
        assert line.isprintable()
        assert re.fullmatch(r"(?:[^%]|%[0-9A-F]{2})*", properties + message)
    begin, end = ACTIONS.silence()
    token = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", begin)
    assert token
    assert end == f"::{token.group(1)}::"
    assert ACTIONS.silence()[0] != begin
    assert Actions({}).silence() == ("", "")


def summarised(report: Report, most: int = SUMMARY) -> str:
    return summary(report, Told.of(report), most)


def test_the_summary_says_what_does_not_hold_failures_first() -> None:
    special = "expected `at most 30 %`, found `41.2 %`"
    assert summarised(several()) == (
        "### `Saliency report`: 4 of 7 assertions failed (1 warned)\n\n"
        "3 of 4 examples explained, 1 failed.\n\n"
        f"- ❌ `film`, `max_share special`: {special}\n"
        "- ❌ `sarcasm`, `prediction`: expected `NEGATIVE`, found `the example failed: The model has no label "
        "'SARCASTIC'.`\n"
        "- ❌ the run, `share_of_examples_passing`: expected `at least 90 %`, found `0 %, 0 of 3`\n"
        f"- ⚠️ `praise`, `max_share special`: {special}\n\n"
    )
    assert summarised(NONE) == "### `Saliency report`: nothing is asserted\n\n1 of 1 examples explained.\n\n"


def test_no_text_of_the_summary_is_anything_but_letters() -> None:
    """All of them are code to a Markdown parser, which says what is left beside."""
    written = summarised(hostile())
    inline = [child for token in MarkdownIt().parse(written) for child in token.children or []]
    assert {child.type for child in inline} == {"text", "code_inline"}
    code = [child.content for child in inline if child.type == "code_inline"]
    assert sum("@admin #1 http://x.y [l](z) ::error::x" in content for content in code) == 1 + 4 + 3 + 4
    assert re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "…", written) == (
        "### …: 3 of 3 assertions failed (1 warned)\n\n1 of 1 examples explained.\n\n"
        "- ❌ …, …: expected …, found …\n- ❌ the run, …: expected …, found …\n- ⚠️ …, …: expected …, found …\n\n"
    )
    assert all(char.isprintable() or char == "\n" for char in written.replace("⚠️", ""))


def test_the_summary_stays_below_what_a_step_may_have() -> None:
    told = assertion(passed=False, found="wörds " * 100)
    report = records.report(asserting(records.classification("one", "A film."), *[told] * 4000))
    written = summarised(report)
    assert SUMMARY - 2_000 < len(written.encode()) <= SUMMARY
    shown = written.count("- ❌")
    assert written.endswith(f"\n{4000 - shown:,} more are left out here; the page has all of them.\n\n")
    assert len(summarised(report, 5_000).encode()) <= 5_000
    assert summarised(report, 100) == ""


REVIEW = "{id: bad, task: text-classification, text: I hated this bad movie., assert: [%s]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(asserted: str, *options: str, more: str = "") -> Result:
    text = f"examples:\n- {REVIEW % asserted}\n{more}"
    Path("in.yaml").write_text(text, encoding="utf-8")
    return CliRunner().invoke(main, ["run", "in.yaml", "-q", "--charts", "none", *options])


@pytest.mark.usefixtures("folder")
def test_exit_codes_and_files_of_a_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = run("{prediction: NEGATIVE}", "--json")
    assert (held.exit_code, held.stdout.splitlines()[1:]) == (0, ["0 of 1 assertion failed"])
    report = read_report(folder / "report.json")
    assert [one.passed for one in report.examples[0].assertions] == [True]

    warned = run("{prediction: POSITIVE, level: warn}")
    assert warned.exit_code == 0
    assert warned.stdout.splitlines()[-1] == "1 of 1 assertion failed (1 warned)"

    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    (folder / "summary.md").write_text("before\n", encoding="utf-8")
    failed = run(
        "{prediction: POSITIVE}", "--json", "--junit", "junit.xml", more="assert: [{accuracy: 1, level: warn}]"
    )
    assert failed.exit_code == 3
    first, done, *told = failed.stdout.splitlines()
    assert first.startswith("::stop-commands::")
    assert "1 explained, 1 of them taken from report.journal in" in done
    assert done.endswith(": report.html, report.json, junit.xml")
    nothing_right = "could not be tested: no example has a right answer; write label or answer in some"
    answered = re.escape("NEGATIVE, p = ") + r"0\.\d+"
    assert re.fullmatch(f"✗ fails: bad, prediction: expected POSITIVE; found {answered}", told[0])
    assert told[1:4] == [
        f"! warned: the run, accuracy: expected at least 100 % right; {nothing_right}",
        "2 of 2 assertions failed (1 warned)",
        f"::{first.removeprefix('::stop-commands::')}::",
    ]
    assert told[4].startswith("::error title=bad%2C prediction,file=in.yaml,line=2::expected POSITIVE; found NEGATIVE")
    assert told[5].startswith(
        "::warning title=the run%2C accuracy,file=in.yaml,line=3::expected at least 100 %25 right; "
    )
    assert len(told) == 6
    report = read_report(folder / "report.json")
    written = (folder / "summary.md").read_text(encoding="utf-8")
    assert written == "before\n" + summarised(report)
    assert (folder / "junit.xml").read_text(encoding="utf-8") == "".join(junit_parts(report))

    lost = "- {task: text-classification, text: x, target: NONE}\nassert: [{accuracy: 1}]"
    assert run("{prediction: POSITIVE}", more=lost).exit_code == 1, "an example that failed is what is told first"

    (folder / "summary.md").unlink()
    (folder / "summary.md").mkdir()
    refused = run("{prediction: POSITIVE}")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "Error: The summary of the job cannot be written: Is a directory.\nUnset GITHUB_STEP_SUMMARY to go without.\n"
    )
    again = CliRunner().invoke(main, ["render", "report.json", "-o", "again.html", "--charts", "none"])
    assert again.exit_code == 0, "what is drawn again judges nothing"


@pytest.mark.usefixtures("folder")
def test_the_file_for_the_build_server_replaces_no_other() -> None:
    (Path("folder")).mkdir()
    for name, message in (
        ("report.html", "report.html is the input, or another file of this run.\nName another file with --junit."),
        ("in.yaml", "in.yaml is the input, or another file of this run.\nName another file with --junit."),
        ("folder", "folder is a folder.\nName the file in it: --junit folder/report.xml"),
        ("none/j.xml", "The folder none does not exist.\nMake it: mkdir -p none"),
    ):
        result = run("{prediction: NEGATIVE}", "--junit", name)
        assert (result.exit_code, result.stderr) == (2, f"Error: {message}\n")


def test_what_is_asserted_is_in_the_record_and_read_back(tmp_path: Path) -> None:
    for report in (several(), hostile()):
        (tmp_path / "report.json").write_text(to_json(report), encoding="utf-8")
        assert read_report(tmp_path / "report.json") == report


def test_the_sample_warns_once_and_does_not_fail(tmp_path: Path) -> None:
    sample, page = Path(__file__).parent.parent / "sample_inputs/assertions.yaml", tmp_path / "report.html"
    done = CliRunner().invoke(main, ["run", str(sample), "-q", "--charts", "none", "-o", str(page)])
    assert (done.exit_code, done.stdout.splitlines()[1:]) == (
        0,
        [
            "! warned: cat, generated_contains: expected “.” in what is generated; found “mat and waited”",
            "1 of 25 assertions failed (1 warned)",
        ],
    )
