"""Many computations at once: each is a generator that asks for F at points or of edited texts; asks share batches.

So the steps of an integral, the samples of a noise method and the texts of a deletion curve, of one example or of
many, fill batches of one token budget, and a method needs to know of none of it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from saliency_report import engine
from saliency_report.engine import Job
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded
from saliency_report.packing import Budget, Company

# Rows of nearly one length, such as points of one text, are fastest in batches of twice the budget: by 8 to 12 % on two
# cores. So far padding may go there; with more of it the larger batch gives away what it gains.
EQUALS, PADDING = 2, 0.05
MOST_AT_ONCE = 64  # computations that run side by side: enough to fill a GPU's batches, few enough to keep in memory


@dataclass(frozen=True)
class Ask:
    """F of jobs, with gradients or without; answered by F (n,) and a list of n gradients (t, d), or an empty one."""

    jobs: Sequence[Job]
    gradient: bool


@dataclass(frozen=True)
class Alone:
    """Something that shares no batch: a pass that looks into a model; answered by what it gives."""

    compute: Callable[[], Any]


Question = Ask | Alone
Computation = Generator[Question, Any, Any]


@dataclass(eq=False)
class _Running:
    """A computation, its open question, and which jobs of it are done."""

    key: Any
    computation: Computation
    question: Question | None = None
    values: list[Tensor | None] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    seconds: float = 0.0

    def put(self, question: Question) -> None:
        self.question = question
        if isinstance(question, Ask):
            self.values = [None] * len(question.jobs)
            self.gradients = [torch.empty(0)] * len(question.jobs)
            rows = [engine.rows_of(job) for job in question.jobs]
            self.sizes = [(len(own), max(len(row) for row in own)) for own in rows]

    def open(self) -> list[int]:
        return [i for i, value in enumerate(self.values) if value is None]


_Picked = tuple[_Running, int, Job]  # whose a job is, and its number in the ask


@dataclass(frozen=True)
class Done:
    """A computation's result, or the error that ended it, and its share of the time in seconds."""

    key: Any
    result: Any
    error: Exception | None
    seconds: float


def run(
    computations: Sequence[tuple[Any, Computation]], loaded: Loaded, company: Company, budget: Budget
) -> Iterator[Done]:
    """Run computations to their ends; each comes out as it is done, under the key that it came with.

    An error goes into the computation that asked, which may catch it and go on; it costs no other anything. When memory
    runs out the budget is halved.
    """
    streams = engine.Streams(loaded, EQUALS * budget.tokens)
    waiting = list(reversed(computations))
    running: list[_Running] = []
    while waiting or running:
        while waiting and len(running) < MOST_AT_ONCE:
            key, computation = waiting.pop()
            started = _Running(key, computation)
            done = _proceed(started, lambda c=computation: next(c))  # type: ignore[misc]
            if done:
                yield done
            else:
                running.append(started)
        for one in [r for r in running if isinstance(r.question, Alone)]:
            done = _alone(one, budget)
            if done:
                running.remove(one)
                yield done
        for gradient in (True, False):
            asking = [r for r in running if isinstance(r.question, Ask) and r.question.gradient == gradient]
            picked = _batches(asking, company, budget, streams)
            evaluate = partial(_evaluate, gradient=gradient, budget=budget)
            for chosen, answer in streams.each(picked, evaluate, partial(_padded, budget=budget)):
                for one in _take(chosen, answer, gradient, loaded, budget):
                    done = None if one.open() else _answer(one)
                    if done:
                        running.remove(one)
                        yield done


def _proceed(one: _Running, step: Callable[[], Question]) -> Done | None:
    """Take a computation to its next question, or to its end."""
    begun = time.perf_counter()
    try:
        question = step()
        # An ask without jobs is answered at once.
        while isinstance(question, Ask) and not question.jobs:
            question = one.computation.send((torch.empty(0), []))
        one.put(question)
    except StopIteration as stop:
        return Done(one.key, stop.value, None, one.seconds + time.perf_counter() - begun)
    except Exception as error:
        return Done(one.key, None, error, one.seconds + time.perf_counter() - begun)
    one.seconds += time.perf_counter() - begun
    return None


def _answer(one: _Running) -> Done | None:
    assert isinstance(one.question, Ask)
    values = torch.stack([value for value in one.values if value is not None])
    gradients = one.gradients if one.question.gradient else []
    return _proceed(one, lambda: one.computation.send((values, gradients)))


