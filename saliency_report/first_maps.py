"""The first maps of examples: one pass for a batch of them, or of one text all its generated tokens."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, chain, pairwise
from typing import Any

import torch
from torch import Tensor, nn

from saliency_report import engine
from saliency_report.analysis import Facts
from saliency_report.models import Loaded
from saliency_report.outcomes import Outcomes
from saliency_report.packing import Budget, Company, Item
from saliency_report.record import ExampleResult
from saliency_report.spec import Text2TextGeneration, TextGeneration
from saliency_report.tasks.encoding import Row


@dataclass(frozen=True)
class Explained:
    """An example, its first maps and the seconds that they took; F and its gradient (t, d) of maps that stay known."""

    item: Item
    result: ExampleResult
    seconds: float
    known: dict[int, tuple[float, Tensor]] = field(default_factory=dict)


@dataclass
class Model:
    """A model on the examples of a window, and those of them that wait for more."""

    loaded: Loaded
    company: Company
    task: Any
    waiting: list[Explained] = field(default_factory=list)

    @cached_property
    def facts(self) -> Facts:
        """What its examples share."""
        rows = max((row for one in self.waiting for row in one.item.prepared.rows), key=len)
        return Facts(self.loaded, engine.is_causal(self.loaded, rows))


def first_maps(items: Sequence[Item], model: Model, outcomes: Outcomes) -> list[Explained]:
    """The first maps of a batch, one forward for all; when that fails each half alone, so that one costs no other."""
    if items[0].example.task == "text-generation":
        with outcomes.caught(items[0].place, items[0].example):
            return [_generation(items[0], model, outcomes.budget)]
        return []
    if items[0].example.task == "text2text-generation":
        with outcomes.caught(items[0].place, items[0].example):
            return [_written(items[0], model, outcomes.budget)]
        return []
    if model.loaded.checkpoint.causal:
        with outcomes.caught(items[0].place, items[0].example):
            return [_choices(items[0], model, outcomes.budget)]
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
                j: (map_.target.score, gradient)
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

    while True:
        try:
            first = of(0)
            others = [of(number).gradients for number in range(1, len(select(first.logits)))]
            return replace(first, gradients=[*first.gradients, *chain.from_iterable(others)])
        except Exception as error:
            if not engine.is_out_of_memory(error) or engine.at_once(budget) <= len(rows[0]):
                raise
            budget.halve()


def _generation(item: Item, model: Model, budget: Budget) -> Explained:
    """Generate where no continuation is given, then one map a generated token."""
    begun = time.perf_counter()
    task, prepared, example, loaded = model.task, item.prepared, item.example, model.loaded
    assert isinstance(example, TextGeneration)
    if len(prepared.rows[0]) == prepared.known:
        new = engine.generate(loaded, prepared.rows[0], example.max_new_tokens)
        prepared = task.extend(prepared, new, loaded.checkpoint)
    prepared = task.aim(example, prepared, loaded.checkpoint)
    score = task.scores(example, prepared)
    while True:
        try:
            computed = engine.matrix(loaded, prepared.rows[0], prepared.spans, score, budget.tokens)
            result = task.explain(example, prepared, loaded.checkpoint, *computed)
            return Explained(Item(item.place, example, prepared), result, time.perf_counter() - begun)
        except Exception as error:
            if not engine.is_out_of_memory(error) or budget.tokens <= prepared.length:
                raise
            budget.halve()


def _written(item: Item, model: Model, budget: Budget) -> Explained:
    """Write where no continuation is given, then one map a token that was written."""
    begun = time.perf_counter()
    task, prepared, example, loaded = model.task, item.prepared, item.example, model.loaded
    assert isinstance(example, Text2TextGeneration)
    if len(prepared.rows[0]) == prepared.known:
        new = engine.write(loaded, prepared.rows[0], example.max_new_tokens)
        prepared = task.extend(prepared, new, loaded.checkpoint)
    prepared = task.aim(example, prepared, loaded.checkpoint)
    logits, embeddings = engine.read(loaded, prepared.rows[0], task.explained(prepared))
    jobs = [engine.Job(function) for function in task.functions(example, prepared, loaded.checkpoint)]
    _, gradients = _evaluated(jobs, prepared.length, loaded, budget)
    result = task.explain(example, prepared, loaded.checkpoint, logits, embeddings, [[g] for g in gradients])
    return Explained(Item(item.place, example, prepared), result, time.perf_counter() - begun)


def _evaluated(
    jobs: Sequence[engine.Job], length: int, loaded: Loaded, budget: Budget
) -> tuple[list[Tensor], list[Tensor]]:
    """F of jobs whose rows have so many tokens, in parts, and the gradients, as many at once as the memory allows."""
    while True:
        try:
            scores: list[Tensor] = []
            gradients: list[Tensor] = []
            step = max(1, budget.tokens // length)
            for start in range(0, len(jobs), step):
                values, slopes = engine.evaluate(loaded, jobs[start : start + step], gradient=True)
                scores.append(values)
                gradients += slopes
        except Exception as error:
            if not engine.is_out_of_memory(error) or budget.tokens <= length:
                raise
            budget.halve()
        else:
            return scores, gradients


def _choices(item: Item, model: Model, budget: Budget) -> Explained:
    """The score of each choice by a causal model, and its map."""
    begun = time.perf_counter()
    prepared, loaded = item.prepared, model.loaded
    jobs = [engine.Job(f) for f in model.task.own_functions(item.example, prepared, loaded.checkpoint)]
    scores, gradients = _evaluated(jobs, prepared.length, loaded, budget)
    for gradient, (_, last) in zip(gradients, prepared.spans, strict=True):
        engine.check_causal(gradient, last)
    embeddings = [engine.embed(loaded, row.ids) for row in prepared.rows]
    logits = torch.cat(scores)[None]
    result = model.task.explain(item.example, prepared, loaded.checkpoint, logits, embeddings, gradients)
    known = {j: (result.maps[j].target.score, gradient) for j, gradient in enumerate(gradients)}
    return Explained(item, result, time.perf_counter() - begun, known)
