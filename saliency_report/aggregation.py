"""From a gradient of d numbers a token to one number a token, and from tokens to words. Pure tensor functions.

A word is treated as one block of coordinates, those of all its tokens: its l2 is the norm of the whole block, its sum
the sum over the whole block. So a word has the same kind of number as a token, and signed sums stay complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True)
class Aggregation:
    """One way to make a number of a gradient `g` and the embedding `x` it was taken at.

    `token(g, x)`: (..., t, d), (t, d) -> (..., t). `word` says how the scores of a word's tokens become the word's.
    """

    name: str
    title: str
    signed: bool
    sentence: str
    formula: str
    token: Callable[[Tensor, Tensor], Tensor]
    word: Literal["norm", "sum", "mean", "amax"]


# The first one is the headline.
AGGREGATIONS: dict[str, Aggregation] = {
    aggregation.name: aggregation
    for aggregation in (
        Aggregation(
            "l2",
            "gradient norm (L2)",
            False,
            "How steeply the explained number changes when the token's embedding moves, in the direction in which it "
            "changes most. It has no sign: a high value says that the token matters, not what it argues for.",
            "√Σⱼ gⱼ²",
            lambda g, x: g.norm(dim=-1),
            "norm",
        ),
        Aggregation(
            "l1",
            "gradient norm (L1)",
            False,
            "The absolute slopes along all coordinates of the embedding, added up. It has no sign.",
            "Σⱼ |gⱼ|",
            lambda g, x: g.abs().sum(dim=-1),
            "sum",
        ),
        Aggregation(
            "max",
            "largest slope",
            False,
            "The largest absolute slope along a single coordinate of the embedding. It has no sign.",
            "maxⱼ |gⱼ|",
            lambda g, x: g.abs().amax(dim=-1),
            "amax",
        ),
        Aggregation(
            "sum",
            "sum of slopes",
            True,
            "The slopes added up with their signs: what happens to the explained number when every coordinate of the "
            "embedding grows by the same small amount. That direction means nothing in particular to a model, so "
            "read it as a check on other maps.",
            "Σⱼ gⱼ",
            lambda g, x: g.sum(dim=-1),
            "sum",
        ),
        Aggregation(
            "mean",
            "mean of slopes",
            True,
            "The sum of slopes divided by the number of coordinates. It orders single tokens as the sum does.",
            "(1/d) Σⱼ gⱼ",
            lambda g, x: g.mean(dim=-1),
            "mean",
        ),
        Aggregation(
            "gradient_x_input",
            "gradient × input",
            True,
            "The slope along the embedding itself: to first order, what the explained number would lose if the "
            "embedding shrank to zero. Positive supports the target, negative argues against it.",
            "Σⱼ gⱼ xⱼ",
            lambda g, x: (g * x).sum(dim=-1),
            "sum",
        ),
    )
}


def token_scores(gradients: Tensor, embeddings: Tensor) -> dict[str, Tensor]:
    """Every aggregation of gradients (..., t, d) taken at embeddings (t, d), each (..., t)."""
    return {a.name: a.token(gradients, embeddings) for a in AGGREGATIONS.values()}


def word_scores(scores: dict[str, Tensor], words: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Token scores (t,) gathered over the words, each (w,); a word without a scored token is left out.

    The tokens of a word are ascending and words stand in order, so for a prefix of the tokens (a generated token sees
    no more) the words come out as a prefix too, the last one with the tokens that are visible.
    """
    of_token = torch.tensor([i for i, word in enumerate(words) for _ in word])
    return {name: _gather(values, of_token[: len(values)], AGGREGATIONS[name].word) for name, values in scores.items()}


def _gather(values: Tensor, word: Tensor, how: str) -> Tensor:
    zeros = values.new_zeros(int(word[-1]) + 1)
    if how == "norm":
        return zeros.index_add(0, word, values.square()).sqrt()
    return zeros.scatter_reduce(0, word, values, how, include_self=False)
