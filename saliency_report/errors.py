"""What can go wrong, as a tree; the command line turns the first two into exit code 2, the third into 1.

SaliencyReportError
├── InputError        the input file, the record or an option is wrong: nothing was computed
├── OutputError       the report cannot be written where it was asked for
└── ExampleError      one example cannot be explained: its card says why, the run goes on
"""

from __future__ import annotations

import re


class SaliencyReportError(Exception):
    """One clear sentence, and what to do next."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()


class InputError(SaliencyReportError):
    """The input file, the record or an option is wrong; nothing was computed."""


class OutputError(SaliencyReportError):
    """The report cannot be written where it was asked for."""


class ExampleError(SaliencyReportError):
    """One example cannot be explained; the others can."""


def without_paths(message: str) -> str:
    """A message in which each absolute path is cut to its last part: a path may tell a user's name."""
    return re.sub(r"(?<![\w.:/])(?:/|[A-Za-z]:\\)(?:[^\s'\"/\\]+[/\\])+(?=[^\s'\"/\\])", "", message)
