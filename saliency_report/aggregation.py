"""From an attribution of d numbers a token to one number a token, and from tokens to words. Pure tensor functions.

A word is treated as one block of coordinates, those of all its tokens: its l2 is the norm of the whole block, its sum
the sum over the whole block. So a word has the same kind of number as a token, and signed sums stay complete.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import numpy
import torch
from torch import Tensor

Array = numpy.ndarray[Any, numpy.dtype[Any]]


@dataclass(frozen=True)
class Aggregation:
    """One way to make a number of an attribution `a`, such as a gradient `g`, and the embedding `x` it belongs to.

    `token(a, x)`: (..., t, d), (..., t, d) -> (..., t). `word` says how the scores of a word's tokens become the
    word's; None that they do not, and a word is measured itself: the drops of two tokens do not tell the drop of both.
    What is one number a token from the start, a drop or an attention, comes as an attribution with d = 1.
    """

    name: str
    title: str
    signed: bool
    sentence: str
    formula: str
    token: Callable[[Tensor, Tensor], Tensor]
    word: Literal["norm", "sum", "mean", "amax"] | None


def _sum(a: Tensor, x: Tensor) -> Tensor:
    return a.sum(dim=-1)


def _l1(a: Tensor, x: Tensor) -> Tensor:
    return a.abs().sum(dim=-1)


def _l2(a: Tensor, x: Tensor) -> Tensor:
    norms: Tensor = a.norm(dim=-1)
    return norms


def _largest(a: Tensor, x: Tensor) -> Tensor:
    return a.abs().amax(dim=-1)


GRADIENT_SCORES = ("l2", "l1", "max", "sum", "mean", "gradient_x_input")

# The scores of a gradient first, the headline before all; then those of the other methods.
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
            _l2,
            "norm",
        ),
        Aggregation(
            "l1",
            "gradient norm (L1)",
            False,
            "The absolute slopes along all coordinates of the embedding, added up. It has no sign.",
            "Σⱼ |gⱼ|",
            _l1,
            "sum",
        ),
        Aggregation(
            "max",
            "largest slope",
            False,
            "The largest absolute slope along a single coordinate of the embedding. It has no sign.",
            "maxⱼ |gⱼ|",
            _largest,
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
            _sum,
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
            "embedding shrank to zero. Positive raises the explained number, negative lowers it.",
            "Σⱼ gⱼ xⱼ",
            lambda g, x: (g * x).sum(dim=-1),
            "sum",
        ),
        Aggregation(
            "attribution",
            "attribution",
            True,
            "How much of F(x) − F(baseline) this token accounts for; all of them add up to it, as closely as the map's "
            "completeness says. Positive raises the explained number, negative lowers it.",
            "Σⱼ aⱼ",
            _sum,
            "sum",
        ),
        Aggregation(
            "attribution_l2",
            "attribution norm (L2)",
            False,
            "The length of the token's attribution, in which coordinates that work against each other do not cancel. "
            "It has no sign, and these do not add up to F(x) − F(baseline).",
            "√Σⱼ aⱼ²",
            _l2,
            "norm",
        ),
        Aggregation(
            "attribution_l1",
            "attribution norm (L1)",
            False,
            "The absolute attributions of all coordinates of the embedding, added up: nothing cancels. It has no sign, "
            "and all of them together are usually much more than F(x) − F(baseline).",
            "Σⱼ |aⱼ|",
            _l1,
            "sum",
        ),
        Aggregation(
            "attribution_max",
            "largest attribution",
            False,
            "The largest absolute attribution of a single coordinate of the embedding. It has no sign.",
            "maxⱼ |aⱼ|",
            _largest,
            "amax",
        ),
        Aggregation(
            "mean_square",
            "mean squared slope",
            False,
            "The squared slopes along all coordinates of the embedding, their mean over noisy copies of the text, "
            "added up. It has no sign, and grows with the square of a slope.",
            "Σⱼ mean gⱼ²",
            _sum,
            "sum",
        ),
        Aggregation(
            "max_mean_square",
            "largest mean squared slope",
            False,
            "The largest mean squared slope along a single coordinate of the embedding. It has no sign.",
            "maxⱼ mean gⱼ²",
            _largest,
            "amax",
        ),
        Aggregation(
            "variance",
            "variance of slopes",
            False,
            "How much the slopes differ between noisy copies of the text: their variances along all coordinates of the "
            "embedding, added up. It has no sign; it says how unsteady a slope is, not how large.",
            "Σⱼ var gⱼ",
            _sum,
            "sum",
        ),
        Aggregation(
            "max_variance",
            "largest variance of slopes",
            False,
            "The largest variance of the slope along a single coordinate of the embedding. It has no sign.",
            "maxⱼ var gⱼ",
            _largest,
            "amax",
        ),
        Aggregation(
            "drop",
            "drop",
            True,
            "How far the explained number falls when this token is taken out and all others stay. Positive raises the "
            "number, negative lowers it; drops do not add up to anything.",
            "F(x) − F(x without it)",
            _sum,
            None,
        ),
        Aggregation(
            "attention",
            "attention",
            False,
            "How much attention the explained position pays to this token, through all layers. It has no sign: it "
            "says where the model looked, not what for.",
            "R of the explained position, at this token",
            _sum,
            "sum",
        ),
    )
}


def token_scores(attribution: Tensor, embeddings: Tensor, names: Sequence[str] = GRADIENT_SCORES) -> dict[str, Tensor]:
    """The named aggregations of an attribution (..., t, d) at embeddings (..., t, d), each (..., t), in order."""
    return {name: AGGREGATIONS[name].token(attribution, embeddings) for name in names}


class Arriving:
    """Numbers on their way to the CPU: a GPU goes on with what it was given next, and who needs them waits."""

    def __init__(self, values: Tensor) -> None:
        self._held, self._event = values, None
        if values.device.type == "cuda":
            self._held = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._held.copy_(values, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()

    def wait(self) -> Tensor:
        """The numbers, on the CPU."""
        if self._event is not None:
            self._event.synchronize()
        self._held = self._held.cpu()
        return self._held


@dataclass(frozen=True)
class Slopes:
    """A gradient (t, d), where it was computed, and its `GRADIENT_SCORES`, which were taken there with others.

    Of a GPU's gradients the scores alone are brought over: 24 bytes a token, where 4,096 coordinates have 16,384.
    """

    values: Tensor
    table: Arriving  # (s, n, longest)
    row: int

    @property
    def scores(self) -> dict[str, Tensor]:
        """The scores (t,) by name, on the CPU."""
        return dict(zip(GRADIENT_SCORES, self.table.wait()[:, self.row, : len(self.values)], strict=True))

    @classmethod
    def of(cls, gradient: Tensor, x: Tensor) -> Slopes:
        """One gradient (t, d) at embeddings (t, d)."""
        (own,) = slopes(gradient[None], x, [len(x)])
        return own

    def up_to(self, token: int) -> Slopes:
        """Those of the tokens before one."""
        return Slopes(self.values[:token], self.table, self.row)


def slopes(gradients: Tensor, embeddings: Tensor, lengths: Sequence[int]) -> list[Slopes]:
    """Each of n gradients (n, longest, d), as far as its row is long, with its scores; those of all come over at once.

    Embeddings are (n, longest, d), or (longest, d) where they are the same for all.
    """
    table = Arriving(torch.stack([*token_scores(gradients, embeddings).values()]))
    return [Slopes(gradients[i, :length], table, i) for i, length in enumerate(lengths)]


def word_scores(scores: dict[str, Tensor], words: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Token scores (t,) gathered over words, each (w,); a word without a scored token is left out.

    The tokens of a word are ascending and words stand in order, so for a prefix of the tokens (a generated token sees
    no more) the words come out as a prefix too, the last one with the tokens that are visible.
    """
    count = len(next(iter(scores.values())))
    seen = [held for word in words if (held := [token for token in word if token < count])]
    tokens, lengths = [token for held in seen for token in held], [*map(len, seen)]
    starts = [0, *accumulate(lengths[:-1])]
    return {
        name: torch.from_numpy(_gather(values.cpu().numpy()[tokens], starts, lengths, AGGREGATIONS[name].word))
        for name, values in scores.items()
    }


def _gather(values: Array, starts: Sequence[int], lengths: Sequence[int], how: str | None) -> Array:
    """One number a word of its tokens' values; six scores of nine words take 27 µs, and 74 with torch."""
    assert how is not None, "this score is measured of words, not gathered from tokens"
    if how == "norm":
        return numpy.sqrt(numpy.add.reduceat(numpy.square(values), starts))
    if how == "amax":
        return numpy.maximum.reduceat(values, starts)
    sums = numpy.add.reduceat(values, starts)
    return sums if how == "sum" else (sums / numpy.asarray(lengths, dtype=values.dtype))
