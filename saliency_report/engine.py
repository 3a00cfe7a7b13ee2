"""Rows to logits, embeddings and gradients on a device; the only caller of a model.

The seam: the model is always called with its `input_ids` and mask, and a forward hook on the word-embedding module puts
a leaf tensor in the place of the module's output. Passing `inputs_embeds` is silently another model for Marian,
Pegasus, Falcon-H1, Gemma-3n, right-padded Llama-type classifiers and others, and fails for Gemma-4.

Rows are padded on the right: left padding without explicit positions moves GPT-2's gradients by half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from saliency_report.errors import ExampleError, InputError
from saliency_report.models import Loaded
from saliency_report.tasks.base import NOT_FINITE, TRY_ANOTHER_DTYPE
from saliency_report.tasks.encoding import Row

# The hooked forward must reproduce the plain one: relative to the largest logit.
EQUIVALENCE = {torch.float64: 1e-10, torch.float32: 1e-4, torch.bfloat16: 3e-2, torch.float16: 5e-3}


@dataclass(frozen=True)
class Gradients:
    """Results of a batch, on the CPU, float32 or wider; embeddings and gradients (t, d) a row, without padding."""

    logits: Tensor
    embeddings: list[Tensor]
    gradients: list[Tensor]


def pick_device(name: str | None) -> torch.device:
    """The device of that name, or the first that there is of cuda, xpu, mps, cpu.

    Raises:
        InputError: there is no such device here.
    """
    if name is None:
        return next(torch.device(kind) for kind in ("cuda", "xpu", "mps", "cpu") if _available(kind))
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        here = ", ".join(kind for kind in ("cuda", "xpu", "mps", "cpu") if _available(kind))
        raise InputError(f"--device {name}: there is no such device here.", f"Use one of {here}.") from error
    return device


def _available(kind: str) -> bool:
    return kind == "cpu" or bool(getattr(torch, kind).is_available())


def device_name(device: torch.device) -> str:
    """The device as the record names it."""
    if device.type in ("cuda", "xpu"):
        return f"{device} ({getattr(torch, device.type).get_device_name(device)})"
    return str(device)


def token_budget(device: torch.device) -> int:
    """Padded tokens a batch to begin with: on two CPU cores 256 to 512 are fastest, 1,024 take 1.2 times as long."""
    return 512 if device.type == "cpu" else 16_384


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on any device."""
    text = str(error)
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and ("not enough memory" in text or "out of memory" in text)
    )


def collate(rows: Sequence[Row], loaded: Loaded, groups: int | None = None, *, extra: int = 0) -> dict[str, Tensor]:
    """Rows as right-padded inputs (n, t) on the model's device; with `groups`, (groups, n / groups, t).

    `extra` is padding beyond the longest row, as far as the model takes it.
    """
    device, longest = loaded.model.device, max(len(row) for row in rows)
    longest = max(longest, min(longest + extra, loaded.checkpoint.limit))
    assert isinstance(device, torch.device)
    pad = loaded.pad or 0
    columns = {"input_ids": [row.ids + [pad] * (longest - len(row)) for row in rows]}
    if "attention_mask" in loaded.inputs:
        columns["attention_mask"] = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
    for name in rows[0].extra.keys() & loaded.inputs:
        columns[name] = [row.extra[name] + [0] * (longest - len(row)) for row in rows]
    tensors = {name: torch.tensor(values, device=device) for name, values in columns.items()}
    if groups is not None:
        tensors = {name: tensor.view(groups, -1, longest) for name, tensor in tensors.items()}
    return tensors


