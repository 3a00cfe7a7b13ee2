"""The record as JSON text and back: what `run --json` writes and `render` reads."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from saliency_report.collection import uncollected
from saliency_report.errors import InputError
from saliency_report.record.report import READABLE, Report, check_example
from saliency_report.record.results import Results, escaped, from_line, to_line

# The lines before the first example and after the last one.
_EXAMPLES, _END = ' "examples": [\n', "]\n"


def to_json(report: Report) -> str:
    """The report as JSON text, one line an example, so that a diff of two runs names the examples."""
    return "".join(json_parts(report))


def json_parts(report: Report) -> Iterator[str]:
    """The same text piece by piece: that of 10,000 examples is 92 MB."""
    head = report.model_dump(mode="json", exclude={"examples"})
    examples = report.examples
    text = escaped(json.dumps(head, ensure_ascii=False, allow_nan=False, indent=1))
    yield f"{text[:-2]},\n{_EXAMPLES}"
    separator = ""
    for line in examples.lines() if isinstance(examples, Results) else map(to_line, examples):
        yield separator + line
        separator = ",\n"
    yield f"\n{_END}}}\n"


@uncollected()
def read_report(path: Path) -> Report:
    """The report of a file that `run --json` wrote, read line by line.

    Raises:
        InputError: the file cannot be read, or is not a report.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file, suppress(ValueError, RecursionError):
            return _by_lines(file)
        return from_json(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InputError(f"{path}: cannot be read: {reason}.", "Give the file that `run --json` wrote.") from error


@uncollected()
def from_json(text: str, name: str) -> Report:
    """The report that `to_json` wrote.

    Raises:
        InputError: the text is not a report of this schema version; `name` is the file that the message names.
    """
    with suppress(ValueError, RecursionError):  # of another layout, or wrong: what is wrong is said below
        return _by_lines(io.StringIO(text, newline="\n"))
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise InputError(f"{name}: nested too deeply.", "Give the report.json that `run --json` wrote.") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}.",
            "Give the report.json that `run --json` wrote.",
        ) from error
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version is None:
        raise InputError(f"{name}: not a record, it has no schema_version.", "Give the report.json of `run --json`.")
    if version not in READABLE:
        raise InputError(
            f"{name}: schema_version is {version!r}, "
            f"this program reads {', '.join(map(str, READABLE[:-1]))} and {READABLE[-1]}.",
            "Give the report.json that `run --json` wrote, or install the version of saliency-report that wrote it.",
        )
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{name}: {_path(first['loc'])}{': ' if first['loc'] else ''}{first['msg']}.",
            f"{error.error_count()} problem(s) in all; give the file as `run --json` wrote it.",
        ) from error


def _by_lines(lines: Iterator[str]) -> Report:
    """The report, read an example at a time as `to_json` lays them out, so that 10,000 never lie in memory as JSON.

    Raises:
        ValueError: they are laid out otherwise, or something is wrong.
    """
    begun = "".join(iter(partial(next, lines, _EXAMPLES), _EXAMPLES))
    head = json.loads(begun.removesuffix(",\n") + "}")
    report, examples = Report.model_validate({**head, "examples": []}), Results()
    models, known = len(report.models), report.known_scores
    for line in iter(partial(next, lines, _END), _END):
        example = from_line(line.removesuffix("\n").removesuffix(","))
        check_example(example, models, known)
        examples.append(example)
    if "".join(lines) != "}\n" or head.get("schema_version") not in READABLE:
        raise ValueError("another layout")
    return report.model_copy(update={"examples": examples})


def _path(loc: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
