"""The first maps of a batch of examples, from one forward for all; a GPU computes the next while one is explained."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise

import torch
from torch import Tensor, nn

from saliency_report import engine
from saliency_report.alone import Explained, Model, alone, as_memory_allows, goes_alone
from saliency_report.outcomes import Outcomes
from saliency_report.packing import Budget, Item
from saliency_report.tasks.encoding import Row

AHEAD = {"cuda": 1}  # batches that a device is given before the one before them is explained


@dataclass(frozen=True)
class _Begun:
    """Examples, the part of the logits that is of each, how many numbers of each are explained, and what came of it."""

    items: Sequence[Item]
    places: Sequence[slice]
    sets: Sequence[int]
    computed: engine.Gradients
    seconds: float


def first_maps(
    batches: Iterable[Sequence[Item]], model: Model, outcomes: Outcomes
) -> Iterator[tuple[int, list[Explained]]]:
    """How many examples each batch has, and the first maps of those that have any."""
    ahead: deque[tuple[int, list[_Begun]]] = deque()
    most = AHEAD.get(engine.device_of(model.loaded.model).type, 0)
    for items in batches:
        if goes_alone(model):
            found = []
            with outcomes.caught(items[0].place, items[0].example):
                found = [alone(items[0], model, outcomes.budget)]
            yield 1, found
            continue
        ahead.append((len(items), _begin(items, model, outcomes)))
        if len(ahead) > most:
            yield _explained(*ahead.popleft(), model, outcomes)
    while ahead:
        yield _explained(*ahead.popleft(), model, outcomes)


def _begin(items: Sequence[Item], model: Model, outcomes: Outcomes) -> list[_Begun]:
    """The gradients of a batch, one forward for all; when that fails each half alone, so that one costs no other."""
    begun = time.perf_counter()
    rows = [row for item in items for row in item.prepared.rows]
    groups = len(items) if model.loaded.choices else None
    # Where each example stands in the logits: choices are an axis of their own there, other rows, such as windows, not.
    ends = [*accumulate((1 if groups else len(item.prepared.rows) for item in items), initial=0)]
    places = [slice(*pair) for pair in pairwise(ends)]

    read = [position for item in items if (position := item.prepared.read) is not None] or None
    sets: list[int] = []

    def select(logits: Tensor) -> Tensor:
        pairs = zip(items, places, strict=True)
        parts = [model.task.select(e.example, e.prepared, logits[place], model.loaded.checkpoint) for e, place in pairs]
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
            return _begin(items[:half], model, outcomes) + _begin(items[half:], model, outcomes)
        outcomes.fail(items[0].place, items[0].example, failure)
        return []
    return [_Begun(items, places, sets, computed, time.perf_counter() - begun)]


def _explained(count: int, parts: Sequence[_Begun], model: Model, outcomes: Outcomes) -> tuple[int, list[Explained]]:
    return count, [one for part in parts for one in _maps(part, model, outcomes)]


def _maps(begun: _Begun, model: Model, outcomes: Outcomes) -> Iterator[Explained]:
    """The maps of what was computed."""
    computed = begun.computed
    waited = time.perf_counter()
    computed.wait()
    seconds = begun.seconds + time.perf_counter() - waited
    rows = [len(row) for item in begun.items for row in item.prepared.rows]
    row = 0
    for item, place, sets in zip(begun.items, begun.places, begun.sets, strict=True):
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
