"""A toy model for tests of the page: F of a text is known in closed form, and with it every figure of faithfulness.

F is a sum over the words that are left, less a little for each two neighbours that are left together. Curves, drops
and figures are computed from it by their definitions.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import method_records
from records import measured
from saliency_report.record import ExampleResult, Faithfulness, RandomOrders, Ranking

FRACTIONS = [0.1, 0.2, 0.3, 0.4, 0.5]
ORDERS = 20


def free_words(result: ExampleResult) -> list[int]:
    """Indices of the words that a test may remove: not special, and before what is generated."""
    head = result.maps[result.headline]
    words = result.encodings[head.encoding].words[: len(next(iter(head.word_scores.values())))]
    return [index for index, word in enumerate(words) if not word.special]


def toy(effects: Sequence[float]) -> Callable[[frozenset[int]], float]:
    """F of what is left after some words, counted from 0, are removed."""

    def f(removed: frozenset[int]) -> float:
        left = [0.0 if index in removed else effect for index, effect in enumerate(effects)]
        return 0.5 + sum(left) - 0.1 * sum(math.sqrt(abs(a * b)) for a, b in pairwise(left))

    return f


def aopc(curve: Sequence[float]) -> float:
    return curve[0] - sum(curve[1:]) / (len(curve) - 1)


def by_size(scores: Sequence[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda index: -scores[index])


def percentile(values: Sequence[float], share: float) -> float:
    """Linear between the sorted values."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low = math.floor(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def kendall(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Tau-b, without haste."""
    pairs = [(one[i] - one[j], other[i] - other[j]) for i in range(len(one)) for j in range(i)]
    signs = [((a > 0) - (a < 0), (b > 0) - (b < 0)) for a, b in pairs]
    ties = math.sqrt(sum(a != 0 for a, _ in signs) * sum(b != 0 for _, b in signs))
    return sum(a * b for a, b in signs) / ties if ties else None


def faithfulness(result: ExampleResult, effects: Sequence[float] | None = None, **changes: Any) -> Faithfulness:
    """The test of every map of the headline's target; `effects` are what each free word adds to F.

    Left out, they follow the headline map, so that it is faithful.
    """
    free = free_words(result)
    head = result.maps[result.headline]
    scores = {
        index: measured([next(iter(map_.word_scores.values()))[word] for word in free])
        for index, map_ in enumerate(result.maps)
        if map_.target == head.target
    }
    assert effects is None or len(effects) == len(free)
    f = toy(
        effects
        if effects is not None
        else [0.9 * abs(s) / max(map(abs, scores[result.headline])) for s in scores[result.headline]]
    )
    n, grid = len(free), list(range(len(free) + 1))
    counts = [max(1, math.floor(share * n + 0.5)) for share in FRACTIONS]
    everything = frozenset(range(n))

    def deletion(order: Sequence[int], at: Sequence[int]) -> list[float]:
        return [f(frozenset(order[:k])) for k in at]

    def insertion(order: Sequence[int], at: Sequence[int]) -> list[float]:
        return [f(frozenset(order[k:])) for k in at]

    draw = random.Random(0)
    shuffled = [draw.sample(range(n), n) for _ in range(ORDERS)]
    deletions = [deletion(order, grid) for order in shuffled]
    insertions = [insertion(order, grid) for order in shuffled]
    chance = RandomOrders(
        seed=0,
        orders=ORDERS,
        aopc=[aopc(curve) for curve in deletions],
        deletion_mean=[sum(at) / ORDERS for at in zip(*deletions, strict=True)],
        deletion_low=[percentile(at, 0.05) for at in zip(*deletions, strict=True)],
        deletion_high=[percentile(at, 0.95) for at in zip(*deletions, strict=True)],
        insertion_mean=[sum(at) / ORDERS for at in zip(*insertions, strict=True)],
        insertion_low=[percentile(at, 0.05) for at in zip(*insertions, strict=True)],
        insertion_high=[percentile(at, 0.95) for at in zip(*insertions, strict=True)],
    )
    whole = f(frozenset())
    drops = [whole - f(frozenset({index})) for index in range(n)]
    titles = {method.name: method.title for method in method_records.METHODS}
    signs = method_records.SIGNED
    named: list[tuple[str, str, int | None, list[float]]] = []
    for index, values in scores.items():
        map_ = result.maps[index]
        named.append((map_.method, titles[map_.method], index, values))
        if map_.method == "gradient":
            signed = [measured(map_.word_scores["gradient_x_input"])[word] for word in free]
            named.append(("gradient_x_input", "gradient × input", index, signed))
    named.append(("leave_one_out", "Leaving one word out", None, drops))
    areas = [aopc(deletion(by_size(values), grid)) for *_, values in named]
    lowest, highest = min([*areas, *chance.aopc]) - 0.1, max([*areas, *chance.aopc]) + 0.05
    rankings = [
        Ranking(
            name=name,
            title=title,
            map=index,
            signed=index is None or (name in signs or result.maps[index].first_score in signs),
            deletion=deletion(order, grid),
            insertion=insertion(order, grid),
            comprehensiveness=[whole - value for value in deletion(order, counts)],
            sufficiency=[whole - value for value in insertion(order, counts)],
            aopc=area,
            normalised_aopc=(area - lowest) / (highest - lowest),
            tau_loo=None if index is None else kendall(values, drops),
            beaten=sum(other < area for other in chance.aopc),
        )
        for (name, title, index, values), area in zip(named, areas, strict=True)
        for order in [by_size(values)]
    ]
    fields: dict[str, Any] = {
        "removal": "mask" if result.task == "text-classification" else "delete",
        "grid": grid,
        "fractions": FRACTIONS,
        "score": whole,
        "empty_score": f(everything),
        "highest": highest,
        "lowest": lowest,
        "beam": 2,
        "random": chance,
        "rankings": rankings,
    }
    return Faithfulness(**fields | changes)
