"""The first maps of a batch of examples, from one forward for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise

import torch
from torch import Tensor, nn

from saliency_report import engine
from saliency_report.alone import Explained, Model, alone, as_memory_allows, goes_alone
from saliency_report.outcomes import Outcomes
from saliency_report.packing import Budget, Item
from saliency_report.tasks.encoding import Row


def first_maps(items: Sequence[Item], model: Model, outcomes: Outcomes) -> list[Explained]:
    """The first maps of a batch, one forward for all; when that fails each half alone, so that one costs no other."""
    if goes_alone(model):
        with outcomes.caught(items[0].place, items[0].example):
            return [alone(items[0], model, outcomes.budget)]
        return []
    begun = time.perf_counter()
    rows = [row for item in items for row in item.prepared.rows]
    groups = len(items) if model.loaded.choices else None
    checkpoint = model.loaded.checkpoint
    # Where each example stands in the logits: choices are an axis of their own there, other rows, such as windows, not.
    ends = [*accumulate((1 if groups else len(item.prepared.rows) for item in items), initial=0)]
    places = [slice(*pair) for pair in pairwise(ends)]

    read = [position for item in items if (position := item.prepared.read) is not None] or None
    sets: list[int] = []

    def select(logits: Tensor) -> Tensor:
        pairs = zip(items, places, strict=True)
        parts = [model.task.select(e.example, e.prepared, logits[place], checkpoint) for e, place in pairs]
        sets[:] = map(len, parts)
        return torch.cat([nn.functional.pad(part, (0, 0, 0, max(sets) - len(part))) for part in parts], dim=1)

    failure = None
    try:
        if items[0].prepared.places and sum(map(len, rows)) > engine.at_once(outcomes.budget) and len(items) == 1:
            computed = _long(rows, model, select, outcomes.budget)
        else:
            computed = engine.gradients(model.loaded, rows, select, groups, read)
    except Exception as error:
        failure = outcomes.failure(error)
    if failure:  # outside of `except`, where the traceback would keep the failed batch's tensors alive
        if half := len(items) // 2:
            return first_maps(items[:half], model, outcomes) + first_maps(items[half:], model, outcomes)
        outcomes.fail(items[0].place, items[0].example, failure)
        return []
    seconds = time.perf_counter() - begun
    tokens, row = sum(len(r) for r in rows), 0
    found: list[Explained] = []
    for i, (item, place) in enumerate(zip(items, places, strict=True)):
        count = len(item.prepared.rows)
        # One of each of its rows, set by set.
        starts = [number * len(rows) + row for number in range(sets[i])]
        own = [gradient for start in starts for gradient in computed.gradients[start : start + count]]
        with outcomes.caught(item.place, item.example):
            result = model.task.explain(
                item.example,
                item.prepared,
                checkpoint,
                computed.logits[place],
                computed.embeddings[row : row + count],
                own,
            )
            # The first maps are of one row each. What is of several together, such as windows, has more tokens: it is
            # computed anew where it is asked for.
            known = {
                j: (map_.target.score, gradient.values)
                for j, (map_, gradient) in enumerate(zip(result.maps, own, strict=False))
                if not item.prepared.places and len(gradient) == len(result.encodings[map_.encoding].tokens)
            }
            share = sum(len(r) for r in item.prepared.rows) / tokens
            found.append(Explained(item, result, seconds * share, known))
        row += count
    return found


def _long(rows: Sequence[Row], model: Model, select: Callable[[Tensor], Tensor], budget: Budget) -> engine.Gradients:
    """The gradients of a long text's windows, a part of them at a time; fewer where memory runs out.

    Where several labels are explained each has passes of its own: what is summed over windows is one number.
    """

    def of(number: int) -> engine.Gradients:
        tokens = engine.at_once(budget)
        return engine.in_parts(model.loaded, rows, lambda logits: select(logits)[number].sum(), tokens)[1]

    def of_all() -> engine.Gradients:
        first = of(0)
        others = [of(number).gradients for number in range(1, len(select(first.logits)))]
        return replace(first, gradients=[*first.gradients, *chain.from_iterable(others)])

    return as_memory_allows(of_all, budget, lambda: engine.at_once(budget) > len(rows[0]))
