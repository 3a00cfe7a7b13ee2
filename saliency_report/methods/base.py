"""What an attribution method is: a generator that asks for F and its gradient at points, and returns an attribution.

A method is a function of embeddings alone. It yields points (n, t, d), is sent F (n,) and ∂F/∂x (n, t, d) at them, and
returns its attribution (t, d). Who answers is not its business: a scheduler packs the points of many texts into the
same batches, and `drive` answers from any function of tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import Completeness

NOT_FINITE = "A number is not finite {where}: the model overflows there."


@dataclass(frozen=True)
class Evaluated:
    """F (n,) and ∂F/∂x (n, t, d) at n points; after a question for values, the gradients are an empty tensor."""

    values: Tensor
    gradients: Tensor


@dataclass(frozen=True)
class Values:
    """Points (n, t, d) of which F is asked for, but no gradient: at a baseline there may be none."""

    points: Tensor


@dataclass(frozen=True)
class Options:
    """The settings of all methods; each reads its own."""

    steps: int = 16
    max_steps: int = 512
    samples: int = 25
    noise: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class Start:
    """What a method starts from: embeddings x (t, d) with F(x) and ∂F/∂x there, and the baseline x′ (t, d).

    `memory` is what the methods of one target leave for each other, such as samples (n, t, d) that three of them use.
    """

    x: Tensor
    score: float
    gradient: Tensor
    baseline: Tensor
    baseline_name: str
    kept: list[int]
    options: Options
    memory: dict[str, Tensor] = field(default_factory=dict)


Estimate = Literal["mean", "mean_square", "variance"]


@dataclass(frozen=True)
class Attribution:
    """One number for each coordinate of each token: values (t, d).

    A path method says how well they add up. A noise method gives the gradients (n, t, d) that it sampled, what it
    estimated from them, and the standard deviation of its noise: all that `jackknife` and the record need.
    """

    values: Tensor
    completeness: Completeness | None = None
    samples: Tensor | None = None
    estimate: Estimate = "mean"
    sigma: float = 0.0


Question = Tensor | Values
Steps = Generator[Question, Evaluated, Attribution]
Answer = Callable[[Question], Evaluated]


@dataclass(frozen=True)
class Method:
    """An attribution method: what it computes, in plain words, and who described it.

    `scores` names the aggregations that its maps have, the headline first. `attribute` is None for a method that is no
    function of embeddings (it removes tokens, or reads attention), and is computed elsewhere. A method that
    `compares` the text with a baseline is given the one that the example asks for; another is given the text itself.
    """

    name: str
    title: str
    sentence: str
    formula: str
    reference: str
    scores: tuple[str, ...]
    attribute: Callable[[Start], Steps] | None = None
    compares: bool = True


def answers(score: Callable[[Tensor], Tensor]) -> Answer:
    """Answers from a differentiable function of points (n, t, d) -> (n,), each value of its own point alone."""

    def answer(question: Question) -> Evaluated:
        if isinstance(question, Values):
            with torch.no_grad():
                values = score(question.points)
            return Evaluated(values, values.new_empty(0))
        with torch.enable_grad():
            leaf = question.detach().requires_grad_()
            values = score(leaf)
            (gradients,) = torch.autograd.grad(values.sum(), leaf)
        return Evaluated(values.detach(), gradients)

    return answer


def start_at(
    answer: Answer,
    x: Tensor,
    baseline: Tensor,
    *,
    baseline_name: str = "given",
    kept: Sequence[int] = (),
    options: Options | None = None,
) -> Start:
    """The start of a method at embeddings (t, d), F and its gradient there taken from `answer`."""
    known = answer(x[None])
    score, gradient = float(known.values[0]), known.gradients[0]
    return Start(x, score, gradient, baseline, baseline_name, list(kept), options or Options())


def drive(steps: Steps, answer: Answer) -> Attribution:
    """Answer every question of a method, one after the other, until it returns its attribution."""
    try:
        question = next(steps)
        while True:
            question = steps.send(answer(question))
    except StopIteration as end:
        attribution: Attribution = end.value
        return attribution


def check_finite(answer: Evaluated, where: str, next_step: str) -> Evaluated:
    """The answer as it is.

    Raises:
        ExampleError: a value or a gradient is infinite or not a number.
    """
    if not bool(answer.values.isfinite().all() and answer.gradients.isfinite().all()):
        raise ExampleError(NOT_FINITE.format(where=where), next_step)
    return answer
