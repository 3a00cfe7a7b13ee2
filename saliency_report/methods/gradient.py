"""The plain gradient."""

from __future__ import annotations

from saliency_report.methods.base import Attribution, Start, Steps


def gradient(start: Start) -> Steps:
    """The gradient at the text itself, which is known already: no point is asked for.

    g = ∂F/∂x, (t, d). Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034.
    """
    yield from ()
    return Attribution(start.gradient)
