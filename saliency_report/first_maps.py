"""The first maps of batches of examples, one forward for each; the next are computed while one is explained."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, chain, pairwise

import torch
from torch import Tensor, nn

from saliency_report import engine
from saliency_report.alone import Explained, Model, alone, as_memory_allows, goes_alone
from saliency_report.models import Loaded
from saliency_report.outcomes import Outcomes
from saliency_report.packing import Budget, Item, batches, padded
from saliency_report.tasks.encoding import Row


@dataclass(frozen=True)
class _Computed:
    """The part of the logits that is of each example, how many numbers of each are explained, and what came of it."""

    places: Sequence[slice]
    sets: Sequence[int]
    gradients: engine.Gradients
    seconds: float


def first_maps(items: Sequence[Item], model: Model, outcomes: Outcomes) -> Iterator[list[Explained]]:
    """The first maps of the examples of each batch, of those that have any."""
    if goes_alone(model):
        for item in items:
            found = []
            with outcomes.caught(item.place, item.example):
                found = [alone(item, model, outcomes.budget)]
            yield found
        return
    budget, streams = outcomes.budget, model.streams
    packed = batches(items, lambda total: streams.share(total, budget.tokens), model.company)
    compute = partial(_compute, model=model, budget=budget)
    for batch, result in streams.each(packed, compute, lambda batch: min(padded(batch), engine.at_once(budget))):
        yield _explained(batch, result, model, outcomes)


def _compute(loaded: Loaded, items: Sequence[Item], *, model: Model, budget: Budget) -> _Computed:
    """The gradients of a batch, one forward for all."""
    begun = time.perf_counter()
    rows = [row for item in items for row in item.prepared.rows]
    groups = len(items) if loaded.choices else None
    # Where each example stands in the logits: choices are an axis of their own there, other rows, such as windows, not.
    ends = [*accumulate((1 if groups else len(item.prepared.rows) for item in items), initial=0)]
    places = [slice(*pair) for pair in pairwise(ends)]

    read = [position for item in items if (position := item.prepared.read) is not None] or None
    sets: list[int] = []

    def select(logits: Tensor) -> Tensor:
        pairs = zip(items, places, strict=True)
        parts = [model.task.select(e.example, e.prepared, logits[place], loaded.checkpoint) for e, place in pairs]
        sets[:] = map(len, parts)
        return torch.cat([nn.functional.pad(part, (0, 0, 0, max(sets) - len(part))) for part in parts], dim=1)

    if items[0].prepared.places and sum(map(len, rows)) > engine.at_once(budget) and len(items) == 1:
        computed = _long(rows, loaded, select, budget)
    else:
        computed = engine.gradients(loaded, rows, select, groups, read)
    return _Computed(places, sets, computed, time.perf_counter() - begun)


def _explained(
    items: Sequence[Item], result: Callable[[], _Computed], model: Model, outcomes: Outcomes
) -> list[Explained]:
    """The maps of a batch; when that failed those of each half alone, so that one example costs no other."""
    failure = None
    try:
        computed = result()
    except Exception as error:
        failure = outcomes.failure(error)
    if not failure:
        return list(_maps(items, computed, model, outcomes))
    # Outside of `except`, where the traceback would keep the failed batch's tensors alive.
    if not (half := len(items) // 2):
        outcomes.fail(items[0].place, items[0].example, failure)
        return []
    found = []
    for part in (items[:half], items[half:]):
        again = partial(_compute, model.loaded, part, model=model, budget=outcomes.budget)
        found += _explained(part, again, model, outcomes)
    return found


def _maps(items: Sequence[Item], done: _Computed, model: Model, outcomes: Outcomes) -> Iterator[Explained]:
    """The maps of what was computed."""
    computed = done.gradients
    waited = time.perf_counter()
    computed.wait()
    seconds = done.seconds + time.perf_counter() - waited
    rows = [len(row) for item in items for row in item.prepared.rows]
    row = 0
    for item, place, sets in zip(items, done.places, done.sets, strict=True):
        count = len(item.prepared.rows)
        # One of each of its rows, set by set.
        starts = [number * len(rows) + row for number in range(sets)]
        own = [gradient for start in starts for gradient in computed.gradients[start : start + count]]
        with outcomes.caught(item.place, item.example):
            result = model.task.explain(
                item.example,
                item.prepared,
                model.loaded.checkpoint,
                computed.logits[place],
                computed.embeddings[row : row + count],
                own,
            )
            # The first maps are of one row each. What is of several together, such as windows, has more tokens: it is
            # computed anew where it is asked for.
            known = {
                j: (map_.target.score, gradient.values)
                for j, (map_, gradient) in enumerate(zip(result.maps, own, strict=False))
                if not item.prepared.places and len(gradient.values) == len(result.encodings[map_.encoding].tokens)
            }
            share = sum(rows[row : row + count]) / sum(rows)
            yield Explained(item, result, seconds * share, known)
        row += count


def _long(rows: Sequence[Row], loaded: Loaded, select: Callable[[Tensor], Tensor], budget: Budget) -> engine.Gradients:
    """The gradients of a long text's windows, a part of them at a time; fewer where memory runs out.

    Where several labels are explained each has passes of its own: what is summed over windows is one number.
    """

    def of(number: int) -> engine.Gradients:
        tokens = engine.at_once(budget)
        return engine.in_parts(loaded, rows, lambda logits: select(logits)[number].sum(), tokens)[1]

    def of_all() -> engine.Gradients:
        first = of(0)
        others = [of(number).gradients for number in range(1, len(select(first.logits)))]
        return replace(first, gradients=[*first.gradients, *chain.from_iterable(others)])

    return as_memory_allows(of_all, budget, lambda: engine.at_once(budget) > len(rows[0]))
