from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import combinations, pairwise, permutations, product
from math import comb, sqrt
from typing import Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saliency_report.metrics import faithfulness
from saliency_report.metrics.agreement import agreement
from saliency_report.metrics.counts import removal_grid, words_in
from saliency_report.metrics.faithfulness import RankingInput, aopc
from saliency_report.metrics.limits import extreme_curves
from saliency_report.metrics.rank import average_precision, kendall_tau_b, order, spearman, top_k_overlap
from saliency_report.metrics.rationale import plausibility
from saliency_report.metrics.removals import Asking, Known, Subset
from saliency_report.metrics.run import over_the_run
from saliency_report.record import (
    Evidence,
    ExampleResult,
    Faithfulness,
    Map,
    Plausibility,
    RandomOrders,
    Ranking,
    RunEvidence,
    Target,
)
from saliency_report.record.verdicts import is_better_than_random

Model = Callable[[Subset], float]
T = TypeVar("T")


def answer(asking: Asking[T], model: Model) -> tuple[T, list[list[Subset]]]:
    """Send F of what is asked for; the result, and the questions."""
    asked: list[list[Subset]] = []
    try:
        wanted = next(asking)
        while True:
            asked.append(wanted)
            wanted = asking.send([model(subset) for subset in wanted])
    except StopIteration as done:
        return done.value, asked


def removed_in_order(
    model: Model, n: int, *rankings: RankingInput, **options: Any
) -> tuple[Faithfulness, list[list[Subset]]]:
    settings: dict[str, Any] = {"removal": "mask", "fractions": [0.25, 0.5], "orders": 20, "seed": 0, "beam": 2}
    return answer(
        faithfulness.faithfulness_of(rankings, n, model(frozenset()), **settings | options),
        model,
    )


def additive(weights: Sequence[float], bias: float = 0) -> Model:
    """F is the sum of what is kept."""
    return lambda removed: bias + sum(w for i, w in enumerate(weights) if i not in removed)


def interacting(n: int, seed: int) -> Model:
    """F of every subset is another whole number, so that words act together in every way."""
    draw = random.Random(seed)
    table = {frozenset(s): float(draw.randrange(-50, 50)) for k in range(n + 1) for s in combinations(range(n), k)}
    return table.__getitem__


def ranking(name: str, scores: Sequence[float], *, signed: bool = True, map_: int | None = 0) -> RankingInput:
    return RankingInput(name, name.title(), map_, scores, signed)


# Ranks


def test_the_strongest_comes_first_and_equals_keep_their_places() -> None:
    assert order([1.0, 3.0, -2.0, 3.0, 1.0]) == [1, 3, 0, 4, 2]
    assert order([0.0, -0.0, 0.0]) == [0, 1, 2]


@pytest.mark.parametrize(
    ("a", "b", "tau"),
    [
        ([1, 2, 3], [1, 2, 3], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 2, 3], [1, 3, 2], 1 / 3),
        ([1, 1, 2, 3], [1, 2, 2, 3], 0.8),  # 4 concordant, a tie in each: 4 / √(5 · 5)
        ([1, 1, 1, 2], [1, 2, 3, 4], 3 / sqrt(18)),
        ([1, 1], [1, 2], None),
        ([1, 2], [4, 4], None),
        ([1], [1], None),
    ],
)
def test_tau_by_hand(a: list[float], b: list[float], tau: float | None) -> None:
    assert kendall_tau_b(a, b) == tau


@pytest.mark.parametrize(
    ("a", "b", "rho"),
    [
        ([1, 2, 3, 4], [10, 20, 40, 30], 0.8),  # 1 − 6 · 2 / (4 · 15)
        ([1, 5, 9], [3, 2, 1], -1.0),
        ([1, 1, 2], [1, 2, 3], sqrt(3) / 2),  # ranks 1.5, 1.5, 3: 1.5 / √(1.5 · 2)
        ([2, 2], [1, 2], None),
        ([], [], None),
    ],
)
def test_spearman_by_hand(a: list[float], b: list[float], rho: float | None) -> None:
    assert spearman(a, b) == (rho if rho is None else pytest.approx(rho, rel=1e-15))