def _alone(one: _Running, budget: Budget) -> Done | None:
    assert isinstance(one.question, Alone)
    begun = time.perf_counter()
    try:
        answer = one.question.compute()
    except Exception as error:
        failure = _out_of_memory(budget) if engine.is_out_of_memory(error) else error
        one.seconds += time.perf_counter() - begun
        return _proceed(one, lambda: one.computation.throw(failure))
    one.seconds += time.perf_counter() - begun
    return _proceed(one, lambda: one.computation.send(answer))


def _batches(
    asking: Sequence[_Running], company: Company, budget: Budget, streams: engine.Streams
) -> Iterator[list[_Picked]]:
    """The open jobs, the shortest first, as batches; sorted once a round, since there can be tens of thousands."""
    jobs = sorted((one.sizes[i][::-1], place, i) for place, one in enumerate(asking) for i in one.open())
    start, total = 0, sum(math.prod(size) for size, *_ in jobs)
    while start < len(jobs):
        (first, rows), end = jobs[start][0], start + 1
        tokens, most = rows * first, budget.tokens
        equal, mixed = streams.share(total, EQUALS * most), streams.share(total, most)
        while end < len(jobs) and company != "with none":
            length, more = jobs[end][0]
            padded, full = (rows + more) * length, tokens + more * length
            limit = equal if padded - full <= PADDING * padded else mixed
            if (company == "with equals" and length != first) or padded > limit:
                break
            rows, tokens, end = rows + more, full, end + 1
        # After one job of an ask has failed its others are not needed.
        chosen = [(asking[place], i) for _, place, i in jobs[start:end]]
        yield [(one, i, one.question.jobs[i]) for one, i in chosen if isinstance(one.question, Ask)]
        start = end


def _padded(picked: Sequence[_Picked], *, budget: Budget) -> int:
    """The tokens of jobs in one pass, with what fills their rows up."""
    rows = sum(one.sizes[i][0] for one, i, _ in picked)
    return min(rows * max((one.sizes[i][1] for one, i, _ in picked), default=0), engine.at_once(budget))


# F of jobs, their gradients where they were asked for, and the seconds that it took.
_Answer = tuple[Tensor, list[Tensor], float]


def _evaluate(loaded: Loaded, picked: Sequence[_Picked], *, gradient: bool, budget: Budget) -> _Answer:
    """Evaluate jobs together."""
    if not picked:
        return torch.empty(0), [], 0.0
    begun, jobs = time.perf_counter(), [job for *_, job in picked]
    values, gradients = engine.evaluate(loaded, jobs, gradient=gradient, most=engine.at_once(budget))
    return values, gradients, time.perf_counter() - begun


def _take(
    picked: Sequence[_Picked], answer: Callable[[], _Answer], gradient: bool, loaded: Loaded, budget: Budget
) -> list[_Running]:
    """Note what came of jobs; gives the computations that they belong to, but for those whose ask failed."""
    failure: Exception | None = None
    values, gradients, elapsed, touched = torch.empty(0), list[Tensor](), 0.0, list[_Running]()
    try:
        values, gradients, elapsed = answer()
    except Exception as error:
        failure = _out_of_memory(budget) if engine.is_out_of_memory(error) else error
    # Edits can leave nothing of a text: such a job fails, and has no tokens to share the time by.
    tokens = max(1, sum(math.prod(one.sizes[i]) for one, i, _ in picked))
    for one, i, _ in picked:
        one.seconds += elapsed * math.prod(one.sizes[i]) / tokens
    # While these were computed the ask of some may have failed: nothing more is needed of it.
    wanted = [(number, one, i) for number, (one, i, _) in enumerate(picked) if isinstance(one.question, Ask)]
    if failure is not None and len(picked) > 1:  # the halves, so that the job at fault is alone in the end
        failure = None  # its traceback would keep the tensors of the whole alive
        middle = len(picked) // 2
        for half in (picked[:middle], picked[middle:]):
            left = [job for job in half if isinstance(job[0].question, Ask)]
            again = partial(_evaluate, loaded, left, gradient=gradient, budget=budget)
            touched += _take(left, again, gradient, loaded, budget)
    elif failure is not None:
        for _, one, _ in wanted:
            one.put(Alone(_raising(failure)))
    else:
        touched = [one for _, one, _ in wanted]
        for number, one, i in wanted:
            one.values[i] = values[number]
            if gradient:
                one.gradients[i] = gradients[number]
    return [one for one in dict.fromkeys(touched) if isinstance(one.question, Ask)]


def _raising(error: Exception) -> Callable[[], Any]:
    def compute() -> Any:
        raise error

    return compute


def _out_of_memory(budget: Budget) -> ExampleError:
    budget.halve()
    return ExampleError(
        "Memory ran out on this example alone.", "Use a shorter text, a smaller model or another --device."
    )
