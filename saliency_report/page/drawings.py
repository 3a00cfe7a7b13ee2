"""Small drawings that carry their colours in attributes, for the page without a style sheet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from saliency_report.page import colour

PALETTE = {name.removeprefix("--"): value for name, value in colour.palette(colour.LIGHT).items()}
QUIET = "#45474a"
_LENGTH = 180


def scale(signed: bool) -> str:
    """The colours from the least to the most."""
    names = [f"n{step}" for step in range(colour.STEPS, 0, -1)] if signed else []
    names += ["paper", *(f"{'p' if signed else 's'}{step}" for step in range(1, colour.STEPS + 1))]
    width = _LENGTH / len(names)
    rects = [_rect(width * place, width + 0.5, PALETTE[name]) for place, name in enumerate(names)]
    frame = f'<rect x="0.5" y="0.5" width="{_LENGTH - 1}" height="11" fill="none" stroke="{QUIET}"/>'
    return _drawing(*rects, frame)


def bars(scores: Iterable[float | None], end: float, signed: bool) -> Iterator[str]:
    """A bar for each score, from the left, or from the middle where there is a sign."""
    longest = _LENGTH / 2 if signed else _LENGTH
    axis = f'<path d="M{longest:g} 0V12" stroke="{QUIET}"/>' if signed else ""
    for score in scores:
        if not score or not end:
            yield _drawing(axis)
            continue
        length = min(abs(score) / end, 1.0) * longest
        hue = "s" if not signed else "p" if score > 0 else "n"
        start = {"s": 0.0, "p": longest, "n": longest - length}[hue]
        yield _drawing(_rect(start, length, colour.LIGHT.hues[hue]), axis)


def _drawing(*parts: str) -> str:
    return f'<svg width="{_LENGTH}" height="12" aria-hidden="true">{"".join(parts)}</svg>'


def _rect(x: float, width: float, fill: str) -> str:
    return f'<rect x="{x:.4g}" width="{width:.4g}" height="12" fill="{fill}"/>'
