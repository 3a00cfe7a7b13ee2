"""Passes that look inside a model: gradients at the hidden states of every layer, attention and its gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saliency_report.attention import gradient_x_attention, rollout
from saliency_report.engine.evaluate import Job, scores_of
from saliency_report.engine.forward import attention, embeddings_as_leaf, only, wide
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded
from saliency_report.record import Layers
from saliency_report.tasks.base import NOT_FINITE, TRY_ANOTHER_DTYPE, numbers
from saliency_report.tasks.target import TargetFunction, own_tokens

WITHOUT_LAYERS = "Leave `layers` out for this model."
WITHOUT_ATTENTION = "Leave attention_rollout and gradient_x_attention out for this model."


def layers(loaded: Loaded, function: TargetFunction) -> Layers:
    """The gradient of F with respect to the hidden states h_l, after the embeddings and after every layer.

    ‖∂F/∂h_l‖₂ and Σⱼ ∂F/∂h_lⱼ · h_lⱼ for each of t tokens, (L + 1, t). The states are those that transformers gives.
    The first has what the model adds to the word embeddings (positions, a norm): only where it adds nothing is its
    norm the map's l2. The last has passed the final norm. A token that stands in several rows has a state of its own
    in each: √Σᵣ ‖∂F/∂h_lᵣ‖² over its rows, and the sum of the products.

    Raises:
        ExampleError: the model gives no hidden states of all tokens; or a number is not finite.
    """
    score, output = _traced(loaded, function, "output_hidden_states")
    states = _hidden_states(output, function)
    norms, products = [], []
    for state, slope in zip(states, _slopes(score, states, WITHOUT_LAYERS), strict=True):
        h, g = wide(state), wide(slope)
        norms.append(_gathered(g.square().sum(dim=-1), function).sqrt())
        products.append(_gathered((g * h).sum(dim=-1), function))
    return Layers(
        names=["embeddings", *(f"layer {i}" for i in range(1, len(states)))],
        gradient_norm=[numbers(values) for values in norms],
        gradient_x_activation=[numbers(values) for values in products],
    )


@dataclass(frozen=True)
class RowAttention:
    """Of one row: attention and ∂F/∂attention, L layers (h, t, t) each, and the share of each position in F (t,).

    The shares are ‖∂F/∂h‖ at the last hidden states, divided by their sum over all rows: of a causal model the
    positions whose logits are read, of a classifier the one that it pools. Where F depends on nothing they are 0.
    """

    attention: list[Tensor]
    gradient: list[Tensor]
    weights: Tensor


def attentions(loaded: Loaded, function: TargetFunction) -> list[RowAttention]:
    """The attention of every layer and head in each row of F, with the gradient of F with respect to it.

    Fused kernels give no weights, so the model computes its attention step by step here, and is set back afterwards.

    Raises:
        ExampleError: the model gives no attention between all tokens in every layer.
    """
    with attention(loaded.model, "eager"):
        score, output = _traced(loaded, function, "output_attentions", "output_hidden_states")
    given = list(getattr(output, "attentions", None) or [])
    if not given or any(layer is None for layer in given):
        raise ExampleError("The model gives no attention weights.", WITHOUT_ATTENTION)
    states = _hidden_states(output, function, WITHOUT_ATTENTION)
    rows, longest = function.size
    square = all(layer.dim() == 4 and layer.shape[::2] == (rows, longest) == layer.shape[::3] for layer in given)
    if not square or len(given) != len(states) - 1:
        raise ExampleError("The model does not attend between all tokens in every layer.", WITHOUT_ATTENTION)
    *slopes, last = _slopes(score, [*given, states[-1]], WITHOUT_ATTENTION)
    shares = torch.linalg.vector_norm(wide(last), dim=-1)
    for row, place in enumerate(function.places):
        shares[row, len(place) :] = 0
    shares = shares / shares.sum().clamp_min(torch.finfo(shares.dtype).tiny)
    found = []
    for row, place in enumerate(function.places):
        t = len(place)
        own, slope = ([layer[row, :, :t, :t].detach() for layer in kind] for kind in (given, slopes))
        found.append(RowAttention(own, slope, shares[row, :t]))
    return found


def attention_maps(loaded: Loaded, function: TargetFunction) -> dict[str, Tensor]:
    """Attention followed from F down to the t tokens, (t,) by the name of the method.

    A token that stands in several rows has the sum over them; each row counts with its share in F.

    Raises:
        ExampleError: the model gives no attention between all tokens in every layer; or a number is not finite.
    """
    rows = attentions(loaded, function)
    maps = {
        "attention_rollout": [rollout(row.attention, row.weights) for row in rows],
        "gradient_x_attention": [gradient_x_attention(row.attention, row.gradient, row.weights) for row in rows],
    }
    found = {name: _gathered(values, function) for name, values in maps.items()}
    if not all(bool(values.isfinite().all()) for values in found.values()):
        raise ExampleError(NOT_FINITE, TRY_ANOTHER_DTYPE)
    return found


def _traced(loaded: Loaded, function: TargetFunction, *wanted: str) -> tuple[Tensor, Any]:
    """F in its graph, and the model's output with what is wanted of it, as far as the model knows of that."""
    options = {name: True for name in wanted if loaded.inputs & {name, "kwargs"}}
    with torch.enable_grad(), embeddings_as_leaf(loaded.model) as leaves:
        scores, output = scores_of(loaded, [Job(function)], [function.edited({})], **options)
    only(leaves)
    return scores[0], output


def _hidden_states(output: Any, function: TargetFunction, next_step: str = WITHOUT_LAYERS) -> list[Tensor]:
    """The hidden states (n, t, d) of the n rows, after the embeddings and after every layer."""
    states = list(getattr(output, "hidden_states", None) or [])
    if not states or any(state is None or state.shape[:-1] != function.size for state in states):
        raise ExampleError("The model gives no hidden states of all tokens.", next_step)
    return states


def _slopes(score: Tensor, at: list[Tensor], next_step: str) -> tuple[Tensor, ...]:
    """The gradients of F with respect to what a model gave out."""
    through = all(tensor.requires_grad for tensor in at)  # BLT shows what cuts its text, through which nothing flows
    slopes = torch.autograd.grad(score, at, allow_unused=True) if through else ()
    if not through or any(slope is None for slope in slopes):
        raise ExampleError("What the model shows of its inside is a copy: its answer does not depend on it.", next_step)
    return slopes


def _gathered(values: Tensor | list[Tensor], function: TargetFunction) -> Tensor:
    """Values of the positions of n rows, (n, longest) or n of (t_r,), summed over the rows to the t tokens (t,)."""
    total = values[0].new_zeros(function.length)
    for of_row, place in zip(values, function.places, strict=True):
        positions, tokens = own_tokens(place)
        total.index_add_(0, torch.tensor(tokens), of_row[positions])
    return total
