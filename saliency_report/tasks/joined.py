"""A number that depends on several rows of an example, such as its choices, as one map over the tokens of all.

What the rows begin with is the same in all of them, a context for example; what only one row holds stands last in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.record import Encoding, Link
from saliency_report.tasks.base import Prepared
from saliency_report.tasks.encoding import build
from saliency_report.tasks.target import Asked


def members(count: int, asked: Asked, index: int, foil: int | None, link: Link = "softmax") -> list[int]:
    """The rows whose numbers F depends on, the target's first."""
    if asked == "logit" or link == "sigmoid":
        return [index] if foil is None else [index, foil]
    return [index, *(i for i in range(count) if i != index)]


def shared(prepared: Prepared, held: Sequence[int]) -> int:
    """How many tokens stand before the last segment; they are the same in all the rows."""
    rows = [prepared.rows[i] for i in held]
    tokens = [prepared.encodings[i].tokens for i in held]
    last, count = len(prepared.encodings[held[0]].segments) - 1, 0
    while (
        count < min(len(row) for row in rows)
        and all(row.ids[count] == rows[0].ids[count] for row in rows)
        and all(own[count].segment == tokens[0][count].segment for own in tokens)
        and tokens[0][count].segment != last
    ):
        count += 1
    return count


def joined(
    prepared: Prepared,
    held: Sequence[int],
    slopes: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> tuple[Encoding, Tensor, Tensor]:
    """The tokens of some rows, what the rows share once; the gradient of F and the embeddings there, (t, d) each.

    A word of the context stands in several rows, and moving its embedding moves the numbers of all: its gradient is the
    sum of the rows' gradients, each times ∂F/∂(its number), which are the slopes. What only one row holds (the choice,
    and what follows it) keeps its own gradient times that slope, which for a foil is −1.
    """
    count = shared(prepared, held)
    scaled = [gradients[i].values * float(slopes[i]) for i in held]
    gradient = torch.cat([torch.stack([g[:count] for g in scaled]).sum(0), *(g[count:] for g in scaled)])
    embedding = torch.cat([embeddings[held[0]], *(embeddings[i][count:] for i in held[1:])])
    segments, tokens = list(prepared.encodings[held[0]].segments), list(prepared.encodings[held[0]].tokens)
    last = len(segments) - 1
    for i in held[1:]:
        tokens += [
            replace(token, segment=len(segments)) if token.segment == last else token
            for token in prepared.encodings[i].tokens[count:]
        ]
        segments.append(prepared.encodings[i].segments[-1])
    return build(segments, tokens), gradient, embedding


def places_of(prepared: Prepared, held: Sequence[int]) -> list[list[int]]:
    """Of each of some rows, which tokens of `joined` stand in it."""
    places, start = [], shared(prepared, held)
    count = start
    for i in held:
        own = len(prepared.rows[i]) - count
        places.append([*range(count), *range(start, start + own)])
        start += own
    return places
