"""Plain tables of the evidence: names at the side and on top, numbers inside, some of them coloured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from saliency_report.page import colour, text
from saliency_report.page.tables import Cell

MISSING = "–"


@dataclass(frozen=True)
class Line:
    """A row: its name, its cells, and whether it is the headline, a part of the row above, or a special token."""

    name: str
    cells: list[Cell]
    css: str = ""


@dataclass(frozen=True)
class Table:
    """A caption, names of columns, rows; `hints` say a column's name at length where it is short."""

    caption: str
    corner: str
    columns: list[str]
    lines: list[Line]
    hints: list[str] = field(default_factory=list)
    css: str = ""


def plain(*values: str) -> list[Cell]:
    """Cells without colour."""
    return [Cell("", value) for value in values]


def number(value: float | None) -> str:
    """A number with three significant digits; a dash where there is none."""
    return MISSING if value is None else text.significant(text.rounded(value))


def correlation(value: float | None) -> str:
    """A number between -1 and 1 with two decimals; a dash where there is none."""
    return MISSING if value is None else text.correlation(value)


def mean(values: Sequence[float]) -> float:
    """The mean of at least one number."""
    return math.fsum(values) / len(values)


def triangle(caption: str, names: Sequence[str], values: Sequence[Sequence[float | None]], signed: bool) -> Table:
    """The half of a symmetric matrix below its diagonal, coloured up to 1; columns are numbered as the rows are."""
    lines = [
        Line(
            f"{row + 1} {names[row]}",
            [Cell(colour.css_class(value, 1.0, signed), correlation(value)) for value in values[row][:row]]
            + plain(*[""] * (len(names) - 1 - row)),
        )
        for row in range(len(names))
    ]
    columns = range(len(names) - 1)
    return Table(
        caption, "", [str(column + 1) for column in columns], lines, [names[column] for column in columns], "triangle"
    )
