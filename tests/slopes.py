"""What a record's scores are held to: central differences of a number that a test computes by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import Tensor

from records import measured
from saliency_report.record import Map

STEP = 1e-4


def slopes(function: Callable[[Tensor], float], x: Tensor) -> list[float]:
    """Gradient times input: how fast a function of embeddings (t, d) grows along each token's own."""
    found = []
    for i in range(len(x)):
        step = x.new_zeros(x.shape)
        step[i] = STEP * x[i]
        found.append((function(x + step) - function(x - step)) / (2 * STEP))
    return found


def check_slopes(map_: Map, function: Callable[[Tensor], float], x: Tensor) -> None:
    """A map's number and its gradient times input are those of the function."""
    assert map_.target.score == pytest.approx(function(x), rel=1e-9)
    expected = slopes(function, x)
    size = max(map(abs, expected))
    assert measured(map_.scores["gradient_x_input"]) == pytest.approx(expected, rel=1e-5, abs=1e-6 * size)
