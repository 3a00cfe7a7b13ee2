"""Pydantic's findings as messages about the person's own text."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from saliency_report.spec.evidence import Evidence
from saliency_report.spec.fields import TASKS, names
from saliency_report.spec.source import Loc, Source
from saliency_report.spec.values import did_you_mean, kind_of, listed

_NUMBER = {"int_type", "float_type", "greater_than", "greater_than_equal", "less_than_equal", "finite_number"}


def explain(source: Source, detail: ErrorDetails, path: Loc, model: type[BaseModel], item: dict[str, object]) -> None:
    """Note one finding about the example `item` at `path`, of the task that `model` has the fields of."""
    loc: Loc = tuple(detail["loc"])
    kind, context, found = detail["type"], detail.get("ctx", {}), kind_of(detail["input"])
    # A field that the example does not have came from the defaults: its mistake stands there.
    where = (*path, *loc) if loc[0] in item or kind == "missing" else ("defaults", *loc)
    if kind == "extra_forbidden":
        source.problem(where, f"unknown key{_belongs(loc[0], model)}", key=True)
    elif kind == "missing":
        what = model.model_fields[str(loc[0])].description
        source.problem(where, f"is missing; write it: {what}")
    elif kind == "too_short" and loc == ("choices",):
        source.problem(
            where,
            f"has {context['actual_length']}, needs {context['min_length']} or more;"
            " a single answer leaves nothing to choose",
        )
    elif kind == "too_short":
        source.problem(where, "the list is empty; write at least one entry, or leave the field out")
    elif kind == "bool_type":
        source.problem(where, f"must be true or false, not {found}")
    elif kind in _NUMBER:
        quoted = isinstance(detail["input"], str) and found.replace(".", "", 1).lstrip("-").isdigit()
        said = f"the text {found!r}; write it without quotes" if quoted else found
        source.problem(where, f"must be {_range(model, loc)}, not {said}")
    elif kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        source.problem(where, f"must be one of {listed(known)}, not {found}{did_you_mean(found, known)}")
    elif kind == "list_type":
        source.problem(where, f"must be a list, not {found}; begin each entry with a dash")
    elif detail["msg"].startswith("is empty") and len(loc) == 1 and _may_go(model, str(loc[0])):
        source.problem(where, f"{detail['msg']}, or leave it out")
    else:
        source.problem(where, detail["msg"])


def _may_go(model: type[BaseModel], field: str) -> bool:
    """Whether a field can be left out; a prompt only where there are messages."""
    return not model.model_fields[field].is_required() and field != "prompt"


def _belongs(key: str | int, model: type[BaseModel]) -> str:
    others = [name for name, other in TASKS.items() if key in names(other)]
    if others:
        return f"; it belongs to {listed(others)}"
    task = get_args(model.model_fields["task"].annotation)[0]
    # The many that ask for evidence stand last, before what is asserted of it.
    known = sorted(names(model), key=lambda name: name == "assert" or name in Evidence.model_fields)
    return did_you_mean(key, known) or f"; {task} knows {listed(known)}"


def _range(model: type[BaseModel], loc: Loc) -> str:
    """The numbers that a field, or an entry of its list, takes: its JSON Schema in words."""
    schema = _properties(model)[str(loc[0])]
    schema = schema.get("anyOf", [schema])[0]  # the other one is null
    for _ in loc[1:]:
        schema = schema["items"]
    number = "a whole number" if schema["type"] == "integer" else "a number"
    # Pydantic writes the limits of floats as 0.0 and 1.0.
    limits = {name: int(value) for name, value in schema.items() if name in ("minimum", "exclusiveMinimum", "maximum")}
    if "exclusiveMinimum" in limits:
        return f"{number} above {limits['exclusiveMinimum']} and at most {limits['maximum']}"
    return f"{number} from {limits['minimum']} to {limits['maximum']}"


@cache
def _properties(model: type[BaseModel]) -> dict[str, Any]:
    return dict(model.model_json_schema()["properties"])
