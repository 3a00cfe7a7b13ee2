"""The record as JSON text and back: what `run --json` writes and `render` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from saliency_report.collection import uncollected
from saliency_report.errors import InputError
from saliency_report.record.report import READABLE, ExampleResult, Report

_EXAMPLES = ',\n "examples": [\n'


def to_json(report: Report) -> str:
    """The report as JSON text, one line an example, so that a diff of two runs names the examples."""
    head = report.model_dump(mode="json", exclude={"examples"})
    lines = ",\n".join(map(_line, report.examples))
    text = _escaped(json.dumps(head, ensure_ascii=False, allow_nan=False, indent=1))
    return f"{text[:-2]}{_EXAMPLES}{lines}\n]\n}}\n"


def _line(example: ExampleResult) -> str:
    try:
        return example.model_dump_json()
    except PydanticSerializationError:  # half of a surrogate pair has no UTF-8
        data = example.model_dump(mode="json")
        return _escaped(json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def _escaped(text: str) -> str:
    """JSON with halves of surrogate pairs as \\ud800, and all else as it is."""
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


@uncollected()
def from_json(text: str, name: str) -> Report:
    """The report that `to_json` wrote.

    Raises:
        InputError: the text is not a report of this schema version; `name` is the file that the message names.
    """
    try:
        return _by_lines(text)
    except (ValueError, RecursionError):  # of another layout, or wrong: what is wrong is said below
        pass
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


def _by_lines(text: str) -> Report:
    """The report, read an example at a time as `to_json` lays them out, so that 10,000 never lie in memory as JSON."""
    end = text.index(_EXAMPLES)
    head = json.loads(text[:end] + "}")
    examples, start = [], end + len(_EXAMPLES)
    while (end := text.index("\n", start)) and text[start:end] != "]":
        line = text[start:end].removesuffix(",")
        halved = "\\ud" in line  # of which Pydantic reads none
        examples.append(
            ExampleResult.model_validate(json.loads(line)) if halved else ExampleResult.model_validate_json(line)
        )
        start = end + 1
    if text[start:] != "]\n}\n" or head.get("schema_version") not in READABLE:
        raise ValueError("another layout")
    return Report.model_validate({**head, "examples": examples})


def _path(loc: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