def slow_tau(a: Sequence[int], b: Sequence[int]) -> float | None:
    pairs = [((a[i] > a[j]) - (a[i] < a[j]), (b[i] > b[j]) - (b[i] < b[j])) for i, j in combinations(range(len(a)), 2)]
    untied_a, untied_b = sum(x != 0 for x, _ in pairs), sum(y != 0 for _, y in pairs)
    return sum(x * y for x, y in pairs) / sqrt(untied_a * untied_b) if untied_a and untied_b else None


def slow_rho(a: Sequence[int], b: Sequence[int]) -> float | None:
    def deviations(values: Sequence[int]) -> list[Fraction]:
        ranks = [sum(w < v for w in values) + Fraction(sum(w == v for w in values) + 1, 2) for v in values]
        return [rank - Fraction(sum(ranks), len(ranks)) for rank in ranks]

    x, y = deviations(a), deviations(b)
    product_, square = sum(p * q for p, q in zip(x, y, strict=True)), sum(p * p for p in x) * sum(q * q for q in y)
    return float(product_) / sqrt(square) if square else None


def test_tau_and_spearman_of_all_short_lists_are_those_of_counting_pairs_and_places() -> None:
    lists = list(product(range(3), repeat=4))
    for a in lists[:: len(lists) // 27]:
        for b in lists:
            assert kendall_tau_b(a, b) == slow_tau(a, b)
            assert spearman(a, b) == (None if slow_rho(a, b) is None else pytest.approx(slow_rho(a, b), abs=1e-15))


numbers = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=30)


@given(numbers)
def test_rank_correlations_are_bounded_symmetric_and_blind_to_monotone_maps(pairs: list[tuple[int, int]]) -> None:
    a, b = [x for x, _ in pairs], [y for _, y in pairs]
    for correlation in (kendall_tau_b, spearman):
        value = correlation(a, b)
        assert value == correlation(b, a)
        assert correlation([x**3 - 7 for x in a], b) == value
        if value is None:
            assert len(set(a)) == 1 or len(set(b)) == 1
        else:
            assert -1 <= value <= 1
            assert correlation([-x for x in a], b) == -value
            assert correlation(a, a) == 1.0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20))
def test_rank_correlations_take_any_finite_number(values: list[float]) -> None:
    constant = len(set(values)) == 1
    assert kendall_tau_b(values, values) == (None if constant else 1.0)
    assert spearman(values, values) == (None if constant else 1.0)


def test_overlap_by_hand() -> None:
    assert top_k_overlap([9, 8, 1, 0], [0, 9, 8, 1], 2) == 0.5
    assert top_k_overlap([9, 8, 1, 0], [0, 1, 8, 9], 2) == 0.0
    assert top_k_overlap([9, 8, 1, 0], [0, 1, 8, 9], 4) == 1.0
    assert top_k_overlap([1, 1, 1], [2, 1, 0], 1) == 1.0  # of equals the earlier place


@pytest.mark.parametrize("k", [0, 4])
def test_overlap_of_no_place_or_of_too_many_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=rf"^k is {k}, of 3 scores$"):
        top_k_overlap([1, 2, 3], [1, 2, 3], k)


@pytest.mark.parametrize("function", [kendall_tau_b, spearman, average_precision])
def test_lists_of_two_lengths_are_refused(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"^lengths differ: 1 and 2$"):
        function([1], [1, 2])


