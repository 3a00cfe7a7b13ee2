"""Where a gradient points: along its token's embedding or across it, and towards which other tokens. Pure tensors."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import torch
from torch import Tensor


def cosine(gradient: Tensor, x: Tensor) -> list[float | None]:
    """The cosine of each token's gradient (t, d) and its embedding (t, d); None where either has length 0.

    cos = g · x / (‖g‖ ‖x‖): what of the gradient's length tells in gradient × input.
    """
    return word_cosine(gradient, x, [[token] for token in range(len(x))])


def word_cosine(gradient: Tensor, x: Tensor, words: Sequence[Sequence[int]]) -> list[float | None]:
    """The cosine of gradient (t, d) and embedding (t, d) on the block of coordinates of each word's tokens.

    cos = Σᵢ gᵢ · xᵢ / √(Σᵢ ‖gᵢ‖² Σᵢ ‖xᵢ‖²) over the tokens i of a word; None where either norm is 0, as it is of a word
    without tokens.
    """
    cosines: list[float | None] = []
    for tokens in words:
        g, e = (values[list(tokens)].double().flatten() for values in (gradient, x))
        lengths = float(g.norm()) * float(e.norm())
        cosines.append(max(-1.0, min(1.0, float(g @ e) / lengths)) if lengths else None)
    return cosines


def candidates(
    gradient: Tensor, x: Tensor, vocabulary: Tensor, banned: AbstractSet[int], count: int
) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """The ids that would raise F most in a token's place, and those that would lower it most, to first order.

    ΔF_v ≈ g · (E_v − x) with the token's gradient g (d,) and embedding x (d,) and the vocabulary E (v, d). Each list
    has at most `count` pairs (id, ΔF), the largest change first, equal ones by id; none has the wrong sign, and none
    is banned. The gradient only holds near x and other tokens are far away: what they really do must be computed.
    Ebrahimi, Rao, Lowd and Dou 2018, arXiv:1712.06751.

    Differs from HotFlip in that it flips one token and looks for no chain of flips.
    """
    changes = vocabulary @ gradient - x @ gradient
    allowed = torch.ones(len(vocabulary), dtype=torch.bool, device=vocabulary.device)
    allowed[[i for i in banned if 0 <= i < len(vocabulary)]] = False

    def strongest(sign: int) -> list[tuple[int, float]]:
        ids = torch.nonzero(allowed & (sign * changes > 0)).flatten()
        order = torch.argsort(sign * changes[ids], descending=True, stable=True)[:count]
        return [(int(i), float(changes[i])) for i in ids[order]]

    return strongest(1), strongest(-1)
