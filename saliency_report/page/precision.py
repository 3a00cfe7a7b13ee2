"""How a model in half precision compares with float32, in words."""

from __future__ import annotations

from saliency_report.page.text import correlation, fine_percent, plural
from saliency_report.record import Precision


def in_words(found: Precision) -> str:
    """The comparison as one line: ρ 0.998 on average and 0.983 at least, over 20 examples …"""
    if not found.examples:
        return f"no map to compare with float32: {_others(found)}"
    parts = []
    if found.spearman_mean is not None and found.spearman_min is not None:
        parts.append(f"ρ {correlation(found.spearman_mean)} on average, {correlation(found.spearman_min)} at least")
    if found.difference is not None:
        parts.append(f"scores {fine_percent(found.difference)} apart")
    parts.append(f"the same strongest word in {found.same_top}")
    if found.same_answer is not None:
        parts.append(f"the same answer in {found.same_answer}")
    left = f"; {_others(found)}" if found.others else ""
    return f"compared with float32 on {plural(found.examples, 'example')}: {', '.join(parts)}{left}"


def _others(found: Precision) -> str:
    return f"{plural(found.others, 'example')} failed there or became another text"