@pytest.mark.parametrize(
    ("marked", "scores", "area"),
    [
        ([1, 0, 1, 0], [9, 8, 7, 6], 5 / 6),  # (1 + 2/3) / 2
        ([0, 1, 0, 1], [2, 1, 1, 0], 5 / 12),  # ½ · 1/3 with the two equal ones together, ½ · 2/4
        ([1, 1, 0, 0], [4, 3, 2, 1], 1.0),
        ([0, 0, 0, 1], [4, 3, 2, 1], 0.25),
        ([0, 1, 1, 0, 0], [3, 3, 3, 3, 3], 0.4),
    ],
)
def test_average_precision_by_hand(marked: list[bool], scores: list[float], area: float) -> None:
    assert average_precision(marked, scores) == pytest.approx(area, rel=1e-15)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=12), st.randoms(use_true_random=False)
)
def test_average_precision_does_not_depend_on_the_order_of_the_words(
    words: list[tuple[bool, int]], shuffle: random.Random
) -> None:
    words.append((True, 2))
    area = average_precision(*zip(*words, strict=True))
    total, slow, before = sum(m for m, _ in words), Fraction(0), 0
    for threshold in sorted({s for _, s in words}, reverse=True):
        passed = [m for m, s in words if s >= threshold]
        slow += Fraction(sum(passed) - before, total) * Fraction(sum(passed), len(passed))
        before = sum(passed)
    assert area == pytest.approx(float(slow), rel=1e-15)
    shuffle.shuffle(words)
    assert average_precision(*zip(*words, strict=True)) == area


def test_average_precision_of_nothing_marked_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^nothing is marked$"):
        average_precision([False, False], [1, 2])


# Numbers of words


@pytest.mark.parametrize("n", range(1, 61))
def test_a_grid_goes_from_nothing_to_all_in_about_equal_steps(n: int) -> None:
    grid = removal_grid(n)
    steps = {b - a for a, b in pairwise(grid)}
    assert (grid[0], grid[-1]) == (0, n)
    assert len(grid) == min(n, 20) + 1
    assert steps == {1} if n <= 20 else steps <= {n // 20, n // 20 + 1}


def test_a_grid_by_hand() -> None:
    assert removal_grid(3) == [0, 1, 2, 3]
    assert removal_grid(30) == [0, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30]
    assert removal_grid(40) == list(range(0, 41, 2))


@pytest.mark.parametrize(
    ("fraction", "n", "words"),
    [(0.1, 4, 1), (0.1, 14, 1), (0.1, 15, 2), (0.5, 5, 3), (0.3, 5, 2), (0.29, 50, 15), (1, 7, 7), (1e-9, 9, 1)],
)
def test_a_fraction_of_the_words_is_rounded_half_up(fraction: float, n: int, words: int) -> None:
    assert words_in(fraction, n) == words


@pytest.mark.parametrize("fraction", [0, -0.5, 1.01])
def test_a_fraction_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match=rf"^a fraction of the words is above 0 and at most 1, not {fraction}$"):
        words_in(fraction, 5)


# Faithfulness


def test_an_additive_model_by_hand() -> None:
    weights = [5, 3, -2, 1]
    true, backwards = ranking("true", weights, map_=3), ranking("backwards", [-w for w in weights])
    sizes = ranking("sizes", [5, 3, 2, 1], signed=False)
    found, _ = removed_in_order(additive(weights, 10), 4, true, backwards, sizes, fractions=[0.25, 0.5, 0.8])
    assert (found.removal, found.grid, found.fractions) == ("mask", [0, 1, 2, 3, 4], [0.25, 0.5, 0.8])
    assert (found.score, found.empty_score, found.beam) == (17, 10, 2)
    assert (found.highest, found.lowest) == (7.25, 1.5)
    first, second, third, left_out = found.rankings
    assert (first.name, first.title, first.map) == ("true", "True", 3)
    assert first.deletion == [17, 12, 9, 8, 10]
    assert first.insertion == [10, 15, 18, 19, 17]
    assert first.comprehensiveness == [5, 8, 9]
    assert first.sufficiency == [2, -1, -2]
    assert (first.aopc, first.normalised_aopc, first.tau_loo) == (7.25, 1, 1)
    assert second.deletion == [17, 19, 18, 15, 10]
    assert (second.aopc, second.normalised_aopc, second.tau_loo) == (1.5, 0, -1)
    assert third.deletion == [17, 12, 9, 11, 10]
    assert (third.aopc, third.normalised_aopc, third.tau_loo) == (6.5, 5 / 5.75, 1)  # tau with |drops|
    assert (left_out.name, left_out.title, left_out.map) == ("leave_one_out", "Leaving one word out", None)
    assert left_out.deletion == first.deletion
    assert (left_out.normalised_aopc, left_out.tau_loo) == (1, None)


