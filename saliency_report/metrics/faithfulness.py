"""Does F change more when words that a map ranks high are removed than when others are?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, inf
from typing import Literal

import numpy as np

from saliency_report.metrics.counts import removal_grid, words_in
from saliency_report.metrics.limits import extreme_curves
from saliency_report.metrics.rank import kendall_tau_b, order
from saliency_report.metrics.removals import Asking, Known, Subset, ask
from saliency_report.record.evidence import Faithfulness, RandomOrders, Ranking

Removals = Asking[Faithfulness]


@dataclass(frozen=True)
class RankingInput:
    """One ranking to test: a score (n,) for each word that may be removed, the highest score first to go.

    A signed score ranks what supports the target first. A word that is not measured, None, goes last. `map` is an index
    into the example's maps.
    """

    name: str
    title: str
    map: int | None
    scores: Sequence[float | None]
    signed: bool


def faithfulness_of(
    rankings: Sequence[RankingInput],
    n: int,
    score: float,
    *,
    removal: Literal["mask", "delete"],
    fractions: Sequence[float],
    orders: int,
    seed: int,
    beam: int,
    most_words_for_limits: int = 32,
) -> Removals:
    """Remove n words in the order of each ranking, of leaving one word out, and in random orders.

    A generator: it yields lists of sets of removed words, indices 0 … n−1, and is sent F of the text without each.
    `score` is F(x); no set is asked for twice, and never the empty one. With x∖R the text without the words of R and
    top_k the k highest of a ranking:

    - comprehensiveness_k = F(x) − F(x∖top_k),  sufficiency_k = F(x) − F(top_k alone);
    - aopc = F(x) − mean of F(x∖top_k) over the grid's k > 0;
    - normalised aopc = (aopc − lowest) / (highest − lowest), with the smallest and largest aopc of any order. They
      come from a beam search, for n ≤ most_words_for_limits and a beam above 0, and from every order seen here, so
      that no ranking lies outside.

    The ranking `leave_one_out`, by F(x) − F(x∖{i}), comes last; `tau_loo` compares the others with it, a score
    without a sign with the size of the drops. Beside them are `orders` orders that `seed` draws.

    Sources: Samek et al. 2017, arXiv:1509.06321 (aopc); DeYoung et al. 2020, arXiv:1911.03429 (comprehensiveness,
    sufficiency); Edin et al. 2025, arXiv:2408.08137 (normalised aopc).
    Differs from them in that F is the explained quantity, a logit for example, and not always a probability. Differs
    from Samek et al. in that a step removes words and not a region, and in that the mean leaves out k = 0, where
    nothing is removed. Differs from DeYoung et al. in that the aopc goes over the whole text, not over the fractions.

    Raises:
        ValueError: n is below 2, a ranking has another number of scores, there is no random order, the beam is
            negative, or a fraction is not above 0 and at most 1.
    """
    _check(rankings, n, orders, beam)
    grid = removal_grid(n)
    counts = [words_in(fraction, n) for fraction in fractions]
    wanted_counts = sorted({*grid, *counts})
    draw = np.random.default_rng(seed)
    shuffled = [draw.permutation(n).tolist() for _ in range(orders)]
    ranked = [order([-inf if score is None else score for score in ranking.scores]) for ranking in rankings]
    singles = [frozenset({i}) for i in range(n)]
    known: Known = {frozenset(): score}
    first = [_both(words, wanted_counts) for words in ranked] + [_both(words, grid) for words in shuffled]
    yield from ask(known, [*singles, *(subset for subsets in first for subset in subsets)])

    drops = [score - known[single] for single in singles]
    ranked.append(order(drops))
    yield from ask(known, _both(ranked[-1], wanted_counts))

    deletions = [_deletion(known, words, grid) for words in ranked]
    random = _random_orders(known, shuffled, grid, seed)
    aopcs = [aopc(curve) for curve in deletions]
    highest = lowest = None
    if beam and n <= most_words_for_limits:
        curves = yield from extreme_curves(known, n, grid, beam)
        seen = [*aopcs, *random.aopc, *(aopc(curve) for curve in curves)]
        highest, lowest = max(seen), min(seen)

    left_out = RankingInput("leave_one_out", "Leaving one word out", None, drops, True)
    return Faithfulness(
        removal=removal,
        grid=grid,
        fractions=list(fractions),
        score=score,
        empty_score=known[frozenset(range(n))],
        highest=highest,
        lowest=lowest,
        beam=beam if highest is not None else None,
        random=random,
        rankings=[
            Ranking(
                name=ranking.name,
                title=ranking.title,
                map=ranking.map,
                signed=ranking.signed,
                deletion=deletion,
                insertion=_insertion(known, words, grid),
                comprehensiveness=[score - value for value in _deletion(known, words, counts)],
                sufficiency=[score - value for value in _insertion(known, words, counts)],
                aopc=area,
                normalised_aopc=_normalised(area, highest, lowest),
                tau_loo=None if ranking is left_out else _tau(ranking, drops),
                beaten=sum(other < area for other in random.aopc),
            )
            for ranking, words, deletion, area in zip([*rankings, left_out], ranked, deletions, aopcs, strict=True)
        ],
    )


def aopc(deletion: Sequence[float]) -> float:
    """Area over the perturbation curve: F(x), the curve's first point, less the mean of its other points."""
    return deletion[0] - fsum(deletion[1:]) / (len(deletion) - 1)


