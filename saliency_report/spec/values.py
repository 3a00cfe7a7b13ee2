"""The values that fields take, each with the message that says what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Annotated, Literal, TypeGuard

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


def kind_of(value: object) -> str:
    """A value as a message names it."""
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "a mapping"
    if value is None or value == "":
        return "nothing"
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else f"{value}"


def listed(words: Iterable[object]) -> str:
    """Words as a message lists them."""
    return ", ".join(str(word) for word in words)


def did_you_mean(word: object, known: list[str]) -> str:
    """A question about the nearest known word, or nothing where none is near."""
    close = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def did_you_mean_within(words: str, texts: Iterable[str]) -> str:
    """A question about the same words in other capitals or with other space, or nothing where no text has them."""
    pattern = re.compile(r"\s+".join(re.escape(word) for word in words.split()), re.IGNORECASE)
    found = next((match for text in texts if (match := pattern.search(text))), None)
    return f"; did you mean {found.group()!r}?" if found else ""


def is_index(value: object) -> TypeGuard[int]:
    """Whether a value is a whole number; `true` is none, though Python counts with it."""
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> object:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise PydanticCustomError("empty", "is empty; write some text")
    if isinstance(value, list):
        raise PydanticCustomError("not_text", "must be one text, not a list; write an example for each text")
    if not isinstance(value, str):
        raise PydanticCustomError("not_text", "must be text, not {kind}; put it in quotes", {"kind": kind_of(value)})
    return value


def _name_or_index(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise PydanticCustomError("not_name", "must be a name or an index, not {kind}", {"kind": kind_of(value)})
    return value


def _names_or_indices(value: object) -> object:
    if not isinstance(value, list):
        return _name_or_index(value)
    for i, item in enumerate(value):
        _name_or_index(item)
        if item in value[:i]:
            raise PydanticCustomError("twice", "{item} stands twice; name each once", {"item": repr(item)})
    return value


def _token_or_span(value: object) -> object:
    if isinstance(value, str) and value:
        return _text(value)
    if not is_index(value):
        message = "must be each, whole, a token's index, or a text of the continuation, not {kind}"
        raise PydanticCustomError("not_target", message, {"kind": kind_of(value)})
    if isinstance(value, int) and value < 0:
        raise PydanticCustomError("negative", "is {kind}; the first token has index 0", {"kind": kind_of(value)})
    return value


def _marked(value: object) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list) and len(value) == 2:
        start, end = value
        if not (is_index(start) and is_index(end)):
            message = "[start, end] must be two whole numbers, not {start} and {end}"
            raise PydanticCustomError("not_marked", message, {"start": kind_of(start), "end": kind_of(end)})
        if start < 0:
            message = "begins at {start}; the first code point is 0"
            raise PydanticCustomError("negative", message, {"start": start})
        if end <= start:
            message = "[{start}, {end}] is empty; end is one past the last code point"
            raise PydanticCustomError("empty_span", message, {"start": start, "end": end})
        return value
    message = "must be words of the text, or a pair [start, end] of code points, not {kind}"
    raise PydanticCustomError("not_marked", message, {"kind": kind_of(value)})


Text = Annotated[str, BeforeValidator(_text)]
Long = Literal["refuse", "windows", "truncate"]
Truncate = Literal["refuse", "truncate"]
LONG = "A text that is longer than the model takes: refuse it, read it in overlapping windows, or cut it."
NameOrIndex = Annotated[str | int, BeforeValidator(_name_or_index)]
NamesOrIndices = Annotated[str | int | list[str | int], BeforeValidator(_names_or_indices)]
TokenOrSpan = Annotated[
    str | int,
    BeforeValidator(_token_or_span),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}),
]
Marked = Annotated[
    str | list[int],
    BeforeValidator(_marked),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2},
            ]
        }
    ),
]
