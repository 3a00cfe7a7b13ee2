"""How numbers, probabilities and odd characters are written on the page.

`report.js` writes the same numbers when a reader switches the score; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

# C0 controls but tab, newline and carriage return, then DEL, as their pictures: HTML cannot carry
# U+0000 at all and shows nothing for the others. A lone surrogate cannot be written as UTF-8.
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"} | {
    0x7F: 0x2421,
    **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD),
}
# Where a verdict changes: a gap of 1.04 % is no longer one of 1 %, which still adds up; and 99.6 % is not all.
LIMITS = (0.01, 0.05, 1.0)
MOST_DIGITS = 9

_BLANKS = str.maketrans({" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥", "\u00a0": "⍽"})


def visible(text: str) -> str:
    """The text with control characters as visible pictures, and otherwise as it was written."""
    return text.translate(_PICTURES)


def label(text: str, longest: int = 40) -> str:
    """A text as an axis label or a table cell: one line, outer blanks marked, cut if too long."""
    core = text.strip()
    if core:
        start, end = text.find(core), text.find(core) + len(core)
        text = text[:start].translate(_BLANKS) + core + text[end:].translate(_BLANKS)
    shown = visible(text if core else text.translate(_BLANKS)).replace("\n", "↵").replace("\r", "␍")
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def preview(text: str, longest: int = 90) -> str:
    """The start of a text, in one line."""
    line = " ".join(visible(text).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def significant(number: float, digits: int = 3) -> str:
    """A number with some significant digits, and all before the point: 0.0482, 12.3, 1235, 1.23e-7."""
    size = abs(number)
    sign = "\N{MINUS SIGN}" if number < 0 else ""
    if size == 0:
        return "0"
    if not 1e-3 <= size < 1e5:
        mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
        return f"{sign}{mantissa}e{int(exponent)}".replace("e-", "e\N{MINUS SIGN}")
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    # Half up, as JavaScript's toFixed rounds; Python's own formatting rounds ties to even.
    return sign + str(Decimal(size).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def rounded(number: float, digits: int = 3) -> float:
    """The number as it is written, three digits or all before the point; report.json keeps the others.

    The page calculates with these too, so that a colour, a bar and a cell of a table can never tell different numbers.
    """
    size = abs(number)
    if not size or not math.isfinite(size):
        return number
    if 10**digits <= size < 1e5:
        return math.copysign(math.floor(size + 0.5), number)
    if float(f"{size:.{digits + 1}g}") == size:  # it may lie between two numbers, and goes away from zero as elsewhere
        place = Decimal(1).scaleb(math.floor(math.log10(size)) - digits + 1)
        return math.copysign(float(Decimal(size).quantize(place, ROUND_HALF_UP)), number)
    return float(f"{number:.{digits}g}")  # five times as fast


def all_rounded(numbers: Iterable[float | None]) -> list[float | None]:
    """The numbers that are there, rounded; the others stay missing."""
    return [None if number is None else rounded(number) for number in numbers]


def with_error(number: float, error: float | None) -> str:
    """A number and its standard error, which has two significant digits: 0.421 ± 0.031."""
    shown = significant(rounded(number))  # so that 9.996 has three digits here as in the text
    return shown if error is None else f"{shown} ± {significant(rounded(error, 2), 2)}"


def probability(number: float) -> str:
    """A probability with three decimals, never rounded to a certainty that it is not."""
    if number >= 0.9995:
        return "> 0.999"
    return significant(number) if 0 < number < 0.0005 else f"{number:.3f}"


def probability_stated(number: float) -> str:
    """A probability after its name: = 0.869, > 0.999."""
    written = probability(number)
    return written if written.startswith(">") else f"= {written}"


def percent(share: float) -> str:
    """A share of a whole: 31 %, never rounded to none or to all of it where it is not."""
    if 0.995 <= share < 1:
        return "more than 99\N{NO-BREAK SPACE}%"
    # Half up, as JavaScript's Math.round does; Python's own formatting rounds ties to even.
    return (
        "less than 1\N{NO-BREAK SPACE}%" if 0 < share < 0.005 else f"{math.floor(share * 100 + 0.5)}\N{NO-BREAK SPACE}%"
    )


def fine_percent(share: float) -> str:
    """A share that may be small or above one, with two digits: 0.31 %, 12 %, 7504 %; more beside a limit: 1.04 %."""
    if 0 < share < 1e-5:
        return "less than 0.001\N{NO-BREAK SPACE}%"
    digits = 2
    while digits < MOST_DIGITS and share not in LIMITS and rounded(share, digits) in LIMITS:
        digits += 1
    return f"{significant(share * 100, digits)}\N{NO-BREAK SPACE}%"


def correlation(number: float) -> str:
    """A correlation with two decimals: 0.87, −0.20; with more where they would make it 1 or a half that it is not."""
    size, decimals = abs(number), 2
    while decimals < MOST_DIGITS and _half_up(size, decimals) in (0.5, 1) and not math.isclose(size, _half_up(size, 2)):
        decimals += 1
    shown = _half_up(size, decimals)
    return f"{'−' if number < 0 and shown else ''}{shown:.{decimals}f}"


def _half_up(size: float, decimals: int) -> float:
    """Rounded half away from zero, as every other number of the page; `round` and `format` round ties to even."""
    return float(math.floor(size * 10**decimals + 0.5) / 10**decimals)


def duration(seconds: float) -> str:
    """3.2 s, 12 ms, 2 min 5 s; what would be written as 1000 ms is 1.0 s."""
    if 0 < seconds < 0.0005:
        return "less than 1\N{NO-BREAK SPACE}ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}\N{NO-BREAK SPACE}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}\N{NO-BREAK SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}\N{NO-BREAK SPACE}min {rest}\N{NO-BREAK SPACE}s"


def moment(iso: str) -> str:
    """An ISO 8601 time to the minute; unchanged when it is none."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone = " UTC" if when.utcoffset() is not None and not when.utcoffset() else ""
    return f"{when:%Y-%m-%d %H:%M}{zone}" if zone else iso


def plural(count: int, noun: str) -> str:
    """1 example, 2 examples."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def part(count: int, total: int, noun: str, one: str, several: str) -> str:
    """1 of 1 map becomes another, 2 of 3 maps become others."""
    return f"{count:,} of {plural(total, noun)} {one if 1 in (count, total) else several}"
