"""Attention followed through the layers, against sums done by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saliency_report.attention import gradient_x_attention, rollout

D = torch.float64


def _attention(layers: int, heads: int, t: int, *, causal: bool = False, seed: int = 0) -> Tensor:
    scores = torch.randn(layers, heads, t, t, dtype=D, generator=torch.Generator().manual_seed(seed))
    if causal:
        scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), -torch.inf)
    return scores.softmax(dim=-1)


def _one(t: int, position: int) -> Tensor:
    return torch.eye(t, dtype=D)[position]


def test_rollout_of_uniform_attention() -> None:
    # Â = ½ I + ½ U, U² = U: past two layers a quarter is left in place and three quarters are spread evenly.
    uniform = torch.full((2, 3, 4, 4), 0.25, dtype=D)
    expected = torch.tensor([0.1875, 0.1875, 0.4375, 0.1875], dtype=D)
    torch.testing.assert_close(rollout(uniform, _one(4, 2)), expected, rtol=1e-15, atol=0)


def test_rollout_of_attention_to_itself_stays_where_it_is() -> None:
    itself = torch.eye(5, dtype=D).expand(3, 2, 5, 5)
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.0], dtype=D)
    torch.testing.assert_close(rollout(itself, weights), weights, rtol=1e-15, atol=0)


def test_rollout_of_two_layers_by_hand() -> None:
    # Heads of the first layer average to [[1, 0], [½, ½]], of the second to [[¼, ¾], [0, 1]].
    first = torch.tensor([[[1, 0], [1, 0]], [[1, 0], [0, 1]]], dtype=D)
    second = torch.tensor([[[0.5, 0.5], [0, 1]], [[0, 1], [0, 1]]], dtype=D)
    attentions = torch.stack([first, second])
    # Â₁ = [[1, 0], [¼, ¾]], Â₂ = [[⅝, ⅜], [0, 1]]; Â₂ Â₁ = [[23/32, 9/32], [¼, ¾]].
    assert rollout(attentions, _one(2, 0)).tolist() == [23 / 32, 9 / 32]
    assert rollout(attentions, _one(2, 1)).tolist() == [1 / 4, 3 / 4]
    half = torch.tensor([0.5, 0.5], dtype=D)
    assert rollout(attentions, half).tolist() == [31 / 64, 33 / 64]


def test_gradient_x_attention_of_two_layers_by_hand() -> None:
    attentions = torch.tensor([[[[1, 0], [0.5, 0.5]]], [[[0.25, 0.75], [0, 1]]]], dtype=D).repeat(1, 2, 1, 1)
    # The second head's gradients are negative where they meet attention: only half of the first head's counts.
    gradients = torch.tensor([[[2, 4], [4, 2]], [[-1, 5], [-1, -1]]], dtype=D).expand(2, 2, 2, 2)
    # Ā₁ = ½ [[2, 0], [2, 1]] = [[1, 0], [1, ½]]; the second head's 0 · 5 adds nothing.
    # Ā₂ = ½ ([[½, 3], [0, 2]] + [[0, 3¾], [0, 0]]) = [[¼, 27/8], [0, 1]].
    # R₂ = (I + Ā₂)(I + Ā₁) = [[5/4, 27/8], [0, 2]] [[2, 0], [1, 3/2]] = [[47/8, 81/16], [2, 3]]; then minus I.
    assert gradient_x_attention(attentions, gradients, _one(2, 0)).tolist() == [39 / 8, 81 / 16]
    assert gradient_x_attention(attentions, gradients, _one(2, 1)).tolist() == [2, 2]


def test_gradient_x_attention_is_the_row_of_the_matrix_minus_the_identity() -> None:
    attentions = _attention(4, 3, 6)
    gradients = torch.randn(attentions.shape, dtype=D, generator=torch.Generator().manual_seed(1))
    weights = torch.softmax(torch.arange(6, dtype=D), dim=0)
    matrix = torch.eye(6, dtype=D)
    for layer in range(4):
        matrix = matrix + (gradients[layer] * attentions[layer]).clamp(min=0).mean(dim=0) @ matrix
    expected = weights @ (matrix - torch.eye(6, dtype=D))
    got = gradient_x_attention(attentions, gradients, weights)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=0)
    assert bool((got >= 0).all())


def test_gradient_x_attention_keeps_small_values_beside_the_identity() -> None:
    attentions, gradients = torch.full((1, 1, 2, 2), 0.5), torch.full((1, 1, 2, 2), 2e-9)
    assert gradient_x_attention(attentions, gradients, torch.tensor([1.0, 0.0])).tolist() == pytest.approx([1e-9, 1e-9])


def test_gradients_that_only_lower_the_number_leave_nothing() -> None:
    attentions = _attention(3, 2, 4)
    assert gradient_x_attention(attentions, -attentions, _one(4, 0)).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("causal", [False, True])
def test_rollout_sums_to_one(causal: bool) -> None:
    attentions = _attention(5, 4, 9, causal=causal)
    weights = torch.softmax(torch.randn(9, dtype=D, generator=torch.Generator().manual_seed(2)), dim=0)
    assert float(rollout(attentions, weights).sum()) == pytest.approx(1, abs=1e-14)


def test_rollout_sums_to_one_where_a_sink_takes_part_of_the_attention() -> None:
    assert float(rollout(0.6 * _attention(5, 4, 9), _one(9, 3)).sum()) == pytest.approx(1, abs=1e-14)


def test_later_tokens_stay_zero_under_a_causal_mask() -> None:
    attentions = _attention(3, 2, 6, causal=True)
    gradients = torch.ones_like(attentions)
    for values in (rollout(attentions, _one(6, 3)), gradient_x_attention(attentions, gradients, _one(6, 3))):
        assert bool((values[:4] > 0).all())
        assert values[4:].tolist() == [0, 0]


def test_layers_may_come_as_a_list_with_heads_of_their_own_number() -> None:
    attentions = _attention(2, 4, 5)
    layers = [attentions[0], attentions[1].mean(dim=0, keepdim=True)]
    torch.testing.assert_close(rollout(layers, _one(5, 1)), rollout(attentions, _one(5, 1)), rtol=1e-14, atol=0)
