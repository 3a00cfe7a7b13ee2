"""How the value of each assertion is read: what of it is wrong, and the parts that it is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from saliency_report.spec.evidence import METHOD_NAMES
from saliency_report.spec.texts import expression
from saliency_report.spec.values import did_you_mean, is_index, kind_of, listed

TOP = 3  # words, where top_words does not say how many

# Notes what is wrong with a value, at a place within it.
Problem = Callable[[tuple[str | int, ...], str], None]
# The value of an assertion as one for each thing that it is about, by the names of these things.
Parts = dict[str, Any]


def _found(value: object) -> str:
    return kind_of(None if value in ({}, []) else value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(least: int) -> Callable[[Any, Problem], Parts]:
    """A number up to 1."""

    def read(value: Any, problem: Problem) -> Parts:
        if _is_number(value) and least <= value <= 1:
            return {"": value}
        problem((), f"must be a number from {least} to 1, not {kind_of(value)}")
        return {}

    return read


def prediction(value: Any, problem: Problem) -> Parts:
    """A name or an index, or a list of them."""
    names = value if isinstance(value, list) else [value]
    if all((isinstance(name, str) and name.strip()) or is_index(name) for name in names):
        return {"": value}
    wrong = next(name for name in names if not (isinstance(name, str) and name.strip()) and not is_index(name))
    problem((), f"must be a name or an index, or a list of them, not {kind_of(wrong)}")
    return {}


def _keys(value: Any, known: tuple[str, ...], form: str, problem: Problem) -> Mapping[str, Any]:
    """The value where it is a mapping that has these keys alone."""
    if not isinstance(value, dict) or not value:
        problem((), f"must be a mapping such as {form}, not {_found(value)}")
        return {}
    unknown = [key for key in value if key not in known]
    for key in unknown:
        problem((key,), f"unknown key{did_you_mean(key, [*known]) or f'; the keys are {listed(known)}'}")
    return {} if unknown else value


def top_words(value: Any, problem: Problem) -> Parts:
    """Words to include and to exclude, each with k."""
    given = _keys(value, ("include", "exclude", "k"), "{include: [hated], k: 3}", problem)
    k, parts = given.get("k", TOP), {}
    if given and (not is_index(k) or not 1 <= k <= 1000):
        problem(("k",), f"must be a whole number from 1 to 1000, not {kind_of(k)}")
        return {}
    for side in ("include", "exclude"):
        words = given.get(side, [])
        words = [words] if isinstance(words, str) else words
        if side in given and (not isinstance(words, list) or not words):
            problem((side,), f"must be a list of words of the text, not {_found(given[side])}")
        elif wrong := [word for word in words if not isinstance(word, str) or not word.strip()]:
            problem((side,), f"must be a list of words of the text; {kind_of(wrong[0])} is none: put it in quotes")
        elif words:
            parts[side] = {side: words, "k": k}
    if given and not ("include" in given or "exclude" in given):
        problem((), "has neither include nor exclude; write words for one of them")
    return parts


def max_share(value: Any, problem: Problem) -> Parts:
    """Parts of the text, each with its share."""
    if not isinstance(value, dict) or not value:
        problem((), f"must be a mapping such as {{special: 0.3}}, not {_found(value)}")
        return {}
    parts = {}
    for key, share in value.items():
        if not _is_number(share) or not 0 <= share <= 1:
            problem((key,), f"must be a number from 0 to 1, not {kind_of(share)}")
            continue
        try:
            expression(key)
        except re.error as error:
            problem((key,), f"is not a regular expression: {error}")
            continue
        if key.strip():
            parts[key] = {key: share}
        else:
            problem((key,), "names no text; write words, special, or a regular expression between slashes")
    return parts


def agreement(value: Any, problem: Problem) -> Parts:
    """Another method, and the least tau."""
    form = "{with: occlusion, min_tau: 0.3}"
    given = _keys(value, ("with", "min_tau"), form, problem)
    if not given:
        return {}
    other, least = given.get("with"), given.get("min_tau")
    others: list[str] = [name for name in METHOD_NAMES if name != "gradient"]
    if other not in others:
        hint = did_you_mean(other, others) if isinstance(other, str) else ""
        itself = "; the gradient is what it is compared with" if other == "gradient" else hint
        problem(("with",), f"must be one of {listed(others)}, not {kind_of(other)}{itself}")
    if not _is_number(least) or not -1 <= float(str(least)) <= 1:
        problem(("min_tau",), f"must be a number from -1 to 1, not {kind_of(least)}")
        return {}
    return {str(other): value} if other in others else {}


def one_of(*known: object) -> Callable[[Any, Problem], Parts]:
    """A word among these, or true."""

    def read(value: Any, problem: Problem) -> Parts:
        if any(value is word or (isinstance(word, str) and value == word) for word in known):
            return {"": value}
        problem((), f"must be {' or '.join(map(kind_of, known))}, not {kind_of(value)}")
        return {}

    return read


def text(value: Any, problem: Problem) -> Parts:
    """Some text."""
    if isinstance(value, str) and value.strip():
        return {"": value}
    problem((), f"must be text, not {kind_of(value)}")
    return {}
