"""Rows of a file of data or of a data set, one after the other: a file of any size needs the memory of a row.

CSV, TSV and JSONL are read by the standard library; Parquet and data sets by the packages of an extra.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from saliency_report.spec.values import kind_of

MISSING_PACKAGE = "{what} needs the package {package}, which is not installed; pip install 'saliency-report[datasets]'"
KINDS = (".csv", ".tsv", ".jsonl", ".parquet")
BATCH = 256  # rows of a Parquet file that are taken out of their columns together


@dataclass(frozen=True, slots=True)
class Row:
    """A row, counted from 1, and the line on which it begins where its file has lines."""

    number: int
    line: int | None
    cells: dict[str, Any]


@dataclass
class Table:
    """Columns, of which JSONL shows more while it is read, and rows; `is_text` where each cell is text."""

    columns: dict[str, None]
    rows: Callable[[Collection[str]], Iterator[Row]]  # takes the columns that are wanted
    is_text: bool = False
    grows: bool = False


class UnreadableError(Exception):
    """What is wrong with a file as such, and on which line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def open_file(path: Path, delimiter: str | None) -> Table:
    """The table in a file, by the end of its name.

    Raises:
        UnreadableError: there is no such file, or it cannot be read.
    """
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise UnreadableError(f"its name must end in one of {', '.join(KINDS)}")
    if not path.is_file():
        raise UnreadableError("there is no such file; paths are looked up from the folder of the input file")
    if kind in (".csv", ".tsv"):
        return _separated(path, kind, delimiter)
    if delimiter is not None:
        raise UnreadableError("delimiter belongs to .csv and .tsv; leave it out")
    return _jsonl(path) if kind == ".jsonl" else _parquet(path)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text file, decoded one by one, so that a byte that is not UTF-8 has its line."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise UnreadableError("is not UTF-8; save the file as UTF-8", number) from error
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error


def _separated(path: Path, kind: str, wanted_delimiter: str | None) -> Table:
    """CSV with quotes as spreadsheets write them, or TSV, where a quote is a character like any other."""
    quoting: Literal[0, 3] = csv.QUOTE_NONE if kind == ".tsv" else csv.QUOTE_MINIMAL
    delimiter = wanted_delimiter or ("\t" if kind == ".tsv" else ",")
    csv.field_size_limit(2**31 - 1)  # the standard library's own limit is 131,072 characters

    def records() -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(_lines(path), delimiter=delimiter, quoting=quoting, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:  # an empty line is no row
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise UnreadableError(f"is not valid CSV: {error}", line) from error

    _, header = next(records(), (1, []))
    if not header:
        raise UnreadableError("is empty; its first line must name the columns")
    twice = next((name for i, name in enumerate(header) if name in header[:i]), None)
    if twice is not None:
        raise UnreadableError(f"the column {twice!r} stands twice in the first line; name each once", 1)

    def rows(wanted: Collection[str]) -> Iterator[Row]:
        places = [(i, name) for i, name in enumerate(header) if name in wanted]
        for number, (line, cells) in enumerate(records()):
            if len(cells) != len(header):
                message = f"row {number} has {len(cells)} cells, the first line names {len(header)} columns"
                raise UnreadableError(message, line)
            if number:
                yield Row(number, line, {name: cells[i] for i, name in places})

    return Table(dict.fromkeys(header), rows, is_text=True)


def _jsonl(path: Path) -> Table:
    table = Table({}, lambda wanted: rows(wanted), grows=True)

    def rows(wanted: Collection[str]) -> Iterator[Row]:
        number = 0
        for line, text in enumerate(_lines(path), 1):
            if not text.strip():
                continue
            number += 1
            try:
                cells = json.loads(text)
            except (ValueError, RecursionError) as error:
                where = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
                raise UnreadableError(f"row {number} is not valid JSON{where}", line) from error
            if not isinstance(cells, dict):
                message = f'row {number} must be an object such as {{"text": "…"}}, not {kind_of(cells)}'
                raise UnreadableError(message, line)
            table.columns |= dict.fromkeys(cells)
            yield Row(number, line, {name: cells[name] for name in wanted if name in cells})

    return table


def _parquet(path: Path) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise UnreadableError(MISSING_PACKAGE.format(what="a .parquet file", package="pyarrow")) from error
    try:
        names = parquet.read_schema(path).names
    except (ArrowException, OSError) as error:
        raise UnreadableError("is not a Parquet file, or a damaged one") from error

    def rows(wanted: Collection[str]) -> Iterator[Row]:
        number = 0
        try:
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH, columns=[name for name in names if name in wanted]):
                    for cells in batch.to_pylist():
                        number += 1
                        yield Row(number, None, cells)
        except (ArrowException, OSError) as error:
            raise UnreadableError(f"is damaged after row {number}") from error

    return Table(dict.fromkeys(names), rows)


def open_dataset(name: str, config: str | None, split: str, revision: str | None) -> Table:
    """A split of a data set, of the Hub or of a local folder, as it comes over the network.

    Raises:
        UnreadableError: the package is missing, or there is no such data set, configuration or split.
    """
    try:
        import datasets
    except ImportError as error:
        raise UnreadableError(MISSING_PACKAGE.format(what="a data set", package="datasets")) from error
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        data = datasets.load_dataset(name, config, split=split, revision=revision, streaming=True)
        columns = data.column_names
    except Exception as error:
        raise UnreadableError(f"does not load: {_first_line(error)}") from error
    table = Table(dict.fromkeys(columns or ()), lambda wanted: rows(wanted), grows=columns is None)

    def rows(wanted: Collection[str]) -> Iterator[Row]:
        number = 0
        # Columns that nobody asked for, such as pictures, are not decoded.
        chosen = data.select_columns([name for name in columns if name in wanted]) if columns else data
        try:
            for number, cells in enumerate(chosen, 1):
                table.columns |= dict.fromkeys(cells)
                yield Row(number, None, {name: cells[name] for name in wanted if name in cells})
        except Exception as error:
            raise UnreadableError(f"does not load after row {number}: {_first_line(error)}") from error

    return table


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
