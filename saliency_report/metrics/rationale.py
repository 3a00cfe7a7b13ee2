"""Are the strongest words of a map those that a person marked?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from saliency_report.metrics.rank import average_precision, order
from saliency_report.record.evidence import Plausibility


def plausibility(scores: Sequence[float], signed: bool, marked: Sequence[bool]) -> Plausibility | None:
    """How well the scores (n,) of the words find the k marked ones; None where no word or every word is marked.

    A rationale holds what supports the target, so a signed score below zero counts as zero, and a word at zero is
    never among the strongest. With T the k strongest words, fewer where fewer are above zero, of equal scores the
    earlier word first, and M the marked ones:

        F1 = 2 |T ∩ M| / (|T| + |M|),   IoU = |T ∩ M| / |T ∪ M|

    `auprc` is the average precision over all words, equal scores taken together; `chance` is what n words in random
    order have on average, ((k − 1)(n − Hₙ)/(n − 1) + Hₙ) / n with Hₙ = 1 + 1/2 + … + 1/n. DeYoung et al. 2020,
    arXiv:1911.03429. Differs from it in that words count, not tokens, in that T has as many words as the person marked,
    and in that IoU is that of two sets of words, not a threshold for matching spans.

    Raises:
        ValueError: scores and marks differ in length.
    """
    if len(scores) != len(marked):
        raise ValueError(f"{len(scores)} scores for {len(marked)} words")
    k = sum(map(bool, marked))
    if k in (0, len(marked)):
        return None
    evidence = [max(score, 0.0) for score in scores] if signed else scores
    strongest = [i for i in order(evidence)[:k] if evidence[i] > 0]
    hits = sum(bool(marked[i]) for i in strongest)
    return Plausibility(
        k=k,
        auprc=average_precision(marked, evidence),
        chance=_chance(k, len(marked)),
        f1=2 * hits / (len(strongest) + k),
        iou=hits / (len(strongest) + k - hits),
    )


def _chance(k: int, n: int) -> float:
    """The mean of the average precision over all orders of n things, k of them marked, 0 < k < n.

    At rank i stands a marked one with probability k / n, and then (k − 1) / (n − 1) of the i − 1 before it are marked
    too: Σᵢ (1 + (i − 1)(k − 1)/(n − 1)) / i, over n.
    """
    harmonic = math.fsum(1 / i for i in range(1, n + 1))
    return ((k - 1) / (n - 1) * (n - harmonic) + harmonic) / n
