"""Comparing two orders of the same things, with ties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt


def order(scores: Sequence[float]) -> list[int]:
    """Positions from the highest score to the lowest; equal scores by position, the earlier one first."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def kendall_tau_b(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Kendall's tau-b: concordant minus discordant pairs, over the pairs that are not tied.

    τ_b = (P − Q) / √((pairs not tied in a) · (pairs not tied in b)); None where a or b is constant. All counts are
    whole numbers, so equal orders give exactly 1. (n,), (n,) -> one number. Kendall 1945.

    Raises:
        ValueError: a and b differ in length.
    """
    _check_lengths(a, b)
    x, y = _levels(a)[0], _levels(b)[0]
    surplus = untied_a = untied_b = 0
    for i in range(len(x) - 1):  # a row at a time: all pairs at once would need n² numbers
        dx, dy = np.sign(x[i + 1 :] - x[i]), np.sign(y[i + 1 :] - y[i])
        surplus += int(dx @ dy)
        untied_a += int(np.count_nonzero(dx))
        untied_b += int(np.count_nonzero(dy))
    return _cosine(surplus, untied_a, untied_b)


def spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's correlation: Pearson's correlation of the ranks, equal scores sharing the average of their ranks.

    ρ = Σᵢ (rᵢ − r̄)(sᵢ − s̄) / √(Σᵢ (rᵢ − r̄)² Σᵢ (sᵢ − s̄)²); None where a or b is constant. (n,), (n,) -> one
    number. Spearman 1904.

    Raises:
        ValueError: a and b differ in length.
    """
    _check_lengths(a, b)
    x, y = _centred_ranks(a), _centred_ranks(b)
    return _cosine(int(x @ y), int(x @ x), int(y @ y))


def top_k_overlap(a: Sequence[float], b: Sequence[float], k: int) -> float:
    """Share of the k highest places of a that are also among the k highest of b: |A ∩ B| / k.

    Of equal scores the earlier place counts as higher. Krishna et al. 2022, arXiv:2202.01602, call it feature
    agreement.

    Raises:
        ValueError: a and b differ in length, or k is not between 1 and their length.
    """
    _check_lengths(a, b)
    if not 1 <= k <= len(a):
        raise ValueError(f"k is {k}, of {len(a)} scores")
    return len(set(order(a)[:k]) & set(order(b)[:k])) / k


def average_precision(marked: Sequence[bool], scores: Sequence[float]) -> float:
    """Area under the precision-recall curve as a sum of steps: Σₜ (Rₜ − Rₜ₋₁) Pₜ over the thresholds t.

    Equal scores pass a threshold together, so their order does not matter, and scores that are all equal have the
    share of marked places. Differs from DeYoung et al. 2020 (arXiv:1911.03429) in the rule: their program joins the
    points of the curve by straight lines, which is too high where precision does not change linearly with recall
    (Davis and Goadrich 2006).

    Raises:
        ValueError: nothing is marked, or the lengths differ.
    """
    _check_lengths(marked, scores)
    if not any(marked):
        raise ValueError("nothing is marked")
    seen = found = 0
    steps = []
    for _, places in groupby(order(scores), key=lambda i: scores[i]):
        group = [bool(marked[i]) for i in places]
        seen += len(group)
        found += sum(group)
        steps.append(sum(group) * found / seen)
    return math.fsum(steps) / found


def _levels(values: Sequence[float]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The place of each value among the distinct ones, ascending; and how often each distinct value occurs."""
    _, level, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    return level.astype(np.int64), counts.astype(np.int64)


def _centred_ranks(values: Sequence[float]) -> npt.NDArray[np.int64]:
    """Twice the average ranks, less their mean: whole numbers, so that sums of them are exact."""
    level, counts = _levels(values)
    below = np.cumsum(counts) - counts
    return (2 * below + counts - len(values))[level]


def _cosine(product: int, square_a: int, square_b: int) -> float | None:
    if not square_a or not square_b:
        return None
    return max(-1.0, min(1.0, product / math.sqrt(square_a * square_b)))


def _check_lengths(a: Sequence[object], b: Sequence[object]) -> None:
    if len(a) != len(b):
        raise ValueError(f"lengths differ: {len(a)} and {len(b)}")
