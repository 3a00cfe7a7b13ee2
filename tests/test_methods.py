"""The table of methods, how a method is driven, and what it starts from."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from saliency_report import record
from saliency_report.aggregation import AGGREGATIONS
from saliency_report.baselines import baseline
from saliency_report.methods import (
    METHODS,
    Attribution,
    Method,
    Options,
    Question,
    Start,
    Steps,
    Values,
    answers,
    drive,
    gradient,
    start_at,
)

X = torch.tensor([[1.0, -2.0], [0.5, 3.0]], dtype=torch.float64)


def cubes(points: Tensor) -> Tensor:
    return points.pow(3).sum(dim=(-2, -1))


def test_the_table_names_every_method_and_the_scores_of_its_maps() -> None:
    gradients = ("l2", "l1", "max", "sum", "mean", "gradient_x_input")
    assert {name: method.scores for name, method in METHODS.items()} == {
        "gradient": gradients,
        "integrated_gradients": ("attribution", "attribution_l2", "attribution_l1", "attribution_max"),
        "smoothgrad": gradients,
        "smoothgrad_squared": ("mean_square", "max_mean_square"),
        "vargrad": ("variance", "max_variance"),
        "occlusion": ("drop",),
        "attention_rollout": ("attention",),
        "gradient_x_attention": ("attention",),
    }
    assert next(iter(METHODS)) == "gradient"
    assert {score for method in METHODS.values() for score in method.scores} == set(AGGREGATIONS)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_a_method_explains_itself_in_two_sentences(method: Method) -> None:
    assert len(re.findall(r"[a-z]\.(?= [A-Z]|$)", method.sentence)) == 2
    assert method.sentence.endswith(".")
    assert re.search(r"\b(19|20)\d\d, arXiv:\d{4}\.\d{4,5}$", method.reference)
    written = record.Method.model_validate(method, from_attributes=True)
    assert written.scores == list(method.scores)
    assert written.formula == method.formula


def test_functions_of_embeddings_are_those_with_a_function() -> None:
    elsewhere = {"occlusion", "attention_rollout", "gradient_x_attention"}
    assert {name for name, method in METHODS.items() if method.attribute is None} == elsewhere


def test_options_have_their_defaults() -> None:
    assert Options() == Options(steps=16, max_steps=512, samples=25, noise=0.05, seed=0)


def test_the_gradient_is_known_and_asks_for_nothing() -> None:
    start = start_at(answers(cubes), X, torch.zeros_like(X))

    def never(question: Question) -> None:
        raise AssertionError("a point was asked for")

    got = drive(gradient(start), never)  # type: ignore[arg-type]
    assert torch.equal(got.values, 3 * X.square())
    assert got.completeness is None
    assert got.samples is None


def test_a_start_knows_f_and_its_gradient() -> None:
    start = start_at(answers(cubes), X, torch.zeros_like(X), baseline_name="zero", kept=[1])
    assert start.score == pytest.approx(1 - 8 + 0.125 + 27)
    assert torch.equal(start.gradient, 3 * X.square())
    assert (start.baseline_name, start.kept, start.options) == ("zero", [1], Options())


def test_a_method_of_ones_own_is_a_generator_and_an_entry() -> None:
    """Gradient times input, its gradient taken half-way, and the value there asked for without one."""
    seen: list[float] = []

    def halfway(start: Start) -> Steps:
        answer = yield start.x[None] / 2
        value = yield Values(start.x[None] / 2)
        assert value.gradients.numel() == 0
        seen.append(float(value.values[0]))
        return Attribution(start.x * answer.gradients[0])

    method = Method("halfway", "Half-way", "It is.", "x ⊙ g", "nobody", ("sum",), halfway)
    assert method.attribute is not None
    got = drive(method.attribute(start_at(answers(cubes), X, torch.zeros_like(X))), answers(cubes))
    torch.testing.assert_close(got.values, X * 3 * (X / 2).square())
    assert seen == [pytest.approx(float(cubes(X / 2)))]


@pytest.mark.parametrize("fill", [torch.tensor([7.0, 8.0]), torch.tensor([[7.0, 8.0], [7.0, 8.0]])])
def test_a_baseline_keeps_some_rows_and_fills_the_others(fill: Tensor) -> None:
    before = fill.clone()
    assert baseline(X, [1], fill).tolist() == [[7.0, 8.0], [0.5, 3.0]]
    assert baseline(X, [], fill).tolist() == [[7.0, 8.0], [7.0, 8.0]]
    assert torch.equal(baseline(X, [0, 1], fill), X)
    assert baseline(X, [], fill).dtype == X.dtype
    assert torch.equal(fill, before)
