"""Scores as a few colour classes, and the palette behind them.

A class, not a colour, stands in the HTML: one rule of the style sheet serves light, dark and print.
Hues are from Okabe and Ito's palette, which colour-blind readers tell apart, brighter in the dark.
Signed scores carry an underline too: solid is positive, dotted negative.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from saliency_report.page.text import rounded
from saliency_report.record import ExampleResult, Map

STEPS = 8


@dataclass(frozen=True)
class Theme:
    """Paper, ink and the hue of the strongest class of each ramp."""

    paper: str
    ink: str
    # Ramps: s, a size without sign; p, positive; n, negative.
    hues: dict[str, str]
    # Contrast of the ink on the strongest class. WCAG asks 4.5, its level AAA 7; at 7 the dark ramps would be hard to
    # tell apart, since they can only run from black to brown and navy.
    least_contrast: float


LIGHT = Theme("#ffffff", "#1b1c1e", {"s": "#e69f00", "p": "#0072b2", "n": "#d55e00"}, 7.0)
DARK = Theme("#17191c", "#f5f4f1", {"s": "#e69f00", "p": "#0090e0", "n": "#e0702a"}, 5.0)


def step(score: float, largest: float) -> int:
    """The class of a score, 0 to STEPS: linear, up to the largest absolute score in view."""
    return math.floor(STEPS * abs(score) / largest + 0.5) if largest > 0 else 0


def css_class(score: float | None, largest: float, signed: bool) -> str:
    """s0..s8 for a size; p or n and 0..8 for a signed score; nothing where there is no score."""
    if score is None:
        return ""
    return f"{('p' if score >= 0 else 'n') if signed else 's'}{step(score, largest)}"


def strongest(scores: Sequence[float | None], indices: Iterable[int]) -> float | None:
    """The score of the largest size among some positions; None when there is no score."""
    there = (scores[i] for i in indices if i < len(scores))
    return max((score for score in there if score is not None), key=abs, default=None)


def largest(result: ExampleResult, maps: Iterable[Map], aggregation: str) -> float:
    """The largest absolute word score of some maps, special tokens left out."""
    return max(
        (
            abs(rounded(score))
            for map_ in maps
            for word, score in zip(result.encodings[map_.encoding].words, map_.word_scores[aggregation], strict=False)
            if not word.special and score is not None
        ),
        default=0.0,
    )


def ramp(theme: Theme, hue: str) -> list[str]:
    """Colours of steps 0 to STEPS, up to the strongest mix that leaves the ink readable."""
    share = 0.9
    while contrast(_mix(theme.paper, hue, share), theme.ink) < theme.least_contrast:
        share -= 0.01
    return [_mix(theme.paper, hue, share * number / STEPS) for number in range(STEPS + 1)]


def palette(theme: Theme) -> dict[str, str]:
    """CSS custom properties of a theme: --s, --p, --n for charts, --s1 .. --n8 behind text."""
    steps = {
        f"--{name}{number}": colour
        for name, hue in theme.hues.items()
        for number, colour in enumerate(ramp(theme, hue))
        if number
    }
    hues = {f"--{name}": hue for name, hue in theme.hues.items()}
    return {"--paper": theme.paper, "--ink": theme.ink} | hues | steps


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two colours written #rrggbb."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _luminance(colour: str) -> float:
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (value / 255 for value in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _mix(paper: str, hue: str, share: float) -> str:
    pairs = zip(_channels(paper), _channels(hue), strict=True)
    return "#" + "".join(f"{round(p + (h - p) * share):02x}" for p, h in pairs)