def test_a_signed_ranking_is_compared_with_the_drops_and_their_signs() -> None:
    found, _ = removed_in_order(additive([5, 3, -2, 1]), 4, ranking("sizes", [5, 3, 2, 1], signed=True))
    assert found.rankings[0].tau_loo == pytest.approx(2 / 3)  # one pair of six is discordant


@pytest.mark.parametrize("n", [12, 20, 21, 30])
def test_the_true_order_beats_every_random_one_and_its_reverse_none(n: int) -> None:
    weights = [(11 * i) % n - n // 3 for i in range(n)]
    assert len(set(weights)) == n
    true, backwards = ranking("true", weights), ranking("backwards", [-w for w in weights])
    found, _ = removed_in_order(additive(weights), n, true, backwards)
    first, second, left_out = found.rankings
    assert (first.beaten, first.normalised_aopc, left_out.beaten) == (20, 1, 20)
    assert (second.beaten, second.normalised_aopc) == (0, 0)
    assert is_better_than_random(first, found.random)
    assert not is_better_than_random(second, found.random)
    drops = [sum(sorted(weights)[-k:]) for k in found.grid[1:]]
    assert first.aopc == pytest.approx(sum(drops) / len(drops), rel=1e-14)


def test_an_equal_random_order_is_not_beaten() -> None:
    found, _ = removed_in_order(additive([2, 2, 2]), 3, ranking("any", [3, 1, 2]))
    assert found.random.aopc == [4] * 20
    assert (found.rankings[0].aopc, found.rankings[0].beaten) == (4, 0)
    assert (found.highest, found.lowest, found.rankings[0].normalised_aopc) == (4, 4, None)
    assert found.rankings[1].deletion == [6, 4, 2, 0]  # leaving one out is constant: by position


def test_random_orders_by_hand() -> None:
    weights, n = [5, 3, -2, 1, 9], 5
    model = additive(weights)
    found, _ = removed_in_order(model, n, orders=3, seed=11)
    draw = np.random.default_rng(11)
    shuffled = [draw.permutation(n).tolist() for _ in range(3)]
    assert (found.random.seed, found.random.orders) == (11, 3)
    curves = {
        "deletion": [[model(frozenset(words[:k])) for k in range(n + 1)] for words in shuffled],
        "insertion": [[model(frozenset(words[k:])) for k in range(n + 1)] for words in shuffled],
    }
    assert found.random.aopc == [16 - sum(curve[1:]) / 5 for curve in curves["deletion"]]
    for name, of_orders in curves.items():
        points = [sorted(point) for point in zip(*of_orders, strict=True)]
        low, high = [a + 0.1 * (b - a) for a, b, _ in points], [c - 0.1 * (c - b) for _, b, c in points]
        assert getattr(found.random, f"{name}_mean") == pytest.approx([sum(point) / 3 for point in points])
        assert getattr(found.random, f"{name}_low") == pytest.approx(low)
        assert getattr(found.random, f"{name}_high") == pytest.approx(high)


def test_a_seed_repeats_and_another_differs() -> None:
    model = interacting(8, 0)
    once, again, other = (removed_in_order(model, 8, ranking("a", range(8)), seed=seed) for seed in (3, 3, 4))
    assert once == again
    assert once[0].random.aopc != other[0].random.aopc


@pytest.mark.parametrize("n", [2, 3, 7, 24])
def test_nothing_is_asked_twice_and_the_empty_set_never(n: int) -> None:
    scores = [[(5 * i + j) % n for i in range(n)] for j in range(3)]
    found, asked = removed_in_order(
        additive([i - 2.5 for i in range(n)]), n, *(ranking(f"r{j}", s) for j, s in enumerate(scores))
    )
    subsets = [subset for batch in asked for subset in batch]
    assert all(asked)
    assert len(subsets) == len(set(subsets))
    assert all(subset and subset <= set(range(n)) for subset in subsets)
    assert {frozenset({i}) for i in range(n)} <= set(asked[0])
    assert len(asked) <= n + 1  # at first all that is known to be needed, then leaving one out, then a level a batch
    assert [r.name for r in found.rankings] == ["r0", "r1", "r2", "leave_one_out"]


@pytest.mark.parametrize(("n", "options"), [(5, {"beam": 0}), (33, {}), (5, {"most_words_for_limits": 4})])
def test_limits_are_sought_only_where_asked_for_and_in_short_texts(n: int, options: dict[str, int]) -> None:
    found, asked = removed_in_order(additive(range(n)), n, ranking("a", range(n)), **options)
    assert (found.highest, found.lowest, found.beam) == (None, None, None)
    assert {r.normalised_aopc for r in found.rankings} == {None}
    assert len(asked) <= 2


def test_limits_are_sought_up_to_32_words() -> None:
    assert removed_in_order(additive(range(32)), 32, beam=1, orders=1)[0].beam == 1


def test_too_few_answers_are_refused() -> None:
    asking = faithfulness.faithfulness_of([], 2, 0, removal="delete", fractions=[], orders=1, seed=0, beam=0)
    assert len(next(asking)) == 3
    with pytest.raises(ValueError, match=r"^2 answers to 3 questions$"):
        asking.send([1.0, 2.0])


@pytest.mark.parametrize(
    ("n", "options", "message"),
    [
        (1, {}, "a ranking is tested on two words or more, not on 1"),
        (0, {}, "a ranking is tested on two words or more, not on 0"),
        (3, {"orders": 0}, "a ranking is compared with one random order or more, not with 0"),
        (3, {"beam": -1}, "a beam is 0, for no search, or more, not -1"),
        (3, {}, "short has 2 scores for 3 words"),
        (2, {"fractions": [2]}, "a fraction of the words is above 0 and at most 1, not 2"),
    ],
)
def test_what_cannot_be_eachis_refused(n: int, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=rf"^{message}$"):
        removed_in_order(additive([1, 2, 3]), n, ranking("short", [1, 2]), **options)


# Limits


def limits(model: Model, n: int, grid: Sequence[int], beam: int) -> tuple[float, float]:
    known: Known = {frozenset(): model(frozenset())}
    (low_curve, high_curve), _ = answer(extreme_curves(known, n, grid, beam), model)
    assert len(low_curve) == len(high_curve) == len(grid)
    return aopc(low_curve), aopc(high_curve)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("n", "grid"), [(2, [0, 1, 2]), (4, [0, 1, 2, 3, 4]), (5, [0, 2, 3, 5]), (6, [0, 3, 6]), (6, [0, 1, 2, 3, 4, 5, 6])]
)
def test_a_wide_beam_finds_the_best_and_the_worst_of_all_orders(n: int, grid: list[int], seed: int) -> None:
    model = interacting(n, seed)
    every = [aopc([model(frozenset(words[:k])) for k in grid]) for words in permutations(range(n))]
    assert limits(model, n, grid, comb(n, n // 2)) == (max(every), min(every))
    for beam in (1, 2, 3):
        high, low = limits(model, n, grid, beam)
        assert min(every) <= low
        assert high <= max(every)
        assert high in every
        assert low in every


def pair_matters(removed: Subset) -> float:
    """Word 0 counts 1; words 1 and 2 count nothing unless both go: then 8."""
    return 10.0 - (0 in removed) - 8 * ({1, 2} <= removed)


def test_a_beam_of_two_sees_the_pair_that_a_greedy_search_misses() -> None:
    grid = [0, 1, 2, 3]
    assert limits(pair_matters, 3, grid, 1)[0] == 10 - (9 + 9 + 1) / 3
    assert limits(pair_matters, 3, grid, 2)[0] == 10 - (10 + 2 + 1) / 3


def test_no_ranking_lies_outside_of_the_limits_though_the_search_missed_it() -> None:
    found, _ = removed_in_order(pair_matters, 3, ranking("pair", [0, 2, 1]), beam=1, orders=1, seed=0)
    assert found.highest == found.rankings[0].aopc == 10 - (10 + 2 + 1) / 3
    assert found.rankings[0].normalised_aopc == 1


def test_a_level_off_the_grid_guides_the_search_by_its_f() -> None:
    weights = list(range(24))
    grid = removal_grid(24)
    high, low = limits(additive(weights), 24, grid, 1)
    assert high == pytest.approx(sum(sum(weights[-k:]) for k in grid[1:]) / 20, rel=1e-14)
    assert low == pytest.approx(sum(sum(weights[:k]) for k in grid[1:]) / 20, rel=1e-14)


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**32), st.integers(1, 4), st.data())
def test_every_aopc_lies_within_the_limits(n: int, seed: int, beam: int, data: st.DataObject) -> None:
    scores = data.draw(st.lists(st.integers(-3, 3), min_size=n, max_size=n))
    found, _ = removed_in_order(interacting(n, seed), n, ranking("a", scores), beam=beam, orders=3)
    assert found.lowest is not None
    assert found.highest is not None
    for area in [r.aopc for r in found.rankings] + found.random.aopc:
        assert found.lowest <= area <= found.highest
    for each in found.rankings:
        assert (each.normalised_aopc is None) == (found.lowest == found.highest)
        assert each.normalised_aopc is None or 0 <= each.normalised_aopc <= 1


