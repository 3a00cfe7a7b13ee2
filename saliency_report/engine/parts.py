"""F of many rows, a part of them at a time: the memory that a long text takes does not grow with its length.

The logits of all rows come first, without a graph; F's slope with respect to them is a number each; then the gradient
of every part is that of its logits, each times its slope. By the chain rule this is the gradient of F.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes, slopes
from saliency_report.engine.forward import (
    Gradients,
    collate,
    embeddings_as_leaf,
    logits_of,
    only,
    wide,
    widened,
    without_padding,
)
from saliency_report.models import Loaded
from saliency_report.packing import Budget
from saliency_report.tasks.encoding import Row

AT_ONCE = 4096  # tokens; a budget that was halved goes before it


def at_once(budget: Budget) -> int:
    """How many tokens of a long text go into one pass."""
    most = max(budget.tokens, AT_ONCE)
    return budget.tokens if budget.halved else min(most, budget.most or most)


def in_parts(
    loaded: Loaded,
    rows: Sequence[Row],
    score: Callable[[Tensor], Tensor],
    tokens: int,
    points: Tensor | None = None,
) -> tuple[float, Gradients]:
    """F, which `score` takes from the logits (n, c) of n rows, with its gradient at each row's embeddings.

    `points` (n, t, d) stand in the place of these, but for those that are NaN; a pass has at most so many `tokens`.
    """
    size = max(1, tokens // max(map(len, rows)))
    parts = [slice(start, start + size) for start in range(0, len(rows), size)]

    def passed(part: slice) -> tuple[Tensor, Tensor]:
        with embeddings_as_leaf(loaded.model, None if points is None else points[part]) as leaves:
            logits = widened(logits_of(loaded.model(**collate(rows[part], loaded))))
        return logits, only(leaves)

    with torch.no_grad():
        logits = torch.cat([passed(part)[0] for part in parts])
    with torch.enable_grad():
        free = logits.detach().requires_grad_()
        value = score(free)
        (slope,) = torch.autograd.grad(value, free)
        embeddings: list[Tensor] = []
        gradients: list[Slopes] = []
        for part in parts:
            own, leaf = passed(part)
            (gradient,) = torch.autograd.grad((own * slope[part]).sum(), leaf)
            x = widened(leaf.detach())
            embeddings += without_padding(x, rows[part])
            gradients += slopes(widened(gradient), x, [*map(len, rows[part])])
    return float(value.detach()), Gradients(wide(logits), embeddings, gradients)
