"""What can be asserted of an example, or of the run: the table that the input, its schema, the README and page read.

What an assertion comes to is found by `saliency_report.assertions`, whose table has the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from saliency_report.spec import assertion_values as values
from saliency_report.spec.assertion_values import Parts, Problem
from saliency_report.spec.evidence import METHOD_NAMES
from saliency_report.spec.texts import SPECIAL
from saliency_report.spec.values import did_you_mean, kind_of, listed

Level = Literal["error", "warn"]
LEVELS: tuple[Level, ...] = get_args(Level)
GENERATED = ("text-generation", "text2text-generation")
NAMED = ("text-classification", "multiple-choice", "fill-mask", "question-answering", "zero-shot-classification")


@dataclass(frozen=True)
class Asserted:
    """One assertion; `of` is the part that it is about, `default` its place in the defaults, `line` its example's."""

    name: str
    value: Any
    level: Level = "error"
    of: str = ""
    default: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Kind:
    """An assertion that can be written: what it says, for which tasks, and how its value is read."""

    sentence: str
    schema: dict[str, Any]
    read: Callable[[Any, Problem], Parts]
    tasks: tuple[str, ...] = ()  # all, where it names none
    instead: str = ""


_NAME = {"type": ["string", "integer"]}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_WORDS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}

OF_EXAMPLE: dict[str, Kind] = {
    "prediction": Kind(
        "The answer: a label, a choice, a word, an answer; a list where several labels can be right at once.",
        {"anyOf": [_NAME, {"type": "array", "items": _NAME}]},
        values.prediction,
        NAMED,
        "write generated_contains for what a model writes",
    ),
    "min_confidence": Kind(
        "The least probability of the answer; of several labels, of each that is given.",
        _SHARE,
        values.number(0),
        NAMED,
    ),
    "top_words": Kind(
        "Words that are, and words that are not, among the k strongest of the map shown first, by the size of its "
        "first score, special tokens left out.",
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {"include": _WORDS, "exclude": _WORDS, "k": {"type": "integer", "minimum": 1}},
            "anyOf": [{"required": ["include"]}, {"required": ["exclude"]}],
        },
        values.top_words,
    ),
    "max_share": Kind(
        f"The most of the map shown first that may lie on a part: {SPECIAL} tokens, a text of the example, a span "
        "'[start, end]', or a '/regular expression/'.",
        {"type": "object", "minProperties": 1, "additionalProperties": _SHARE},
        values.max_share,
    ),
    "completeness": Kind(
        "Maps that should add up do: pass is within 1 %, warn within 5 %.",
        {"enum": ["pass", "warn"]},
        values.one_of("pass", "warn"),
    ),
    "more_faithful_than_random": Kind(
        "The map shown first beats 95 % of the random orders of words.",
        {"const": True},
        values.one_of(True),
    ),
    "agreement": Kind(
        "Kendall's tau, signs left aside, of the map shown first with another method's.",
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["with", "min_tau"],
            "properties": {
                "with": {"enum": [name for name in METHOD_NAMES if name != "gradient"]},
                "min_tau": {"type": "number", "minimum": -1, "maximum": 1},
            },
        },
        values.agreement,
    ),
    "generated_contains": Kind(
        "A text that occurs in what the model writes, whatever its capitals.",
        {"type": "string"},
        values.text,
        GENERATED,
        "write prediction for an answer that the model chooses",
    ),
}
OF_RUN: dict[str, Kind] = {
    "accuracy": Kind(
        "The least share of right answers, of the examples whose right one is known.", _SHARE, values.number(0)
    ),
    "share_of_examples_passing": Kind(
        "The least share of examples all of whose assertions hold, of those that assert something.",
        _SHARE,
        values.number(0),
    ),
}


def read_list(
    value: Any,
    kinds: Mapping[str, Kind],
    elsewhere: str,
    problem: Problem,
) -> list[tuple[int, Asserted]]:
    """The assertions of a list, each with the place of its entry; what is wrong is noted."""
    if not isinstance(value, list) or not value:
        form = "a list of assertions, such as [completeness: pass]" if kinds is OF_EXAMPLE else "a list of assertions"
        problem((), f"must be {form}, not {kind_of(value or None)}")
        return []
    found: list[tuple[int, Asserted]] = []
    for i, item in enumerate(value):

        def note(within: tuple[str | int, ...], message: str, i: int = i) -> None:
            problem((i, *within), message)

        for asserted in _read_item(item, kinds, elsewhere, note):
            if any(asserted == other for _, other in found):
                note((), f"{asserted.name} stands twice with the same value; write it once")
            found.append((i, asserted))
    return found


def _read_item(item: Any, kinds: Mapping[str, Kind], elsewhere: str, problem: Problem) -> list[Asserted]:
    if not isinstance(item, dict):
        problem((), f"must be a mapping of one assertion, such as {next(iter(kinds))}: …, not {kind_of(item)}")
        return []
    level, names = item.get("level", "error"), [key for key in item if key != "level"]
    if level not in LEVELS:
        problem(("level",), f"must be one of {listed(LEVELS)}, not {kind_of(level)}{did_you_mean(level, [*LEVELS])}")
        return []
    if len(names) != 1:
        has = f"has {listed(names)}" if names else "has none"
        problem((), f"must have one assertion, and may have level; it {has}: write an entry for each")
        return []
    name = names[0]
    if name not in kinds:
        other = OF_RUN if kinds is OF_EXAMPLE else OF_EXAMPLE
        hint = elsewhere if name in other else did_you_mean(name, [*kinds]) or f"; they are {listed(kinds)}"
        problem((name,), f"unknown assertion{hint}" if name not in other else hint)
        return []

    def note(within: tuple[str | int, ...], message: str) -> None:
        problem((name, *within), message)

    return [Asserted(name, value, level, of) for of, value in kinds[name].read(item[name], note).items()]


def json_schema_of(kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The JSON Schema of an entry of a list of assertions."""
    level = {"enum": [*LEVELS], "description": "What it is when it does not hold; error costs exit code 3."}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{name: {**kind.schema, "description": kind.sentence} for name, kind in kinds.items()},
            "level": level,
        },
        "oneOf": [{"required": [name]} for name in kinds],
    }
