"""Greedy generation, and the gradients of all generated tokens from one forward."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from saliency_report.aggregation import Slopes, slopes
from saliency_report.engine.device import is_out_of_memory
from saliency_report.engine.forward import attention, collate, embeddings_as_leaf, keeping, only, wide, widened
from saliency_report.engine.lookups import NOT_SUPPORTED
from saliency_report.engine.streams import shared, side_by_side
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded
from saliency_report.tasks.encoding import Row


def generate(loaded: Loaded, row: Row, max_new_tokens: int) -> list[int]:
    """The ids of a greedy continuation, without the token that ends it."""
    if "past_key_values" in loaded.inputs:
        try:
            new = _greedy(loaded, row, max_new_tokens, cached=True)
            if _is_greedy(loaded, row, new):
                return new
        except (AttributeError, RuntimeError, ValueError) as error:
            if is_out_of_memory(error):
                raise
    # A model without a memory of what it has read, or that does not go on rightly from it: BLT and ProphetNet raise,
    # and a tiny Bamba is off by a quarter of its largest logit.
    return _greedy(loaded, row, max_new_tokens, cached=False)


def _is_greedy(loaded: Loaded, row: Row, new: Sequence[int]) -> bool:
    """Whether a pass over the whole text prefers each of the new tokens too."""
    model: Any = loaded.model
    with torch.inference_mode():
        ids = torch.tensor([[*row.ids, *new]], device=model.device)
        logits = model(input_ids=ids, **_last(loaded, len(new) + 1)).logits[0]
    before = logits[-1 - len(new) : -1].argmax(dim=-1)
    return torch.equal(before.cpu(), torch.tensor(list(new), dtype=torch.long))


def _last(loaded: Loaded, count: int) -> dict[str, int]:
    """What tells a model that only its last logits are wanted, where it can be told: a prompt's fill a memory."""
    return {"logits_to_keep": count} if "logits_to_keep" in loaded.inputs else {}


def _greedy(loaded: Loaded, row: Row, max_new_tokens: int, *, cached: bool) -> list[int]:
    model: Any = loaded.model
    ends = model.generation_config.eos_token_id
    ends = set() if ends is None else {ends} if isinstance(ends, int) else set(ends)
    ids = torch.tensor([row.ids], device=model.device)
    new: list[int] = []
    cache = None
    # Not model.generate: it takes penalties and sampling from the checkpoint, and the argmax is what is explained.
    with torch.inference_mode():
        while len(new) < max_new_tokens:
            options = {"past_key_values": cache, "use_cache": True} if cached else {}
            output = model(input_ids=ids, **options, **_last(loaded, 1))
            token = int(output.logits[0, -1].argmax())
            if token in ends:
                break
            new.append(token)
            cache = getattr(output, "past_key_values", None) if cached else None
            # A model without a cache is given the whole text again.
            ids = torch.tensor([[token] if cache is not None else [*row.ids, *new]], device=model.device)
    return new


def matrix(
    loaded: Loaded,
    row: Row,
    spans: Sequence[tuple[int, int]],
    score: Callable[[Tensor], Tensor],
    budget: int,
) -> tuple[Tensor, Tensor, Iterator[Slopes]]:
    """Gradients of the scores of spans of tokens with respect to all embeddings, from one forward.

    A span (first, last) is explained by the sum over its tokens; a token alone is a span of one. `score` takes the
    logits (g, v) that predict the g tokens of all spans, in order, to a number each (g,). Gives those logits,
    embeddings (t, d), and the gradients (t, d), which are computed together as far as `budget` tokens allow.

    A logit depends on the last hidden state of its own position alone. So one backward through the head gives the
    gradient of all g scores with respect to their hidden states, and the trunk's vector-Jacobian products follow as
    a batch: 4 times as fast as one backward a token, 7 times as fast as running the model for each (135 M parameters,
    12 + 20 tokens, two cores). Of a text so long that its rows go alone the attention is fused, which has no rule for
    a batch of products but keeps no weights: 2,000 tokens of that model take 4.5 GB, and 9 with them.

    Raises:
        ExampleError: the model uses its output layer or its embeddings in another way, or looks at later tokens.
    """
    model: Any = loaded.model
    hidden: list[tuple[Tensor, Tensor]] = []

    def cut(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        leaf = args[0].detach().requires_grad_()
        hidden.append((args[0], leaf))
        return (leaf, *args[1:])

    # The logits of a position predict the token after it; those of other positions are not computed, where the model
    # can be told so: after 129 tokens of a model of 135 M parameters they are a seventh of the pass.
    reads = [token - 1 for first, last in spans for token in range(first, last + 1)]
    kept, at = keeping(loaded, reads)
    fused = budget // len(row) <= 1
    handle = model.get_output_embeddings().register_forward_pre_hook(cut)
    try:
        with embeddings_as_leaf(model) as leaves, attention(model, "sdpa") if fused else nullcontext():
            logits = model(**collate([row], loaded), **kept).logits[0]
    finally:
        handle.remove()
    leaf = only(leaves)
    if len(hidden) != 1:
        raise ExampleError(f"The model uses its output layer {len(hidden)} times in one pass.", NOT_SUPPORTED)
    trunk, head = hidden[0]
    if trunk.shape[-2] != (len(at) if kept else len(row)):  # ProphetNet's has another axis before that of positions
        raise ExampleError("The model's output layer is not given one state a token.", NOT_SUPPORTED)
    explained = logits[[at[position] for position in reads]]
    (slope,) = torch.autograd.grad(score(widened(explained)).sum(), head)

    x = widened(leaf[0].detach())

    def products(part: Sequence[tuple[int, int]]) -> list[Slopes]:
        vectors = torch.zeros(len(part), *trunk.shape, dtype=trunk.dtype, device=trunk.device)
        for i, (first, last) in enumerate(part):
            own = slice(at[first - 1], at[last - 1] + 1)
            vectors[i, ..., own, :] = slope[..., own, :]
        if fused:
            (chunk,) = torch.autograd.grad(trunk, leaf, vectors[0], retain_graph=True)
        else:
            (chunk,) = torch.autograd.grad(trunk, leaf, vectors, retain_graph=True, is_grads_batched=True)
            chunk = chunk[:, 0]
        return slopes(widened(chunk), x, [len(row)] * len(part))

    def gradients() -> Iterator[Slopes]:
        # They read one graph, so on a CPU several threads have a part each: of 32 tokens in 0.6 of the time.
        count = torch.get_num_threads() if trunk.device.type == "cpu" else 1
        step = 1 if fused else max(1, shared(len(spans) * len(row), 2 * budget, count) // len(row))
        parts = [spans[start : start + step] for start in range(0, len(spans), step)]
        for part, computed in side_by_side(min(count, len(parts)), parts, products):
            for gradient, (_, last) in zip(computed(), part, strict=True):
                check_causal(gradient, last)
                yield gradient

    return wide(explained), x, gradients()


def check_causal(gradient: Slopes, position: int) -> None:
    """Refuse a model whose tokens depend on later ones: it fills texts in, it does not continue them."""
    sizes = gradient.scores["l1"]
    if bool(sizes[position:].sum() > 1e-6 * sizes.sum()):
        raise ExampleError(
            "The model looks at later tokens too (it is bidirectional), so it cannot continue a text.",
            "Give a causal language model, such as one of the GPT or Llama families.",
        )
