"""The command `compare`: two files in, a page and perhaps a record out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from saliency_report.compare.checks import Asked
from saliency_report.compare.comparison import compare
from saliency_report.compare.files import json_parts
from saliency_report.compare.lines import failures, summary
from saliency_report.drawing import Drawing
from saliency_report.errors import OutputError
from saliency_report.output import write
from saliency_report.page.text import plural
from saliency_report.record import read_report


@dataclass(frozen=True)
class Done:
    """What is told at the end, and whether something that was asked for does not hold."""

    lines: list[Text]
    broken: bool


def compared(old: Path, new: Path, output: Path, asked: Mapping[str, Any], *, record: bool, quiet: bool) -> Done:
    """Compare two records and write the page.

    Raises:
        InputError: a file is no record.
        OutputError: a file cannot be written, or would replace one of the two.
    """
    paths = [output, output.with_suffix(".json")] if record else [output]
    if len(set(paths)) < len(paths):
        raise OutputError(f"{output} is where --json writes the comparison.", "Name the page diff.html, say, with -o.")
    for source in (old, new):
        Drawing(output).check(source, *paths[1:])
    comparison = compare(read_report(old), read_report(new), files=(old.name, new.name), asked=Asked(**asked))
    from saliency_report.page.comparison import comparison_parts

    write(output, comparison_parts(comparison))
    if record:
        write(paths[1], json_parts(comparison))
    told = [*([] if quiet else summary(comparison)), *failures(comparison)]
    told.append(Text(f"{plural(comparison.totals.compared, 'example')} compared: {', '.join(map(str, paths))}"))
    return Done(told, any(check.broken for check in comparison.checks))
