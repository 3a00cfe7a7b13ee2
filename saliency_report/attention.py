"""Attention followed through the layers: from the positions that F is read from down to the tokens. Pure tensors.

Attention says where a model looked. That a word was looked at does not mean that it changed the answer, and attention
can often be changed without changing the answer (Jain and Wallace 2019, arXiv:1902.10186).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def rollout(attentions: Sequence[Tensor] | Tensor, weights: Tensor) -> Tensor:
    """How much of each token reaches the positions that F is read from, if attention were all that moves information.

    r = wᵀ Â_L … Â_1, (t,), with Â_l = N(½ mean over heads of A_l + ½ I), where N divides each row by its sum: half of
    a position comes through attention, half past it. `attentions` are L layers (h, t, t), `weights` (t,) the share of
    each position in F. The result sums to what the weights sum to.
    Abnar and Zuidema 2020, arXiv:2005.00928.

    Differs from the paper in the weights, which take one position there.
    """
    shares = weights
    identity = torch.eye(len(weights), dtype=weights.dtype, device=weights.device)
    for layer in reversed(range(len(attentions))):
        mixed = attentions[layer].to(weights).mean(dim=0) + identity
        shares = shares @ (mixed / mixed.sum(dim=-1, keepdim=True))
    return shares


def gradient_x_attention(
    attentions: Sequence[Tensor] | Tensor, gradients: Sequence[Tensor] | Tensor, weights: Tensor
) -> Tensor:
    """How much the attention paid to each token raises F, through all layers.

    r = wᵀ R_L − wᵀ, (t,), with R_0 = I, R_l = R_{l−1} + Ā_l R_{l−1}, Ā_l = mean over heads of max(0, ∇A_l ⊙ A_l),
    where ∇A = ∂F/∂A. `attentions` and `gradients` are L layers (h, t, t), `weights` (t,) the share of each position in
    F. The identity that R starts from is taken off again: it stands for the position itself, not for a token it
    attends to. No value is negative, and they do not add up to anything.
    Chefer, Gur and Wolf 2021, arXiv:2103.15679, their rule for self-attention.

    Differs from the paper in the weights, which take one position there, and from its authors' code in what stands at
    that position: their code keeps the identity and does not show the position.
    """
    # What is beyond the identity is summed by itself: after an addition to 1, float32 would lose small values.
    beyond = torch.zeros_like(weights)
    for layer in reversed(range(len(attentions))):
        rule = (gradients[layer].to(weights) * attentions[layer].to(weights)).relu().mean(dim=0)
        beyond = beyond + (weights + beyond) @ rule
    return beyond
