"""What a source of rows says: which file or data set, which of its rows, and which column is which field."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from saliency_report.spec.values import Text, kind_of


def _columns(value: object) -> object:
    if isinstance(value, list) and value and all(isinstance(name, str) and name for name in value):
        return {name: name for name in value}
    if isinstance(value, dict) and value and all(_names(names) for names in value.values()):
        return value
    message = "must say which column is which field, such as {form}, not {kind}"
    raise PydanticCustomError("not_columns", message, {"form": "{text: review}", "kind": kind_of(value)})


def _names(value: object) -> bool:
    names = value if isinstance(value, list) and value else [value]
    return all(isinstance(name, str) and name for name in names)


def _where(value: object) -> object:
    def plain(one: object) -> bool:
        return one is None or isinstance(one, str | int | float | bool)

    lists = {k: v if isinstance(v, list) else [v] for k, v in value.items()} if isinstance(value, dict) else {}
    if lists and all(values and all(map(plain, values)) for values in lists.values()):
        return lists
    message = "must be columns with a value or a list of values, such as {form}, not {kind}"
    raise PydanticCustomError("not_where", message, {"form": "{language: en}", "kind": kind_of(value)})


def _delimiter(value: object) -> object:
    if isinstance(value, str) and len(value) == 1 and value not in '"\r\n':
        return value
    raise PydanticCustomError("not_delimiter", "must be one character, not {kind}", {"kind": kind_of(value)})


_VALUE = {"type": ["string", "number", "boolean", "null"]}
_NAME: dict[str, Any] = {"type": "string", "minLength": 1}
_NAMES = {"anyOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]}
Columns = Annotated[
    dict[str, Any],
    BeforeValidator(_columns),
    WithJsonSchema(
        {"anyOf": [{"type": "object", "additionalProperties": _NAMES, "minProperties": 1}, _NAMES["anyOf"][1]]}
    ),
]
Where = Annotated[
    dict[str, list[Any]],
    BeforeValidator(_where),
    WithJsonSchema(
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"anyOf": [_VALUE, {"type": "array", "items": _VALUE, "minItems": 1}]},
        }
    ),
]


class RowsFrom(BaseModel):
    """A file or data set whose rows are examples."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    file: Text | None = Field(None, description="A .csv, .tsv, .jsonl or .parquet file, from the folder of this one.")
    dataset: Text | None = Field(None, description="A data set of the Hub, owner/name, or a folder of one.")
    config: Text | None = Field(None, description="The data set's configuration, where it has several.")
    split: Text | None = Field(None, description="The data set's split, such as test.")
    dataset_revision: Text | None = Field(None, description="Branch, tag or commit of the data set.")
    delimiter: Annotated[str, BeforeValidator(_delimiter)] | None = Field(
        None, description="What stands between the cells of a .csv or .tsv file; a comma or a tab if left out."
    )
    columns: Columns = Field(
        description="Which column is which field, such as {text: review, label: stars}; for choices a list of columns. "
        "A list of names where columns and fields have the same."
    )
    where: Where | None = Field(
        None, description="Only rows whose columns have these values, such as {language: en, stars: [1, 5]}."
    )
    limit: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        None, description="Look no further than this many rows, counted among those that `where` admits."
    )
    sample: Annotated[int, Field(ge=1, le=10**6)] | None = Field(
        None, description="Draw this many of the rows at random; the same ones each time."
    )
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = Field(0, description="Another seed draws other rows.")
