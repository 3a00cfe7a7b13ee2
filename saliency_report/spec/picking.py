"""Which rows of a table become examples: those with certain values, the first ones, some at random."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

from saliency_report.spec.rows import Row, Table
from saliency_report.spec.rows_from import RowsFrom

VALUES = 5  # of a column that are named where no row has the wanted one


def columns_of(names: Any) -> list[str]:
    """The columns of a field: several for a list such as choices."""
    return names if isinstance(names, list) else [names]


class Picked:
    """The rows that `where`, `limit` and `sample` leave, in their order, and how many there were."""

    def __init__(self, rows_from: RowsFrom, table: Table) -> None:
        self.asked, self.table = rows_from, table
        self.read = self.fitting = self.kept = 0
        self.others: dict[str, list[str]] = {column: [] for column in rows_from.where or {}}

    def rows(self) -> Iterator[Row]:
        """The rows; no more are held than are drawn."""
        for row in _drawn(islice(self._fitting(), self.asked.limit), self.asked.sample, self.asked.seed):
            self.kept += 1
            yield row

    def _fitting(self) -> Iterator[Row]:
        where = self.asked.where or {}
        columns = {column for names in self.asked.columns.values() for column in columns_of(names)}
        for row in self.table.rows(columns | where.keys()):
            self.read += 1
            for column, values in where.items():
                cell = row.cells.get(column)
                if not any(_has(cell, value, self.table.is_text) for value in values):
                    shown = as_text(cell)
                    if shown not in (others := self.others[column]) and len(others) < VALUES:
                        others.append(shown)
                    break
            else:
                self.fitting += 1
                yield row

    def sentence(self, name: str) -> str:
        """Which rows these are."""
        asked = self.asked
        name = f"{name}, {asked.split}" if asked.dataset else name
        having = " and ".join(f"{c} = {' or '.join(map(as_text, v))}" for c, v in (asked.where or {}).items())
        having = f" with {having}" if having else ""
        first = "first " if asked.limit and self.fitting == asked.limit else ""
        if asked.sample:
            return (
                f"{name}: {self.kept:,} of the {first}{self.fitting:,} rows{having}, drawn at random with seed "
                f"{asked.seed}"
            )
        return f"{name}: {'the ' + first if first else 'all '}{self.fitting:,} rows{having}"


def _drawn(rows: Iterator[Row], count: int | None, seed: int) -> Iterator[Row]:
    """So many rows drawn from all with equal chances, in one pass; `random` promises the same numbers for a seed."""
    if count is None:
        yield from rows
        return
    generator, held = random.Random(seed), list(islice(rows, count))
    for seen, row in enumerate(rows, count + 1):
        place = int(generator.random() * seen)
        if place < count:
            held[place] = row
    yield from sorted(held, key=lambda row: row.number)


def as_text(value: object) -> str:
    """A value as it stands in a text file."""
    return value if isinstance(value, str) else "nothing" if value is None else json.dumps(value, default=str)


def _has(cell: object, value: object, is_text: bool) -> bool:
    """Whether a cell has a value; in a text file 5 and "5" are one, and an empty cell is nothing."""
    if is_text:
        return cell == ("" if value is None else as_text(value))
    return cell == value and isinstance(cell, bool) == isinstance(value, bool)