def _both(words: Sequence[int], counts: Sequence[int]) -> list[Subset]:
    """What a deletion and an insertion curve need: the first words removed, and all but them."""
    return [frozenset(words[:k]) for k in counts] + [frozenset(words[k:]) for k in counts]


def _deletion(known: Known, words: Sequence[int], counts: Sequence[int]) -> list[float]:
    return [known[frozenset(words[:k])] for k in counts]


def _insertion(known: Known, words: Sequence[int], counts: Sequence[int]) -> list[float]:
    return [known[frozenset(words[k:])] for k in counts]


def _random_orders(known: Known, shuffled: Sequence[Sequence[int]], grid: Sequence[int], seed: int) -> RandomOrders:
    deletions = [_deletion(known, words, grid) for words in shuffled]
    insertions = [_insertion(known, words, grid) for words in shuffled]
    return RandomOrders(
        seed=seed,
        orders=len(shuffled),
        aopc=[aopc(curve) for curve in deletions],
        deletion_mean=np.mean(deletions, axis=0).tolist(),
        deletion_low=np.percentile(deletions, 5, axis=0).tolist(),
        deletion_high=np.percentile(deletions, 95, axis=0).tolist(),
        insertion_mean=np.mean(insertions, axis=0).tolist(),
        insertion_low=np.percentile(insertions, 5, axis=0).tolist(),
        insertion_high=np.percentile(insertions, 95, axis=0).tolist(),
    )


def _normalised(area: float, highest: float | None, lowest: float | None) -> float | None:
    if highest is None or lowest is None or highest == lowest:
        return None
    return (area - lowest) / (highest - lowest)


def _tau(ranking: RankingInput, drops: Sequence[float]) -> float | None:
    pairs = [(score, drop) for score, drop in zip(ranking.scores, drops, strict=True) if score is not None]
    return kendall_tau_b([s for s, _ in pairs], [drop if ranking.signed else abs(drop) for _, drop in pairs])


def _check(rankings: Sequence[RankingInput], n: int, orders: int, beam: int) -> None:
    if n < 2:
        raise ValueError(f"a ranking is tested on two words or more, not on {n}")
    if orders < 1:
        raise ValueError(f"a ranking is compared with one random order or more, not with {orders}")
    if beam < 0:
        raise ValueError(f"a beam is 0, for no search, or more, not {beam}")
    for ranking in rankings:
        if len(ranking.scores) != n:
            raise ValueError(f"{ranking.name} has {len(ranking.scores)} scores for {n} words")
