"""The largest and the smallest AOPC that any order of removal has, by beam search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from saliency_report.metrics.removals import Asking, Known, Subset, ask


@dataclass(frozen=True)
class _State:
    """Words removed so far, and F at each point of the grid on the way there."""

    removed: Subset
    curve: tuple[float, ...]


def extreme_curves(known: Known, n: int, grid: Sequence[int], beam: int) -> Asking[tuple[list[float], list[float]]]:
    """The deletion curves with the smallest and with the largest sum of F that a beam search over n words finds.

    One word is removed at a time. At each level every state of the beam is extended by every word that is left, and
    the `beam` states with the best sum of F over the grid go on. A level that is not on the grid does not count in
    the sum; its F serves once, as an estimate of the next one, to choose who goes on. Of several ways to the same
    removed words only the best goes on: what follows is the same for all. So a beam as wide as the number of sets of
    one size finds the true extremes. Edin et al. 2025, arXiv:2408.08137.

    Differs from Edin et al. in that a beam holds different sets of words, where theirs holds different orders.
    """
    empty = frozenset[int]()
    beams = {sign: [_State(empty, (known[empty],))] for sign in (1, -1)}
    for level in range(1, n + 1):
        reached = {sign: _extended(states, n, sign) for sign, states in beams.items()}
        yield from ask(known, (subset for ways in reached.values() for subset in ways))
        for sign, ways in reached.items():
            costs = {subset: sign * fsum([*curve, known[subset]]) for subset, curve in ways.items()}
            best = sorted(ways, key=costs.__getitem__)[:beam]
            on_grid = level in grid
            beams[sign] = [_State(s, (*ways[s], known[s]) if on_grid else ways[s]) for s in best]
    return list(beams[1][0].curve), list(beams[-1][0].curve)


def _extended(states: Sequence[_State], n: int, sign: int) -> dict[Subset, tuple[float, ...]]:
    """Each set with one word more than a state, and the best curve on the way to it."""
    ways: dict[Subset, tuple[float, ...]] = {}
    for state in sorted(states, key=lambda state: sign * fsum(state.curve)):
        for word in range(n):
            if word not in state.removed:
                ways.setdefault(state.removed | {word}, state.curve)
    return ways