# Agreement and plausibility


def test_agreement_by_hand() -> None:
    a, b = [9, 8, 1, 2, 3, 4, 5, 6, 7, 0], [-9, 8, 1, 2, -3, 4, 5, 6, 7, 0]
    c, constant = [0, 9, 8, 2, 3, 4, 5, 6, 7, 1], [2, -2] * 5
    found = agreement(["a", "b", "c", "constant"], [a, b, c, constant])
    assert (found.names, found.top_k) == (["a", "b", "c", "constant"], 2)
    tau = slow_tau(a, c)
    assert found.kendall == [[1, 1, tau, None], [1, 1, tau, None], [tau, tau, 1, None], [None] * 4]
    assert found.overlap == [[1, 1, 0.5, 1], [1, 1, 0.5, 1], [0.5, 0.5, 1, 0.5], [1, 1, 0.5, 1]]


@pytest.mark.parametrize(("n", "k"), [(1, 1), (7, 1), (8, 2), (12, 2), (13, 3), (100, 20)])
def test_agreement_compares_the_strongest_fifth(n: int, k: int) -> None:
    assert agreement(["a"], [list(range(n))]).top_k == k


@given(st.lists(st.lists(st.integers(-5, 5), min_size=6, max_size=6), min_size=1, max_size=4))
def test_agreement_is_symmetric_and_complete_with_oneself(scores: list[list[float]]) -> None:
    found = agreement([str(i) for i in range(len(scores))], scores)
    for i, values in enumerate(scores):
        assert found.overlap[i][i] == 1
        assert found.kendall[i][i] == (None if len({abs(v) for v in values}) == 1 else 1)
        for j in range(len(scores)):
            assert found.overlap[i][j] == found.overlap[j][i]
            assert found.kendall[i][j] == found.kendall[j][i]