@contextmanager
def _embeddings_as_leaf(model: Any, points: Tensor | None = None) -> Iterator[list[Tensor]]:
    """Inside, the word-embedding module's output is a leaf that takes gradients; it is collected in the list."""
    leaves: list[Tensor] = []

    def replace(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        leaf = (output if points is None else points.to(output.dtype)).detach().requires_grad_()
        leaves.append(leaf)
        return leaf

    handle: RemovableHandle = model.get_input_embeddings().register_forward_hook(replace)
    try:
        yield leaves
    finally:
        handle.remove()


def _only(leaves: list[Tensor]) -> Tensor:
    if len(leaves) != 1:
        raise ExampleError(
            f"The model looks words up {len(leaves)} times in one pass; it is not clear which to explain.",
            "This architecture is not supported.",
        )
    return leaves[0]


def _wide(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    return (tensor if tensor.dtype == torch.float64 else tensor.float()).cpu()


def check_equivalence(loaded: Loaded, rows: Sequence[Row], groups: int | None = None) -> float:
    """Largest difference of hooked and plain logits, relative to the largest logit.

    The hooked forward gets the embeddings as points from outside, as every method gives them.

    Raises:
        ExampleError: they differ, and gradients at the hook would explain another model; or a logit is not finite.
    """
    model: Any = loaded.model
    inputs = collate(rows, loaded, groups)
    with torch.no_grad():
        plain = model(**inputs).logits
        points = model.get_input_embeddings()(inputs["input_ids"].flatten(0, -2))
        with _embeddings_as_leaf(model, points) as leaves:
            hooked = model(**inputs).logits
        _only(leaves)
    if not bool(plain.isfinite().all()):
        raise ExampleError(NOT_FINITE, TRY_ANOTHER_DTYPE)
    difference = float((hooked - plain).abs().max() / plain.abs().max().clamp_min(1e-12))
    if not difference <= EQUIVALENCE[plain.dtype]:
        raise ExampleError(
            f"Embeddings put in from outside give the model other logits, by {difference:.1e} of the largest.",
            "Its gradients would explain another model; this architecture is not supported.",
        )
    return difference


def padding_is_neutral(loaded: Loaded, rows: Sequence[Row], groups: int | None = None) -> bool:
    """Whether the logits of rows stay the same when they are padded: not so for FNet, ConvBERT or XLNet.

    What mixes positions without asking the mask (a Fourier transform, a convolution), or pools the last one, sees the
    padding; by up to 31 % in the gradient of a tiny FNet.
    """
    model: Any = loaded.model
    with torch.no_grad():
        alone = model(**collate(rows, loaded, groups)).logits
        padded = model(**collate(rows, loaded, groups, extra=8)).logits
    return float((padded - alone).abs().max() / alone.abs().max().clamp_min(1e-12)) <= EQUIVALENCE[alone.dtype]


def gradients(
    loaded: Loaded, rows: Sequence[Row], select: Callable[[Tensor], Tensor], groups: int | None = None
) -> Gradients:
    """One forward and one backward for n rows.

    `select` takes the logits and gives the explained ones, each of which depends on one row alone, so that the
    gradient of their sum holds the gradient of each.
    """
    with _embeddings_as_leaf(loaded.model) as leaves:
        logits = loaded.model(**collate(rows, loaded, groups)).logits
    leaf = _only(leaves)
    (gradient,) = torch.autograd.grad(select(logits).sum(), leaf)
    return Gradients(
        _wide(logits), *([_wide(x[i, : len(row)]) for i, row in enumerate(rows)] for x in (leaf, gradient))
    )


def generate(loaded: Loaded, row: Row, max_new_tokens: int) -> list[int]:
    """The ids of a greedy continuation, without the token that ends it."""
    model: Any = loaded.model
    ends = model.generation_config.eos_token_id
    ends = set() if ends is None else {ends} if isinstance(ends, int) else set(ends)
    ids = torch.tensor([row.ids], device=model.device)
    new: list[int] = []
    cache = None
    # Not model.generate: it takes penalties and sampling from the checkpoint, and the argmax is what is explained.
    with torch.inference_mode():
        while len(new) < max_new_tokens:
            options = {"past_key_values": cache, "use_cache": True}
            known = {name: value for name, value in options.items() if name in loaded.inputs}
            output = model(input_ids=ids, **known)
            token = int(output.logits[0, -1].argmax())
            if token in ends:
                break
            new.append(token)
            cache = getattr(output, "past_key_values", None)
            # A model without a cache is given the whole text again.
            ids = torch.tensor([[token] if cache is not None else [*row.ids, *new]], device=model.device)
    return new


def matrix(loaded: Loaded, row: Row, first: int, budget: int) -> tuple[Tensor, Tensor, Iterator[Tensor]]:
    """Gradients of the logits of tokens `first` and later with respect to all embeddings, from one forward.

    Gives logits (g, v), embeddings (t, d), and the gradients as chunks (k, t, d) of at most `budget` tokens.

    A logit depends on the last hidden state of its own position alone. So one backward through the head gives the
    gradient of all g logits with respect to their hidden states, and the trunk's vector-Jacobian products follow as
    a batch: 4 times as fast as one backward a token, 7 times as fast as running the model for each (135 M parameters,
    12 + 20 tokens, two cores).
    """
    model: Any = loaded.model
    hidden: list[tuple[Tensor, Tensor]] = []

    def cut(module: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        leaf = args[0].detach().requires_grad_()
        hidden.append((args[0], leaf))
        return (leaf, *args[1:])

    handle = model.get_output_embeddings().register_forward_pre_hook(cut)
    try:
        with _embeddings_as_leaf(model) as leaves:
            logits = model(**collate([row], loaded)).logits[0]
    finally:
        handle.remove()
    leaf = _only(leaves)
    if len(hidden) != 1:
        raise ExampleError(
            f"The model uses its output layer {len(hidden)} times in one pass.", "This architecture is not supported."
        )
    trunk, head = hidden[0]
    targets = torch.tensor(row.ids[first:], device=logits.device)
    explained = logits[first - 1 : -1]
    (slopes,) = torch.autograd.grad(explained.gather(1, targets[:, None]).sum(), head)

    def chunks() -> Iterator[Tensor]:
        step = max(1, budget // len(row))
        for start in range(0, len(targets), step):
            count = min(step, len(targets) - start)
            vectors = torch.zeros(count, *trunk.shape, dtype=trunk.dtype, device=trunk.device)
            places = torch.arange(count, device=trunk.device)
            vectors[places, 0, first - 1 + start + places] = slopes[0, first - 1 + start + places]
            (chunk,) = torch.autograd.grad(trunk, leaf, vectors, retain_graph=True, is_grads_batched=True)
            chunk = _wide(chunk[:, 0])
            _check_causal(chunk, first + start)
            yield chunk

    return _wide(explained), _wide(leaf[0]), chunks()


def _check_causal(gradients: Tensor, first: int) -> None:
    """Refuse a model whose tokens depend on later ones: it fills texts in, it does not continue them."""
    for i, gradient in enumerate(gradients):
        if bool(gradient[first + i :].abs().sum() > 1e-6 * gradient.abs().sum()):
            raise ExampleError(
                "The model looks at later tokens too (it is bidirectional), so it cannot continue a text.",
                "Give a causal language model, such as one of the GPT or Llama families.",
            )
