"""The first maps of an example that goes alone: what a model generates, writes, or chooses by likelihood."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from saliency_report import engine
from saliency_report.aggregation import Slopes
from saliency_report.analysis import Facts
from saliency_report.models import Loaded
from saliency_report.packing import Budget, Company, Item
from saliency_report.record import ExampleResult
from saliency_report.spec import Text2TextGeneration, TextGeneration
from saliency_report.tasks.base import Prepared
from saliency_report.tasks.encoding import Row

Result = TypeVar("Result")


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
    def streams(self) -> engine.Streams:
        """What computes batches of the trained model side by side."""
        return engine.Streams(self.loaded, engine.token_budget(engine.device_of(self.loaded.model)))

    @cached_property
    def facts(self) -> Facts:
        """What its examples share."""
        rows = max((row for one in self.waiting for row in one.item.prepared.rows), key=len)
        return Facts(self.loaded, engine.is_causal(self.loaded, rows))


def goes_alone(model: Model) -> bool:
    """Whether an example of the model has a batch for itself: its maps are of many tokens, or of many rows."""
    return model.loaded.info.task in _WAYS or model.loaded.checkpoint.causal


def alone(item: Item, model: Model, budget: Budget) -> Explained:
    """The first maps of such an example, in as large parts as the memory allows."""
    begun = time.perf_counter()
    prepared, result, known = _WAYS.get(model.loaded.info.task, _choices)(item, model, budget)
    return Explained(Item(item.place, item.example, prepared), result, time.perf_counter() - begun, known)


def as_memory_allows(attempt: Callable[[], Result], budget: Budget, smaller: Callable[[], bool]) -> Result:
    """What an attempt gives; when memory runs out, again with half the budget, as long as parts can be `smaller`."""
    while True:
        try:
            return attempt()
        except Exception as error:
            if not engine.is_out_of_memory(error) or not smaller():
                raise
            budget.halve()


# What was explained, its maps, and of maps that stay known F and its gradient.
_Found = tuple[Prepared, ExampleResult, dict[int, tuple[float, Tensor]]]


def _generated(item: Item, model: Model, budget: Budget) -> _Found:
    """One map a generated token, all from one forward."""
    task, example, loaded = model.task, item.example, model.loaded
    prepared = _continued(item, model, engine.generate)
    score = task.scores(example, prepared)

    def attempt() -> ExampleResult:
        computed = engine.matrix(loaded, prepared.rows[0], prepared.spans, score, budget.tokens)
        result: ExampleResult = task.explain(example, prepared, loaded.checkpoint, *computed)
        return result

    return prepared, as_memory_allows(attempt, budget, lambda: budget.tokens > prepared.length), {}


def _written(item: Item, model: Model, budget: Budget) -> _Found:
    """One map a token that a decoder wrote."""
    task, example, loaded = model.task, item.example, model.loaded
    prepared = _continued(item, model, engine.write)
    logits, embeddings = engine.read(loaded, prepared.rows[0], task.explained(prepared))
    jobs = [engine.Job(function) for function in task.functions(example, prepared, loaded.checkpoint)]
    _, gradients = _evaluated(jobs, prepared.length, model, budget)
    found = [Slopes.of(g, embeddings[: len(g)]) for g in gradients]
    result = task.explain(example, prepared, loaded.checkpoint, logits, embeddings, found)
    return prepared, result, {}


def _choices(item: Item, model: Model, budget: Budget) -> _Found:
    """The score of each choice by a causal model, and its map."""
    prepared, loaded = item.prepared, model.loaded
    jobs = [engine.Job(f) for f in model.task.own_functions(item.example, prepared, loaded.checkpoint)]
    scores, found = _evaluated(jobs, prepared.length, model, budget)
    embeddings = [engine.embed(loaded, row.ids) for row in prepared.rows]
    gradients = [*map(Slopes.of, found, embeddings)]
    for gradient, (_, last) in zip(gradients, prepared.spans, strict=True):
        engine.check_causal(gradient, last)
    logits = torch.cat(scores)[None]
    result = model.task.explain(item.example, prepared, loaded.checkpoint, logits, embeddings, gradients)
    return prepared, result, {j: (result.maps[j].target.score, gradient) for j, gradient in enumerate(found)}


_WAYS: dict[str, Callable[[Item, Model, Budget], _Found]] = {
    "text-generation": _generated,
    "text2text-generation": _written,
}


def _continued(item: Item, model: Model, more: Callable[[Loaded, Row, int], list[int]]) -> Prepared:
    """The example with its continuation, which is made where none is given, and what of it is explained."""
    prepared, example, checkpoint = item.prepared, item.example, model.loaded.checkpoint
    assert isinstance(example, TextGeneration | Text2TextGeneration)
    if len(prepared.rows[0]) == prepared.known:
        new = more(model.loaded, prepared.rows[0], example.max_new_tokens)
        prepared = model.task.extend(prepared, new, checkpoint)
    aimed: Prepared = model.task.aim(example, prepared, checkpoint)
    return aimed


def _evaluated(
    jobs: Sequence[engine.Job], length: int, model: Model, budget: Budget
) -> tuple[list[Tensor], list[Tensor]]:
    """F of jobs whose rows have so many tokens, in parts, and the gradients, as many at once as the memory allows."""

    evaluate = partial(engine.evaluate, gradient=True)

    def attempt() -> tuple[list[Tensor], list[Tensor]]:
        step = max(1, model.streams.share(len(jobs) * length, budget.tokens) // length)
        parts = [jobs[start : start + step] for start in range(0, len(jobs), step)]
        found = [result() for _, result in model.streams.each(parts, evaluate, lambda part: len(part) * length)]
        return [scores for scores, _ in found], [gradient for _, own in found for gradient in own]

    return as_memory_allows(attempt, budget, lambda: budget.tokens > length)
