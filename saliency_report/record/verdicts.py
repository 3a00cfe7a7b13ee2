"""Yes or no: the rules by which figures of the record become words, the same for the run and for the page."""

from __future__ import annotations

from saliency_report.record.evidence import RandomOrders, Ranking


def is_better_than_random(ranking: Ranking, random: RandomOrders) -> bool:
    """Whether the ranking has a higher aopc than at least 95 % of the random orders: 19 of 20.

    Equal is not higher. One more random order would pass the test with 20 about twice in 21 times, so a verdict on a
    single text is a hint; over a run it counts how often.
    """
    return 100 * ranking.beaten >= 95 * random.orders
