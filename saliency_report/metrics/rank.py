"""Comparing two orders of the same things, with ties."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate, groupby


def order(scores: Sequence[float]) -> list[int]:
    """Positions from the highest score to the lowest; equal scores by position, the earlier one first."""
    return sorted(range(len(scores)), key=lambda i: -scores[i])


def kendall_tau_b(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Kendall's tau-b: concordant minus discordant pairs, over the pairs that are not tied.

    τ_b = (P − Q) / √((pairs not tied in a) · (pairs not tied in b)); None where a or b is constant. All counts are
    whole numbers, so equal orders give exactly 1. (n,), (n,) -> one number. Kendall 1945; counted as in Knight 1966:
    in the order of a, equal ones in that of b, each discordant pair is a b with a larger one before it.

    Raises:
        ValueError: a and b differ in length.
    """
    _check_lengths(a, b)
    discordant, before = 0, list[float]()
    for _, value in sorted(zip(a, b, strict=True)):
        discordant += len(before) - bisect_right(before, value)
        insort(before, value)
    pairs, tied_a, tied_b, tied = math.comb(len(a), 2), _tied(a), _tied(b), _tied(zip(a, b, strict=True))
    return _cosine(pairs - tied_a - tied_b + tied - 2 * discordant, pairs - tied_a, pairs - tied_b)


def spearman(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's correlation: Pearson's correlation of the ranks, equal scores sharing the average of their ranks.

    ρ = Σᵢ (rᵢ − r̄)(sᵢ − s̄) / √(Σᵢ (rᵢ − r̄)² Σᵢ (sᵢ − s̄)²); None where a or b is constant. (n,), (n,) -> one
    number. Spearman 1904.

    Raises:
        ValueError: a and b differ in length.
    """
    _check_lengths(a, b)
    x, y = _centred_ranks(a), _centred_ranks(b)
    return _cosine(_dot(x, y), _dot(x, x), _dot(y, y))


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


def _tied(values: Iterable[object]) -> int:
    """How many pairs are equal."""
    return sum(math.comb(count, 2) for count in Counter(values).values())


def _centred_ranks(values: Sequence[float]) -> list[int]:
    """Twice the average ranks, less their mean: whole numbers, so that sums of them are exact."""
    counts = Counter(values)
    levels = sorted(counts)
    up_to = accumulate(counts[level] for level in levels)
    rank = {level: 2 * end - counts[level] - len(values) for level, end in zip(levels, up_to, strict=True)}
    return [rank[value] for value in values]


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _cosine(product: int, square_a: int, square_b: int) -> float | None:
    if not square_a or not square_b:
        return None
    return max(-1.0, min(1.0, product / math.sqrt(square_a * square_b)))


def _check_lengths(a: Sequence[object], b: Sequence[object]) -> None:
    if len(a) != len(b):
        raise ValueError(f"lengths differ: {len(a)} and {len(b)}")