def test_agreement_of_names_that_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^2 names for 1 lists of scores, none of them empty$"):
        agreement(["a", "b"], [[1.0]])


@pytest.mark.parametrize(
    ("scores", "signed", "marked", "auprc", "f1", "iou"),
    [
        ([3, -5, 2, 1], True, [1, 1, 0, 0], 0.75, 0.5, 1 / 3),  # (1 + 2/4) / 2; of words 0 and 2 one is marked
        ([3, 5, 2, 1], False, [1, 1, 0, 0], 1, 1, 1),
        ([-1, -2, 4, -3], True, [1, 0, 1, 0], 0.75, 2 / 3, 1 / 2),  # one word alone supports the target
        ([-1, -2, 0, -3], True, [1, 0, 1, 0], 0.5, 0, 0),  # no word does: chance, and nothing found
        ([0, 0, 0, 7], False, [1, 0, 0, 0], 0.25, 0, 0),
        ([0, 0, 3], False, [1, 0, 1], 1 / 2 + 1 / 3, 2 / 3, 1 / 2),  # zero is no evidence
        ([2, 2, 2], False, [1, 0, 0], 1 / 3, 1, 1),  # of equals the earlier word
    ],
)
def test_plausibility_by_hand(
    scores: list[float], signed: bool, marked: list[bool], auprc: float, f1: float, iou: float
) -> None:
    k = sum(marked)
    orders = [average_precision(marked, order) for order in permutations(range(len(marked)))]
    expected = {"k": k, "auprc": auprc, "chance": sum(orders) / len(orders), "f1": f1, "iou": iou}
    found = plausibility(scores, signed, marked)
    assert found is not None
    assert found.model_dump() == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("marked", [[False] * 3, [True] * 3, []])
