"""How alike several methods rank the words of one target."""

from __future__ import annotations

from collections.abc import Sequence

from saliency_report.metrics.counts import words_in
from saliency_report.metrics.rank import kendall_tau_b, top_k_overlap
from saliency_report.record.evidence import Agreement

TOP = 0.2  # the strongest fifth of the words


def agreement(names: Sequence[str], scores: Sequence[Sequence[float]]) -> Agreement:
    """Kendall's tau-b and top-k overlap of each two methods' scores (m, n), signs left aside.

    Signs are left aside because some methods have none: a word that argues against the target ranks as high as one
    that supports it as much. k is a fifth of the n words, rounded half up, at least one. Tau is None where a method's
    sizes are all equal, its own place on the diagonal included. Of equal sizes the earlier word counts as stronger in
    the overlap. Krishna et al. 2022, arXiv:2202.01602. Differs from them in that k follows the length of the text.

    Raises:
        ValueError: names and scores differ in number, or the scores in length, or there are none.
    """
    if len(names) != len(scores) or not scores or not scores[0]:
        raise ValueError(f"{len(names)} names for {len(scores)} lists of scores, none of them empty")
    sizes = [[abs(value) for value in values] for values in scores]
    k = words_in(TOP, len(sizes[0]))
    return Agreement(
        names=list(names),
        kendall=[[kendall_tau_b(a, b) for b in sizes] for a in sizes],
        top_k=k,
        overlap=[[top_k_overlap(a, b, k) for b in sizes] for a in sizes],
    )
