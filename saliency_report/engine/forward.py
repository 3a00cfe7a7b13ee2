"""One pass through a model: rows to padded inputs, the hook on its embeddings, and what is checked before all else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes, slopes
from saliency_report.engine.device import device_of
from saliency_report.engine.lookups import NOT_SUPPORTED, Lookups
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded
from saliency_report.tasks.encoding import Row

PLAIN_ATTENTION = 512  # tokens of a text up to which its attention weights, t² a head, are small beside the rest


@dataclass(frozen=True)
class Gradients:
    """Results of n rows, float32 or wider: logits on the CPU, embeddings (t, d) without padding where they were made.

    The gradients are k times n, those of the first set of explained numbers for each row, then of the next.
    """

    logits: Tensor
    embeddings: list[Tensor]
    gradients: list[Slopes]

    def wait(self) -> None:
        """Until a GPU has computed them."""
        for gradient in self.gradients:
            gradient.table.wait()


def collate(rows: Sequence[Row], loaded: Loaded, groups: int | None = None, *, extra: int = 0) -> dict[str, Tensor]:
    """Rows as right-padded inputs (n, t) on the model's device; with `groups`, (groups, n / groups, t).

    A target prefix goes to the decoder. `extra` is padding beyond the longest row, as far as the model takes it.
    """
    device, pad = loaded.model.device, loaded.pad or 0
    assert isinstance(device, torch.device)
    texts = [row.ids[: len(row) - row.prefix] for row in rows]
    longest = max(map(len, texts))
    longest = max(longest, min(longest + extra, loaded.checkpoint.limit))
    columns = {"input_ids": [ids + [pad] * (longest - len(ids)) for ids in texts]}
    if "attention_mask" in loaded.inputs:
        columns["attention_mask"] = [[1] * len(ids) + [0] * (longest - len(ids)) for ids in texts]
    for name in rows[0].extra.keys() & loaded.inputs:
        columns[name] = [row.extra[name] + [0] * (longest - len(row)) for row in rows]
    if most := max(row.prefix for row in rows):
        most += extra
        columns["decoder_input_ids"] = [
            row.ids[len(ids) :] + [pad] * (most - row.prefix) for row, ids in zip(rows, texts, strict=True)
        ]
    tensors = {name: torch.tensor(values, device=device) for name, values in columns.items()}
    if groups is not None:
        tensors = {name: tensor.view(groups, -1, longest) for name, tensor in tensors.items()}
    return tensors


def keeping(loaded: Loaded, positions: Iterable[int]) -> tuple[dict[str, Tensor], dict[int, int]]:
    """What tells a model which positions' logits are wanted, and where each of them then stands.

    A model that cannot be told gives those of all, each at its own.
    """
    wanted = sorted({*positions})
    if not wanted or "logits_to_keep" not in loaded.inputs:
        return {}, {position: position for position in wanted}
    kept = torch.tensor(wanted, device=device_of(loaded.model))
    return {"logits_to_keep": kept}, {position: i for i, position in enumerate(wanted)}


@contextmanager
def embeddings_as_leaf(model: Any, points: Tensor | None = None) -> Iterator[list[Tensor]]:
    """Inside, what the model looks up for its ids is a leaf that takes gradients; it is put into the list.

    `points` stand in the place of what is looked up, but for those that are NaN, as padding is.

    Raises:
        ExampleError: the model looks other words up than those it is given, or looks the target prefix nowhere up.
    """
    lookups = Lookups(model, points)
    handles = lookups.hooks()
    try:
        yield lookups.leaves
        lookups.check()
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def attention(model: Any, implementation: str) -> Iterator[None]:
    """Inside, the model computes its attention in another way, as far as it can be told how: eager or sdpa."""
    before = model.config._attn_implementation
    try:
        if before != implementation:
            with suppress(ValueError):  # it has no other
                model.set_attn_implementation(implementation)
        yield
    finally:
        if model.config._attn_implementation != before:
            model.set_attn_implementation(before)


def fast_backward(model: Any, longest: int) -> AbstractContextManager[None]:
    """Inside, rows of up to so many tokens get the attention whose backward pass is fast.

    On a CPU in half precision that is the plain one: of the fused one the backward pass alone takes 40 % of the time of
    a gradient of film snippets with DistilBERT in bfloat16, which the plain one makes 1.5 times as fast. They round
    alike: 256 gradients of a trained MiniLM are off by 0.8 % (median) and 1.8 % (in 95 %) with either.
    """
    fused_is_slow = device_of(model).type == "cpu" and model.dtype.itemsize == 2
    return attention(model, "eager") if fused_is_slow and longest <= PLAIN_ATTENTION else nullcontext()


def only(leaves: list[Tensor]) -> Tensor:
    """The leaf of a pass; a model that looks no words up, or that ran more than once, is refused."""
    if len(leaves) != 1:
        raise ExampleError(f"The model looked the text up {len(leaves)} times.", NOT_SUPPORTED)
    return leaves[0]


def logits_of(output: Any) -> Tensor:
    """The logits of a model's output; of one that marks spans its start and its end as two of each token (n, t, 2)."""
    if "start_logits" in output:
        return torch.stack([output.start_logits, output.end_logits], dim=-1)
    logits: Tensor = output.logits
    return logits


def widened(tensor: Tensor) -> Tensor:
    """The tensor as float32 or float64: a softmax of half precision is wrong by 1 %."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def wide(tensor: Tensor) -> Tensor:
    """The tensor's numbers on the CPU, float32 or float64."""
    return widened(tensor.detach()).cpu()


def gradients(
    loaded: Loaded,
    rows: Sequence[Row],
    select: Callable[[Tensor], Tensor],
    groups: int | None = None,
    read: Sequence[int] | None = None,
) -> Gradients:
    """One forward for n rows, and a backward for each set of explained logits.

    `select` takes the logits and gives the explained ones, each of which depends on one row alone, so that the
    gradient of their sum holds the gradient of each. Where rows have several that are explained, it gives k such sets
    (k, m), and there are k times n gradients, set by set. `read` is one position of each row: of a model that answers
    at every token the logits there (n, 1, c) are taken and no others.
    """
    with fast_backward(loaded.model, max(map(len, rows))), embeddings_as_leaf(loaded.model) as leaves:
        logits = logits_of(loaded.model(**collate(rows, loaded, groups)))
    leaf = only(leaves)
    if read is not None:
        logits = logits[range(len(rows)), list(read)][:, None]
    logits = widened(logits)
    # What is explained of each row depends on its own few logits, so it is decided on the CPU: a GPU would be asked and
    # waited for once a row. Its slope goes back, and the chain rule does the rest.
    free = wide(logits).requires_grad_()
    sets = torch.atleast_2d(select(free))
    x, found = widened(leaf.detach()), list[Slopes]()
    for i, one in enumerate(sets):
        more = i + 1 < len(sets)
        (slope,) = torch.autograd.grad(one.sum(), free, retain_graph=more)
        (gradient,) = torch.autograd.grad(logits, leaf, slope.to(logits.device), retain_graph=more)
        found += slopes(widened(gradient), x, [*map(len, rows)])
    return Gradients(free.detach(), without_padding(x, rows), found)


def without_padding(values: Tensor, rows: Sequence[Row]) -> list[Tensor]:
    """Values (n, longest, d) of n rows as (t, d) each."""
    return [values[i, : len(row)] for i, row in enumerate(rows)]