def test_nothing_is_plausible_where_nothing_or_everything_is_marked(marked: list[bool]) -> None:
    assert plausibility([1.0] * len(marked), True, marked) is None


def test_marks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^1 scores for 2 words$"):
        plausibility([1.0], True, [True, False])


def test_words_that_are_not_measured_go_last_and_do_not_count_in_tau() -> None:
    """F is the sum of the weights that are left; the map has no number for the heaviest word."""
    weights = [8.0, 4.0, 2.0, 1.0]
    found, _ = removed_in_order(additive(weights), 4, RankingInput("a", "A", 0, [None, 3.0, 2.0, 1.0], True))
    assert found.rankings[0].deletion == [15.0, 11.0, 9.0, 8.0, 0.0]
    assert found.rankings[0].tau_loo == 1


# The run


def random_orders(aopcs: list[float]) -> RandomOrders:
    curves = {f"{kind}_{what}": [0.0] for kind in ("deletion", "insertion") for what in ("mean", "low", "high")}
    return RandomOrders.model_validate({"seed": 0, "orders": len(aopcs), "aopc": aopcs, **curves})


def figures(name: str, aopc: float, beaten: int, **changes: Any) -> Ranking:
    fields: dict[str, Any] = {
        "name": name,
        "title": name.title(),
        "map": 0,
        "signed": False,
        "deletion": [0.0],
        "insertion": [0.0],
        "comprehensiveness": [0.0],
        "sufficiency": [aopc / 2, aopc / 4],
        "aopc": aopc,
        "normalised_aopc": None,
        "tau_loo": None,
        "beaten": beaten,
    }
    return Ranking(**fields | changes)


def map_of(method: str, auprc: float | None, index: int = 1, score: float = 1.0) -> Map:
    target = Target(
        quantity="logit",
        label=f"label {index}",
        index=index,
        score=score,
        probability=0.5,
        chosen_by="predicted",
        sentence="",
    )
    plausible = Plausibility(k=1, auprc=auprc, chance=auprc / 2, f1=auprc / 4, iou=auprc / 8) if auprc else None
    return Map(
        title="",
        encoding=0,
        method=method,
        target=target,
        scores={},
        word_scores={},
        special_share=0,
        plausibility=plausible,
    )


def example(
    rankings: list[Ranking] | None, maps: list[Map], random_aopcs: Sequence[float] = (0.0,), headline: int = 0
) -> ExampleResult:
    tests = rankings and Faithfulness(
        removal="mask",
        grid=[0],
        fractions=[0.5],
        score=0,
        empty_score=0,
        highest=None,
        lowest=None,
        beam=None,
        random=random_orders(list(random_aopcs)),
        rankings=rankings,
    )
    evidence = Evidence(faithfulness=tests) if tests else None
    return ExampleResult(id="1", task="text-classification", inputs={}, maps=maps, headline=headline, evidence=evidence)


