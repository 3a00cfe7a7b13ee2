"""What one assertion came to, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass

NOT_TESTED = "could not be tested"  # how what was found begins then


class UntestableError(Exception):
    """Why an assertion could not be tested, which is as good as a failure, and what to do."""


@dataclass(frozen=True)
class Finding:
    """Whether an assertion holds, what was found, and the two numbers where there are some."""

    passed: bool
    found: str
    value: float | None = None
    limit: float | None = None


def number(value: float, limit: float | None = None, scale: float = 1) -> str:
    """A number with three digits, or with as many more as tell it from its limit, and from 1, which is certainty."""
    others = [other for other in (limit, 1.0) if other is not None and other != value]
    for digits in range(3, 17):
        shown = f"{value * scale:.{digits}g}"
        if all(shown != f"{other * scale:.{digits}g}" for other in others):
            break
    return shown.replace("-", "\N{MINUS SIGN}")


def percent(share: float, limit: float | None = None) -> str:
    """A share of a whole: 31.4 %."""
    if 0 < share < 1e-5 and not (limit and limit < 1e-4):
        return "less than 0.001\N{NO-BREAK SPACE}%"
    return f"{number(share, limit, 100)}\N{NO-BREAK SPACE}%"


def listed(names: list[str]) -> str:
    """a, b and c."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
