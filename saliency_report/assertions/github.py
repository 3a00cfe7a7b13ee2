"""What is asserted, for GitHub Actions: annotations at the lines of the input, and a summary of the job.

Nothing of a text may act there: a line that begins with :: is a command, Markdown links and mentions.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from saliency_report.assertions.told import Told, counted, headed, sentence, shortened, verb
from saliency_report.errors import OutputError
from saliency_report.record import Report

ANNOTATIONS = 10  # of errors, and of warnings, in a step: GitHub shows no more
SUMMARY = 1_048_576  # bytes of all summaries of a step: GitHub takes no more
ROOM = 1_000  # of them for what stands around the list


@dataclass(frozen=True)
class Actions:
    """The step that this program is, by its environment."""

    environment: Mapping[str, str]

    @property
    def _is_on(self) -> bool:
        return self.environment.get("GITHUB_ACTIONS") == "true"

    def silence(self) -> tuple[str, str]:
        """Lines around output that holds texts: between them GitHub takes no commands; empty elsewhere."""
        token = secrets.token_hex(16)
        return (f"::stop-commands::{token}", f"::{token}::") if self._is_on else ("", "")

    def annotations(self, told: Told, file: Path) -> Iterator[str]:
        """The first assertions that do not hold, each as a command that marks the line of its example."""
        if not self._is_on:
            return
        left = {"error": ANNOTATIONS, "warn": ANNOTATIONS}
        for name, assertion in told.wrong:
            if not left[assertion.level]:
                continue
            left[assertion.level] -= 1
            where = {"title": headed(name, assertion), "file": self._relative(file)}
            where |= {"line": str(assertion.line)} if assertion.line else {}
            properties = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in where.items())
            command = "error" if assertion.level == "error" else "warning"
            yield f"::{command} {properties}::{_escaped(sentence(assertion))}"

    def summarise(self, report: Report, told: Told) -> None:
        """Append to the summary of the job, where there is one.

        Raises:
            OutputError: it cannot be written.
        """
        if not (name := self.environment.get("GITHUB_STEP_SUMMARY")):
            return
        path = Path(name)
        try:
            used = path.stat().st_size if path.exists() else 0
            with path.open("a", encoding="utf-8", newline="\n") as file:
                file.write(summary(report, told, SUMMARY - used))
        except OSError as error:
            message = f"The summary of the job cannot be written: {error.strerror}."
            raise OutputError(message, "Unset GITHUB_STEP_SUMMARY to go without.") from error

    def _relative(self, file: Path) -> str:
        workspace = Path(self.environment.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
        found = file.resolve()
        return found.relative_to(workspace).as_posix() if found.is_relative_to(workspace) else file.as_posix()


def summary(report: Report, told: Told, most: int = SUMMARY) -> str:
    """The run in Markdown, in at most so many bytes."""
    of, failed = told.tally, sum(result.failure is not None for result in report.examples)
    total = len(report.examples)
    head = f"### {_code(report.title)}: {counted(of) if of.total else 'nothing is asserted'}\n\n"
    head += f"{total - failed:,} of {total:,} examples explained"
    head += f", {failed:,} failed.\n" if failed else ".\n"
    size, written, lines = len(head.encode()) + ROOM, [head], list(_lines(told))
    for line in lines:
        size += len(line.encode())
        if size > most:
            break
        written.append(line)
    if left := len(lines) - len(written) + 1:
        written.append(f"\n{left:,} more are left out here; the page has all of them.\n")
    text = "".join([written[0], "\n" * (len(written) > 1), *written[1:], "\n"])
    return text if len(text.encode()) <= most else ""


def _lines(told: Told) -> Iterator[str]:
    """Failures first, then warnings."""
    for outcome, word in (("fails", "❌"), ("warned", "⚠️")):
        for name, assertion in told.wrong:
            if assertion.outcome == outcome:
                where = "the run" if name is None else _code(name)
                said = f"expected {_code(assertion.expected)}, {verb(assertion)}{_code(assertion.found)}"
                yield f"- {word} {where}, {_code(assertion.title)}: {said}\n"


def _code(text: str) -> str:
    """A text between backticks, where neither Markdown nor HTML, links nor mentions are anything but letters."""
    line = shortened(text) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", line)), default=0))
    space = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{fence}{space}{line}{space}{fence}"


def _escaped(text: str, more: str = "") -> str:
    """As the runner reads it: a per cent sign, line breaks and, in a property, colons and commas in hexadecimal."""
    return "".join(f"%{ord(char):02X}" if char in f"%\r\n{more}" else char for char in text)