def test_means_over_the_run_by_hand() -> None:
    examples = [
        example(
            [figures("gradient", 4.0, 19, tau_loo=0.5), figures("leave_one_out", 8.0, 20)],
            [map_of("gradient", None)],
            [1.0] * 20,
        ),
        example(None, []),  # a failure, or no evidence asked for
        example(
            [figures("gradient", 2.0, 1, normalised_aopc=0.25), figures("smoothgrad", 1.0, 0)],
            [map_of("gradient", 0.5), map_of("smoothgrad", None), map_of("occlusion", 1.0, score=1.001)],
            [2.0, 4.0],
        ),
        example(None, [map_of("gradient", 0.1, index=0), map_of("gradient", 1.0)], headline=1),  # not the other target
    ]
    assert over_the_run(examples, {"occlusion": "Occlusion", "gradient": "not used"}) == [
        RunEvidence(
            name="gradient",
            title="Gradient",
            examples=2,
            aopc=3.0,
            random_aopc=2.0,
            sufficiency=1.125,
            normalised_aopc=0.25,
            tau_loo=0.5,
            better_than_random=1,
            auprc=0.75,
            chance=0.375,
            f1=0.1875,
            iou=0.09375,
            marked=2,
        ),
        RunEvidence(
            name="leave_one_out",
            title="Leave_One_Out",
            examples=1,
            aopc=8.0,
            random_aopc=1.0,
            sufficiency=3.0,
            normalised_aopc=None,
            tau_loo=None,
            better_than_random=1,
        ),
        RunEvidence(
            name="smoothgrad",
            title="Smoothgrad",
            examples=1,
            aopc=1.0,
            random_aopc=3.0,
            sufficiency=0.375,
            normalised_aopc=None,
            tau_loo=None,
            better_than_random=0,
        ),
        RunEvidence(
            name="occlusion",
            title="Occlusion",
            examples=0,
            aopc=None,
            random_aopc=None,
            sufficiency=None,
            normalised_aopc=None,
            tau_loo=None,
            better_than_random=0,
            auprc=1.0,
            chance=0.5,
            f1=0.25,
            iou=0.125,
            marked=1,
        ),
    ]


@pytest.mark.parametrize("changes", [{"model": 1}, {"quantity": "probability"}])
def test_figures_in_different_units_have_no_mean(changes: dict[str, Any]) -> None:
    one = example([figures("gradient", 4.0, 20, normalised_aopc=0.5)], [map_of("gradient", 0.5)])
    map_ = one.maps[0]
    other = one.model_copy(update={"model": changes.get("model")})
    target = map_.target.model_copy(update={"quantity": changes.get("quantity", "logit")})
    other = other.model_copy(update={"maps": [map_.model_copy(update={"target": target})]})
    (row,) = over_the_run([one, other])
    assert (row.aopc, row.random_aopc, row.sufficiency) == (None, None, None)
    assert (row.examples, row.normalised_aopc, row.better_than_random, row.auprc) == (2, 0.5, 2, 0.5)
    (row,) = over_the_run([one, one])
    assert (row.aopc, row.random_aopc, row.sufficiency) == (4.0, 0.0, 1.5)


def test_a_title_comes_with_the_tests_though_a_rationale_came_first() -> None:
    examples = [
        example(None, [map_of("gradient", 1.0)]),
        example([figures("gradient", 1.0, 1)], [map_of("gradient", None)]),
    ]
    assert [(e.title, e.examples, e.marked) for e in over_the_run(examples)] == [("Gradient", 1, 1)]
    assert over_the_run(examples[:1])[0].title == "gradient"
    assert over_the_run([]) == []


@pytest.mark.parametrize(
    ("beaten", "orders", "better"),
    [(20, 20, True), (19, 20, True), (18, 20, False), (95, 100, True), (94, 100, False), (1, 1, True), (9, 10, False)],
)
def test_better_than_random_is_better_than_19_of_20(beaten: int, orders: int, better: bool) -> None:
    assert is_better_than_random(figures("a", 1.0, beaten), random_orders([0.0] * orders)) is better


@pytest.mark.parametrize(
    ("module", "known"), [("record.verdicts", ""), ("metrics.run", ""), ("metrics.faithfulness", "numpy")]
)
def test_evidence_needs_no_torch(module: str, known: str) -> None:
    code = f"import sys, saliency_report.{module}; print(*{{'torch', 'transformers', 'numpy'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == known
