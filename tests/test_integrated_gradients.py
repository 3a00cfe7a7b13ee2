"""Integrated gradients: closed forms, completeness, and the bisection of panels that are off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from saliency_report.baselines import baseline
from saliency_report.errors import ExampleError
from saliency_report.methods import (
    Answer,
    Attribution,
    Evaluated,
    Options,
    Question,
    Values,
    answers,
    drive,
    gauss_legendre,
    integrated_gradients,
    start_at,
)
from saliency_report.methods.path import verdict
from saliency_report.record import Completeness

Function = Callable[[Tensor], Tensor]
X = torch.tensor([[0.3, -1.2], [2.0, 0.7], [-0.4, 1.1]], dtype=torch.float64)
WEIGHTS = torch.tensor([[1.5, -2.0], [0.25, 3.0], [-1.0, 0.5]], dtype=torch.float64)
ONCE = Options(steps=16, max_steps=16)


def linear(points: Tensor) -> Tensor:
    return (points * WEIGHTS).sum(dim=(-2, -1)) + 4


def quadratic(points: Tensor) -> Tensor:
    return (points.square() * WEIGHTS).sum(dim=(-2, -1))


def mixed(points: Tensor) -> Tensor:
    """5 a + b² + sin c of the first three coordinates."""
    return 5 * points[:, 0, 0] + points[:, 0, 1] ** 2 + points[:, 1, 0].sin()


def smooth(points: Tensor) -> Tensor:
    return ((points @ WEIGHTS.T).tanh() @ WEIGHTS).square().sum(dim=(-2, -1))


def normed(points: Tensor) -> Tensor:
    """RMSNorm of each token, then something that is not linear: all of it happens close to a baseline of zeros."""
    return ((points / (points.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt() + 0.2).tanh() * WEIGHTS).sum((-2, -1))


def attribute(
    function: Function | None, options: Options, origin: Tensor | None = None, answer: Answer | None = None
) -> tuple[Attribution, Completeness]:
    if answer is None:
        assert function is not None
        answer = answers(function)
    origin = torch.zeros_like(X) if origin is None else origin
    got = drive(integrated_gradients(start_at(answer, X, origin, baseline_name="zero", options=options)), answer)
    assert got.completeness is not None
    return got, got.completeness


class Spy:
    """Answers, and remembers the questions: α of the points of a gradient, and of those of a value, on the way to X."""

    def __init__(self, function: Function, origin: Tensor) -> None:
        self.answer, self.origin = answers(function), origin
        self.rounds: list[list[float]] = []
        self.values: list[float] = []

    def __call__(self, question: Question) -> Evaluated:
        points = question.points if isinstance(question, Values) else question
        line = X - self.origin
        alphas = ((points - self.origin) * line).sum((-2, -1)) / line.square().sum()
        torch.testing.assert_close(points, self.origin + alphas[:, None, None] * line)  # all lie on the line
        if isinstance(question, Values):
            self.values += alphas.tolist()
        else:
            self.rounds.append(alphas.tolist())
        return self.answer(question)


@pytest.mark.parametrize("n", [1, 2, 5, 16, 50, 512, 1024])
def test_the_rule_is_gauss_legendre_on_0_1(n: int) -> None:
    nodes, weights = gauss_legendre(n)
    theirs, their_weights = np.polynomial.legendre.leggauss(n)
    np.testing.assert_allclose(nodes.numpy(), (1 + theirs) / 2, rtol=0, atol=1e-14)
    np.testing.assert_allclose(weights.numpy(), their_weights / 2, rtol=0, atol=1e-14)
    assert float(weights.sum()) == pytest.approx(1, abs=1e-14)
    for dtype in (torch.float64, torch.float32):
        assert bool(((nodes.to(dtype) > 0) & (nodes.to(dtype) < 1)).all())


@pytest.mark.parametrize("origin", [torch.zeros_like(X), torch.full_like(X, 0.5), X.flip(0)], ids=["0", "half", "flip"])
def test_closed_forms(origin: Tensor) -> None:
    for function, expected in [
        (linear, WEIGHTS * (X - origin)),
        (quadratic, WEIGHTS * (X.square() - origin.square())),
    ]:
        got, completeness = attribute(function, Options(steps=2, max_steps=2), origin)
        torch.testing.assert_close(got.values, expected, rtol=1e-12, atol=1e-12)
        assert completeness.verdict == "pass"
    got, _ = attribute(mixed, ONCE, origin)
    expected = torch.zeros_like(X)
    expected[0, 0] = 5 * (X[0, 0] - origin[0, 0])
    expected[0, 1] = X[0, 1] ** 2 - origin[0, 1] ** 2
    expected[1, 0] = X[1, 0].sin() - origin[1, 0].sin()
    torch.testing.assert_close(got.values, expected, rtol=1e-12, atol=1e-12)


def test_the_record_of_completeness() -> None:
    got, completeness = attribute(smooth, Options(steps=3, max_steps=3))
    rise = float(smooth(X[None]) - smooth(0 * X[None]))
    delta = float(got.values.sum()) - rise
    assert completeness.model_dump() == {
        "baseline": "zero",
        "baseline_text": None,
        "kept": [],
        "steps": 3,
        "evaluated": 3,
        "max_steps": 3,
        "total": pytest.approx(float(got.values.sum()), rel=1e-14),
        "score": float(smooth(X[None])),
        "baseline_score": 0.0,
        "delta": pytest.approx(delta, rel=1e-9),
        "relative": pytest.approx(abs(delta / rise), rel=1e-9),
        "verdict": verdict(abs(delta / rise)),
    }
    assert abs(delta / rise) > 1e-3  # three nodes are not exact here, or the test would see nothing


@pytest.mark.parametrize("steps", [3, 8, 50])
def test_one_panel_is_captums_rule(steps: int) -> None:
    origin = torch.full_like(X, -0.3)
    got, completeness = attribute(smooth, Options(steps=steps, max_steps=steps), origin)
    theirs, delta = IntegratedGradients(smooth).attribute(
        X[None], origin[None], n_steps=steps, method="gausslegendre", return_convergence_delta=True
    )
    assert float((got.values - theirs[0]).norm() / theirs.norm()) < 1e-6
    assert completeness.delta == pytest.approx(float(delta), abs=1e-5)


def test_no_gradient_is_asked_for_at_the_ends() -> None:
    origin = torch.full_like(X, 1e-9)
    spy = Spy(normed, origin)
    _, completeness = attribute(None, Options(steps=4, max_steps=400), origin, spy)
    assert spy.rounds.pop(0) == pytest.approx([1.0])  # F and its gradient at the text are what a method starts from
    asked = [alpha for alphas in spy.rounds for alpha in alphas]
    assert len(asked) == len(set(asked)) == completeness.evaluated
    assert completeness.evaluated > completeness.steps > 4
    assert 0 < min(asked) < max(asked) < 1
    assert spy.values[0] == pytest.approx(0, abs=1e-15)
    assert all(0 < alpha < 1 for alpha in spy.values[1:])


def test_a_baseline_without_a_gradient_is_no_obstacle() -> None:
    """|x| of each token has a derivative of 0/0 at a baseline of zeros."""
    got, completeness = attribute(lambda points: points.square().sum(dim=-1).sqrt().sum(dim=-1), ONCE)
    torch.testing.assert_close(got.values, X.square() / X.norm(dim=-1, keepdim=True), rtol=1e-12, atol=1e-12)
    assert completeness.verdict == "pass"


def test_a_sharp_bend_near_the_baseline_needs_bisection() -> None:
    once, failed = attribute(normed, Options(steps=16, max_steps=16))
    assert (failed.verdict, failed.steps, failed.evaluated) == ("fail", 16, 16)
    assert failed.relative is not None
    assert failed.relative > 0.05
    got, passed = attribute(normed, Options(steps=16, max_steps=512))
    assert passed.verdict == "pass"
    assert passed.relative is not None
    assert passed.relative <= 0.01
    assert 16 < passed.steps < passed.evaluated <= 512
    assert passed.total == pytest.approx(passed.score - passed.baseline_score, rel=0.01)
    # The midpoint rule with many points, evenly spaced in the logarithm of α, is another way to the same integral.
    ends = torch.cat([torch.zeros(1), torch.logspace(-9, 0, 20_001)]).double()
    alphas = (ends[1:] + ends[:-1]) / 2
    slopes = answers(normed)(alphas[:, None, None] * X).gradients
    exact = X * ((ends[1:] - ends[:-1])[:, None, None] * slopes).sum(dim=0)

    def error(attribution: Attribution) -> float:
        return float((attribution.values - exact).norm() / exact.norm())

    # Completeness bounds the error of the sum, not that of each coordinate: 2.8 % are left of 25 %.
    assert error(once) > 0.2
    assert error(got) < 0.03
    finer, _ = attribute(normed, Options(steps=64, max_steps=512))
    assert error(finer) < 0.003


@pytest.mark.parametrize(
    ("steps", "limit", "evaluated"), [(16, 16, 16), (16, 47, 16), (16, 48, 48), (4, 100, 100), (8, 3, 3)]
)
def test_the_limit_is_kept_and_what_fails_is_said(steps: int, limit: int, evaluated: int) -> None:
    """A step, which no rule gets right: its derivative is zero wherever it is asked for."""

    def step(points: Tensor) -> Tensor:
        return (points[:, 0, 0] > 0.1).double() + 0 * points.sum(dim=(-2, -1))

    _, completeness = attribute(step, Options(steps=steps, max_steps=limit))
    assert (completeness.verdict, completeness.relative) == ("fail", 1.0)
    assert completeness.evaluated == evaluated
    assert completeness.max_steps == limit


def test_only_panels_that_are_off_are_bisected() -> None:
    spy = Spy(normed, torch.zeros_like(X))
    _, completeness = attribute(None, Options(steps=8, max_steps=512), torch.zeros_like(X), spy)
    later = [alpha for alphas in spy.rounds[2:] for alpha in alphas]
    # The upper half was right at once, and keeps the eight nodes that it was given then.
    assert len([alpha for alpha in later if alpha > 0.5]) == 8
    assert completeness.verdict == "pass"


@pytest.mark.parametrize(
    ("relative", "said"),
    [
        (0.0, "pass"),
        (0.01, "pass"),
        (float(np.nextafter(0.01, 1)), "warn"),
        (0.05, "warn"),
        (float(np.nextafter(0.05, 1)), "fail"),
        (float("inf"), "fail"),
    ],
)
def test_verdicts(relative: float, said: str) -> None:
    assert verdict(relative) == said


def off_by(share: float, rise: float = 1.0) -> Answer:
    """F goes from 0 at 0 to `rise` at X, evenly; its gradient says that it goes to (1 + share) times that."""
    slope = X / X.square().sum()

    def answer(question: Question) -> Evaluated:
        points = question.points if isinstance(question, Values) else question
        values = (points * slope).sum(dim=(-2, -1)) * rise
        gradients = slope.expand_as(points) * (rise + share)
        return Evaluated(values, values.new_empty(0) if isinstance(question, Values) else gradients)

    return answer


@pytest.mark.parametrize(
    ("share", "said", "evaluated"),
    [(0.0099, "pass", 16), (-0.0101, "warn", 80), (0.0499, "warn", 80), (-0.0501, "fail", 80)],
)
def test_the_verdict_is_on_the_relative_delta_whatever_its_sign(share: float, said: str, evaluated: int) -> None:
    _, completeness = attribute(None, Options(steps=16, max_steps=100), answer=off_by(share))
    assert completeness.delta == pytest.approx(share)
    assert completeness.relative == pytest.approx(abs(share))
    assert (completeness.verdict, completeness.evaluated) == (said, evaluated)


@pytest.mark.parametrize(
    ("steps", "rounds"),
    [(16, [16, 32, 64, 128, 128, 128]), (100, [100, 200, 200]), (2, [2, 4, 8, 16, 32, 64, 128, 128])],
)
def test_a_round_asks_for_so_many_points_at_most(steps: int, rounds: list[int]) -> None:
    """All panels are off by as much, so that each round would bisect all of them."""
    asked: list[int] = []
    answer = off_by(1.0)

    def spy(question: Question) -> Evaluated:
        if not isinstance(question, Values):
            asked.append(len(question))
        return answer(question)

    attribute(None, Options(steps=steps, max_steps=sum(rounds)), answer=spy)
    assert asked == [1, *rounds]


@pytest.mark.parametrize(("share", "said", "evaluated"), [(0.9e-6, "pass", 16), (1.1e-6, "fail", 144)])
def test_a_change_of_nothing_has_no_relative_delta(share: float, said: str, evaluated: int) -> None:
    _, completeness = attribute(None, Options(steps=16, max_steps=150), answer=off_by(share, 0.0))
    assert completeness.relative is None
    assert completeness.delta == pytest.approx(share)
    assert (completeness.verdict, completeness.evaluated) == (said, evaluated)


def test_kept_tokens_get_exactly_nothing() -> None:
    origin = baseline(X, [0, 2], torch.zeros(2))
    got, completeness = attribute(smooth, ONCE, origin)
    assert str(got.values[[0, 2]].tolist()) == "[[0.0, 0.0], [0.0, 0.0]]"  # not −0
    assert bool((got.values[1] != 0).all())
    assert completeness.total == pytest.approx(float(smooth(X[None]) - smooth(origin[None])), rel=1e-9)


def test_a_baseline_that_is_the_text_is_refused_and_nothing_is_asked_for() -> None:
    spy = Spy(smooth, X - 1)
    with pytest.raises(ExampleError) as caught:
        attribute(None, Options(), X, spy)
    assert caught.value.message == "The baseline is the text itself, so there is no change to share out."
    assert len(spy.rounds) == 1  # the start
    assert spy.values == []


def test_half_precision_is_summed_in_float32() -> None:
    x = X.to(torch.bfloat16)

    def function(points: Tensor) -> Tensor:
        assert points.dtype in (torch.bfloat16, torch.float32)
        return points.float().square().sum(dim=(-2, -1))

    start = start_at(answers(function), x, torch.zeros_like(x))
    got = drive(integrated_gradients(start), answers(function))
    assert got.values.dtype == torch.float32
    torch.testing.assert_close(got.values, x.float().square(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_said(bad: float) -> None:
    def spoil(where: str) -> Answer:
        answer = answers(smooth)

        def spoiled(question: Question) -> Evaluated:
            given = answer(question)
            if isinstance(question, Values) and where == "value":
                return Evaluated(given.values * bad, given.gradients)
            if not isinstance(question, Values) and len(question) > 1 and where == "gradient":
                given.gradients[-1, 0, 0] = bad
            return given

        return spoiled

    for where, place in (("value", "at the baseline"), ("gradient", "between the baseline and the text")):
        with pytest.raises(ExampleError) as error:
            attribute(None, Options(), torch.full_like(X, 0.1), spoil(where))
        assert error.value.message == f"A number is not finite {place}: the model overflows there."
        assert error.value.next_step == "Try another baseline, such as mean, or --dtype float32."
