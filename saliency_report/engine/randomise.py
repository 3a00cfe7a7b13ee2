"""Weights drawn anew, in place and for a while: what a model would be that had learned nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from saliency_report.errors import ExampleError
from saliency_report.models import Loaded

MOST_BLOCKS = 6  # of layers; with the head and the embeddings there are at most 8 stages

Initialise = Callable[[nn.Module], object]


@contextmanager
def randomised(loaded: Loaded, mode: Literal["all", "cascading"], seed: int) -> Iterator[Iterator[tuple[str, int]]]:
    """Stages of a model whose weights are drawn anew, each as (name of its part, weights drawn so far).

    `cascading` goes from the output to the embeddings: the head, blocks of layers from the last to the first, the
    embeddings; every stage keeps those before it. `all` is one stage, equal to the last one of a cascade. A weight that
    serves in two parts, as that of a head tied to the embeddings does, is drawn with the part nearer to the embeddings.
    Weights are drawn by the model's own initialiser, from `seed` alone: neither the device nor the global generator
    matters. Buffers stay. On the way out, after an error too, the model has its own parameters again: they are never
    written to. Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, arXiv:1810.03292.

    Raises:
        ExampleError: the weights are not floating-point numbers.
    """
    model: Any = loaded.model
    if any(not p.is_floating_point() for p in model.parameters()):
        raise ExampleError("Quantised weights cannot be drawn anew.", "Leave `randomisation` out for this model.")
    uses = _uses(model)
    stages = _stages(model) if mode == "cascading" else [("all weights", [use.trained for use in uses])]
    drawn = _drawn(model, uses, seed)

    def staged() -> Iterator[tuple[str, int]]:
        count = 0
        for name, parameters in stages:
            chosen = {id(p) for p in parameters}
            for use in uses:
                if id(use.trained) in chosen:
                    use.put(drawn[id(use.trained)])
            count += sum(p.numel() for p in {id(p): p for p in parameters}.values())
            yield name, count

    try:
        yield staged()
    finally:
        for use in uses:
            use.put(use.trained)


@dataclass(frozen=True)
class _Use:
    """A parameter under one of its names: a tied one has several uses."""

    module: nn.Module
    name: str
    trained: nn.Parameter

    def put(self, parameter: nn.Parameter) -> None:
        setattr(self.module, self.name, parameter)


def _uses(model: nn.Module) -> list[_Use]:
    return [
        _Use(module, name, p)
        for module in model.modules()
        for name, p in module.named_parameters(recurse=False, remove_duplicate=False)
    ]


def _drawn(model: Any, uses: list[_Use], seed: int) -> dict[int, nn.Parameter]:
    """A new parameter for each of the model, by the id of the trained one; the model keeps its own.

    New parameters are on the CPU and begin as NaN. What is still NaN after the model's initialiser has no rule there.
    """
    # New objects: the loader marks those it has filled, and the initialisers of transformers pass over them.
    new = {id(u.trained): nn.Parameter(torch.full_like(u.trained, torch.nan, device="cpu"), False) for u in uses}
    buffers = [(module, name, b) for module in model.modules() for name, b in module._buffers.items() if b is not None]
    try:
        for use in uses:
            use.put(new[id(use.trained)])
        for module, name, buffer in buffers:  # some initialisers fill buffers too
            module._buffers[name] = buffer.detach().cpu().clone()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(seed)
            _initialise(model, model._init_weights)
            for use in uses:
                _fill(use.name, new[id(use.trained)], _deviation(model))
    finally:
        for use in uses:
            use.put(use.trained)
        for module, name, buffer in buffers:
            module._buffers[name] = buffer
    return {id(u.trained): nn.Parameter(new[id(u.trained)].to(u.trained.device), False) for u in uses}


def _initialise(module: nn.Module, initialise: Initialise) -> None:
    """The initialiser on all modules, children first; a model inside a model has an initialiser of its own."""
    for child in module.children():
        own: Any = child
        _initialise(child, own._init_weights if isinstance(child, PreTrainedModel) else initialise)
    if next(module.parameters(), None) is not None:
        initialise(module)


def _fill(name: str, parameter: Tensor, deviation: float) -> None:
    """What the initialiser left out: matrices from a normal distribution, biases 0, other vectors 1."""
    left = ~parameter.isfinite()
    if not bool(left.any()):
        return
    if parameter.dim() > 1:
        values = torch.randn(parameter.shape) * deviation
    else:
        values = torch.full(parameter.shape, 0.0 if "bias" in name else 1.0)
    parameter[left] = values.to(parameter.dtype)[left]


def _deviation(model: Any) -> float:
    return float(getattr(model.config.get_text_config(), "initializer_range", None) or 0.02)


def _stages(model: Any) -> list[tuple[str, list[nn.Parameter]]]:
    """The model's parameters in parts, from the output to the embeddings, each parameter once; no part is empty.

    Parts are told by their order in the model: what is declared before the first layer is taken for the embeddings,
    with everything that is a table; what is declared after, for the head.
    """
    layers = _layers(model)
    # Of a layer that stands in two places, the place nearer to the embeddings counts.
    of_layer: dict[int, int] = {}
    for number, modules in enumerate(layers):
        for module in modules:
            for part in module.modules():
                of_layer.setdefault(id(part), number)
    words = model.get_input_embeddings()
    # How far from the output a parameter is first used: 0 in the head, then the layers, the embeddings last.
    depth: dict[int, int] = {}
    parameters: dict[int, nn.Parameter] = {}
    after = not layers
    for module in model.modules():
        layer = of_layer.get(id(module))
        after = after or layer is not None
        if layer is not None:
            place = len(layers) - layer
        else:
            place = len(layers) + 1 if module is words or isinstance(module, nn.Embedding) or not after else 0
        for p in module.parameters(recurse=False):
            parameters[id(p)] = p
            depth[id(p)] = max(place, depth.get(id(p), 0))
    parts = [("head", range(1)), *_blocks(len(layers)), ("embeddings", range(len(layers) + 1, len(layers) + 2))]
    chosen = [(name, [p for key, p in parameters.items() if depth[key] in places]) for name, places in parts]
    return [(name, part) for name, part in chosen if part]


def _layers(model: nn.Module) -> list[list[nn.Module]]:
    """The modules of each layer, from the first on: the entries of the outermost lists of modules.

    Lists of one parent and one length belong together: XLM has its attentions in one list and its norms in another.
    """
    found: list[list[nn.Module]] = []
    inner: set[int] = set()
    for parent in model.modules():
        lists = [child for child in parent.children() if isinstance(child, nn.ModuleList) and len(child)]
        if id(parent) not in inner:
            for length in dict.fromkeys(len(child) for child in lists):
                alike = [child for child in lists if len(child) == length]
                found += [list(entry) for entry in zip(*alike, strict=True)]
        inner |= {id(module) for child in lists for module in child.modules()}
    return found


def _blocks(count: int) -> list[tuple[str, range]]:
    """The layers in at most six blocks, the last first, as (name, how far from the output they are)."""
    blocks = min(count, MOST_BLOCKS)
    bounds = [round(i * count / blocks) for i in range(blocks + 1)] if blocks else [0]
    named = []
    for start, end in pairwise(bounds):  # layers start + 1 to end, counted from 1
        name = f"layer {end}" if end == start + 1 else f"layers {start + 1}–{end}"
        named.append((name, range(count + 1 - end, count + 1 - start)))
    return named[::-1]
