"""How many words: the grid of a removal curve, and a fraction of a text."""

from __future__ import annotations

from fractions import Fraction

STEPS = 20  # of a curve; a shorter text has a point for every word


def removal_grid(n: int) -> list[int]:
    """Numbers of words at which a curve over n words is drawn, from 0 to n.

    Every number while n ≤ 20; else 21 numbers in about equal steps, ⌊i·n / 20 + ½⌋ for i = 0 … 20.
    """
    steps = min(n, STEPS)
    return [(2 * i * n + steps) // (2 * steps) for i in range(steps + 1)]


def words_in(fraction: float, n: int) -> int:
    """A fraction of n words as a whole number, at least one: max(1, ⌊fraction · n + ½⌋).

    The fraction is taken as it is written: 0.29 of 50 is 14.5 and becomes 15, though 0.29 * 50 is less in binary.

    Raises:
        ValueError: the fraction is not above 0 and at most 1.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"a fraction of the words is above 0 and at most 1, not {fraction}")
    return max(1, int(Fraction(str(fraction)) * n + Fraction(1, 2)))
