"""Rows of files and data sets to examples; every problem is told where it stands, in the input or in the data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from saliency_report.spec.fields import NOT_IN_DEFAULTS, TASKS, Example, all_fields
from saliency_report.spec.item import example_of
from saliency_report.spec.messages import explain
from saliency_report.spec.picking import Picked, as_text, columns_of
from saliency_report.spec.rows import Row, Table, UnreadableError, open_dataset, open_file
from saliency_report.spec.rows_from import RowsFrom
from saliency_report.spec.source import Loc, Problem, Source, dotted
from saliency_report.spec.values import did_you_mean, kind_of, listed

MOST_PROBLEMS = 10  # that are told of the rows of one source; the rest is counted
# What runs code, decides what a row means or judges it is the person's to say, not the data's.
NOT_IN_COLUMNS = {"task", "trust_remote_code", "allow_pickle", "assert"}


OWN = [*RowsFrom.model_fields]


@dataclass
class _Of(Source):
    """Problems of the examples of rows, told where they stand: in the data, beside `columns`, or in the defaults."""

    input: Source = field(default_factory=Source)
    path: Loc = ()
    name: str = ""
    stem: str = ""
    columns: dict[str, Any] = field(default_factory=dict)
    row: Row = field(default_factory=lambda: Row(0, None, {}))
    told: int = 0

    def problem(self, path: Loc, message: str, *, key: bool = False) -> None:
        """Note a problem at a path of the example of the row at hand."""
        self.problems.append(Problem(self.row.number, 0, dotted(path), message))
        if path and path[0] in self.columns:
            names = columns_of(self.columns[path[0]])
            column = names[path[1]] if len(path) > 1 and len(names) > 1 and isinstance(path[1], int) else listed(names)
            where = dotted(path) if column == path[0] else f"{dotted(path)} (column {column})"
            self.of_row(f"{where}: {message}")
        elif path and path[0] == "defaults":
            self.input.problem(path, message, key=key)
        elif not path or path[0] in self.input_fields():
            self.input.problem((*self.path, *path), message, key=key)
        else:
            self.input.problem((*self.path, "columns", *path), message)

    def where(self, path: Loc, *, key: bool = False) -> tuple[int, int]:
        """Line and column in the input, which has one entry for all rows."""
        return self.input.where((*self.path, *path), key=key)

    def input_fields(self) -> set[str]:
        """The fields that stand beside `columns`."""
        return {str(path[-1]) for path in self.input.keys if path[:-1] == self.path}

    def of_row(self, message: str) -> None:
        """Note a problem of the row at hand; after a few they are only counted."""
        self.told += 1
        if self.told <= MOST_PROBLEMS:
            self.input.elsewhere.append(f"{_place(self.name, self.row.line)}: row {self.row.number}, {message}")


def _place(name: str, line: int | None) -> str:
    return name if line is None else f"{name}:{line}"


def examples_from(
    source: Source, item: object, path: Loc, defaults: dict[str, object], folder: Path, ids: dict[str, str]
) -> tuple[list[Example], str]:
    """The examples of one source of rows, and in words which rows they are; `ids` has each name with its place."""
    rows_from = _read(source, item, path)
    if rows_from is None or not isinstance(item, dict):
        return [], ""
    name = rows_from.file or rows_from.dataset or ""
    before, known = len(source.problems), len(source.elsewhere)
    try:
        table = _open(rows_from, folder)
        picked = Picked(rows_from, table)
        _check_columns(source, path, rows_from, table, name)
        if len(source.problems) > before:
            return [], ""
        fixed = {key: value for key, value in item.items() if key not in OWN}
        stem = f"{Path(name).name}-{rows_from.split}" if rows_from.dataset else Path(name).stem
        told = _Of(input=source, path=path, name=name, stem=stem, columns=rows_from.columns)
        examples = [e for row in picked.rows() if (e := _example(told, row, fixed, defaults, table, ids)) is not None]
        if told.told > MOST_PROBLEMS:
            source.elsewhere.append(f"{name}: {told.told - MOST_PROBLEMS:,} more problems in its rows")
    except UnreadableError as error:
        if error.line is None:
            source.problem((*path, "file" if rows_from.file else "dataset"), f"{name}: {error.message}")
        else:
            source.elsewhere.append(f"{name}:{error.line}: {error.message}")
        return [], ""
    if table.grows:  # only now it is known which columns there are
        _check_columns(source, path, rows_from, table, name, seen=True)
        if len(source.problems) > before:
            del source.elsewhere[known:]  # that each row lacks the column
    if len(source.problems) == before:
        _check_count(source, path, rows_from, picked)
    return examples, picked.sentence(name)


def _read(source: Source, item: object, path: Loc) -> RowsFrom | None:
    """What a source of rows says, or its problems."""
    if not isinstance(item, dict):
        source.problem(path, f"must be a mapping with a file or a dataset, and columns, not {kind_of(item)}")
        return None
    before = len(source.problems)
    for key in item.keys() - set(OWN):
        if key in NOT_IN_DEFAULTS:
            what = "names" if key == "id" else "marks words of"
            source.problem((*path, key), f"{what} one example; write a column for it under columns", key=True)
        elif key not in all_fields():
            known = [*OWN, *sorted(all_fields() - NOT_IN_DEFAULTS)]
            hint = did_you_mean(key, known) or f"; the keys are {listed(OWN)}, and any field of an example"
            source.problem((*path, key), f"unknown key{hint}", key=True)
    found = None
    try:
        found = RowsFrom.model_validate({key: value for key, value in item.items() if key in OWN})
    except ValidationError as error:
        for detail in error.errors():
            explain(source, detail, path, RowsFrom, item)
    if ("file" in item) == ("dataset" in item):
        message = "file and dataset are two sources; write an entry for each" if "file" in item else "names no file"
        source.problem(path, message if "file" in item else f"{message}; write file: data.csv, or dataset: owner/name")
    elif "file" in item:
        for key in ("config", "split", "dataset_revision"):
            if key in item:
                source.problem((*path, key), "belongs to dataset; leave it out", key=True)
    elif "split" not in item:
        source.problem((*path, "split"), "is missing; write it: The data set's split, such as test.")
    elif "delimiter" in item:
        source.problem((*path, "delimiter"), "belongs to file; leave it out", key=True)
    if "seed" in item and "sample" not in item:
        message = "draws nothing without sample; the seed of the methods goes under defaults"
        source.problem((*path, "seed"), message, key=True)
    return found if len(source.problems) == before else None


def _open(rows_from: RowsFrom, folder: Path) -> Table:
    if rows_from.file is not None:
        return open_file(folder / Path(rows_from.file).expanduser(), rows_from.delimiter)
    local = folder / Path(str(rows_from.dataset)).expanduser()
    name = str(local) if local.is_dir() else str(rows_from.dataset)
    return open_dataset(name, rows_from.config, str(rows_from.split), rows_from.dataset_revision)


def _check_columns(
    source: Source, path: Loc, rows_from: RowsFrom, table: Table, name: str, *, seen: bool = False
) -> None:
    """Fields that a column cannot give, and columns that are not there."""
    if not seen:
        for name_of in rows_from.columns:
            known = sorted(all_fields() - NOT_IN_COLUMNS)
            if name_of in NOT_IN_COLUMNS:
                message = "is yours to say, not the data's; write it beside columns"
                source.problem((*path, "columns", name_of), message, key=True)
            elif name_of not in known:
                hint = did_you_mean(name_of, known)
                source.problem((*path, "columns", name_of), f"no task has this field{hint}", key=True)
    if table.grows and not seen:
        return
    wanted = [((*path, "columns", of), c) for of, names in rows_from.columns.items() for c in columns_of(names)]
    wanted += [((*path, "where", column), column) for column in rows_from.where or {}]
    for place, column in wanted:
        if column not in table.columns:
            hint = did_you_mean(column, [*table.columns]) or f"; its columns are {listed(table.columns)}"
            source.problem(place, f"{name} has no column {column!r}{hint}")


def _check_count(source: Source, path: Loc, rows_from: RowsFrom, picked: Picked) -> None:
    if picked.fitting == 0 and picked.read == 0:
        source.problem((*path, "file" if rows_from.file else "dataset"), "has no rows")
    elif picked.fitting == 0:
        column, values = next((c, v) for c, v in (rows_from.where or {}).items() if picked.others[c])
        message = f"no row has {column} = {' or '.join(map(as_text, values))} and all else; others have "
        source.problem((*path, "where", column), f"{message}{listed(picked.others[column])}")
    elif rows_from.sample and picked.kept < rows_from.sample:
        message = f"asks for {rows_from.sample:,} rows, there are {picked.kept:,}; write {picked.kept} or leave it out"
        source.problem((*path, "sample"), message)


def _example(
    told: _Of,
    row: Row,
    fixed: dict[str, object],
    defaults: dict[str, object],
    table: Table,
    ids: dict[str, str],
) -> Example | None:
    told.row = row
    model = TASKS.get(str(fixed.get("task", defaults.get("task"))))
    before = told.told
    fields: dict[str, object] = {}
    for name, column in told.columns.items():
        value = [row.cells.get(c) for c in column] if isinstance(column, list) else row.cells.get(column)
        if table.is_text and isinstance(value, str) and model and name in model.model_fields:
            value = _from_text(value, _types(model, name))
        if _broken(value):
            told.problem((name,), "holds half a character (a lone surrogate); write the character itself")
            value = "\ufffd"
        empty = value is None or value == ""
        if not (empty and model and name in model.model_fields and not model.model_fields[name].is_required()):
            fields[name] = value
    name = str(fields.get("id", "")) if "id" in told.columns else f"{told.stem}-{row.number}"
    if not name.strip():
        told.problem(("id",), "is empty; each row needs a name")
    fields["id"] = name
    example = example_of(told, {**fixed, **fields}, (), defaults)
    if name in ids:
        told.of_row(f"{name!r} is already the id of {ids[name]}; write a column of other ids for id")
    ids.setdefault(name, f"{_place(told.name, row.line)}, row {row.number}")
    return example if told.told == before else None


@cache
def _types(model: type[BaseModel], name: str) -> frozenset[str]:
    """What a field takes, in the words of its JSON Schema."""
    schema = model.model_json_schema()["properties"][name]
    return frozenset(kind.get("type", "") for kind in schema.get("anyOf", [schema])) - {"null"}


def _from_text(cell: str, types: frozenset[str]) -> object:
    """A cell of a text file as its field takes it: text stays text; 5 is an index where a name may be one."""
    if types == {"string"}:
        return cell
    if "string" in types:
        return int(cell) if re.fullmatch(r"-?[0-9]{1,18}", cell) else cell
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _broken(value: object) -> bool:
    """Whether text holds half a character, which JSON can write."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return any(map(_broken, value))
    return isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)
