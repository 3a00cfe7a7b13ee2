"""Methods with noise: what they estimate, the noise itself, and the jackknife."""

from __future__ import annotations

import pytest
import torch
from captum.attr import NoiseTunnel, Saliency
from torch import Tensor

from saliency_report.aggregation import token_scores, word_scores
from saliency_report.errors import ExampleError
from saliency_report.methods import (
    METHODS,
    Attribution,
    Estimate,
    Evaluated,
    Options,
    Question,
    Values,
    answers,
    drive,
    jackknife,
    start_at,
)
from saliency_report.methods.noise import CHUNK, sigma

NOISE = ("smoothgrad", "smoothgrad_squared", "vargrad")
X = torch.tensor([[0.3, -1.2], [2.0, 0.7], [-0.4, 1.1]], dtype=torch.float64)
SAMPLES = torch.randn(40, 3, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64) + 1.5


def bent(points: Tensor) -> Tensor:
    """Of points of any shape; its second derivatives do not vanish."""
    weights = torch.arange(1.0, points[0].numel() + 1, dtype=points.dtype).view(points.shape[1:])
    return ((points.sin() * weights).sum(dim=(-2, -1)) / 5).tanh()


def attribute(name: str, options: Options, x: Tensor = X) -> tuple[Attribution, list[Tensor]]:
    """The attribution, and the points that were asked for."""
    asked: list[Tensor] = []
    answer = answers(bent)

    def spy(question: Question) -> Evaluated:
        assert not isinstance(question, Values)
        asked.append(question)
        return answer(question)

    method = METHODS[name].attribute
    assert method is not None
    return drive(method(start_at(answer, x, torch.zeros_like(x), options=options)), spy), asked


@pytest.mark.parametrize("name", NOISE)
def test_without_noise_it_is_the_gradient_exactly(name: str) -> None:
    got, asked = attribute(name, Options(noise=0.0))
    gradient = answers(bent)(X[None]).gradients[0]
    expected = {"smoothgrad": gradient, "smoothgrad_squared": gradient.square(), "vargrad": 0 * gradient}[name]
    assert torch.equal(got.values, expected)
    assert asked == []
    assert got.samples is not None
    errors = jackknife(got.samples, lambda a: token_scores(a, X), got.estimate)
    assert errors["l2"].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("name", "estimate"), [("smoothgrad", "mean"), ("smoothgrad_squared", "mean_square"), ("vargrad", "variance")]
)
def test_what_is_estimated_from_the_sampled_gradients(name: str, estimate: str) -> None:
    got, asked = attribute(name, Options(samples=40, noise=0.1))
    gradients = answers(bent)(torch.cat(asked)).gradients
    expected = {
        "mean": gradients.mean(dim=0),
        "mean_square": gradients.square().mean(dim=0),
        "variance": gradients.var(dim=0, correction=0),
    }[estimate]
    torch.testing.assert_close(got.values, expected, rtol=1e-12, atol=1e-15)
    assert got.samples is not None
    torch.testing.assert_close(got.samples, gradients, rtol=1e-12, atol=1e-15)
    assert got.estimate == estimate
    assert got.sigma == sigma(X, 0.1) == pytest.approx(0.1 * 3.2)
    assert [len(points) for points in asked] == [CHUNK, 8]


def test_the_noise_is_normal_with_the_stated_deviation_and_its_seed_repeats_it() -> None:
    x = torch.linspace(-1, 3, 6, dtype=torch.float64).view(3, 2)
    _, asked = attribute("smoothgrad", Options(samples=20_000, noise=0.25), x)
    drawn = (torch.cat(asked) - x) / (0.25 * 4)
    count = drawn.numel()
    assert abs(float(drawn.mean())) < 5 / count**0.5
    assert abs(float(drawn.var()) - 1) < 5 * (2 / count) ** 0.5
    assert abs(float((drawn.abs() < 1).double().mean()) - 0.682689) < 5 * (0.682689 * 0.317311 / count) ** 0.5
    # No coordinate goes with another one, nor with itself in the next copy.
    flat = drawn.flatten(1)
    correlations = flat.T @ flat / len(flat) - torch.eye(6)
    assert float(correlations.fill_diagonal_(0).abs().max()) < 5 / len(flat) ** 0.5
    assert abs(float((drawn[1:] * drawn[:-1]).mean())) < 5 / count**0.5


def test_the_seed_repeats_the_noise() -> None:
    first, asked = attribute("smoothgrad", Options(seed=3))
    second, _ = attribute("smoothgrad", Options(seed=3))
    other, _ = attribute("smoothgrad", Options(seed=4))
    assert torch.equal(first.values, second.values)
    assert not torch.equal(first.values, other.values)
    torch.randn(5)  # the global generator has no part in it
    _, again = attribute("smoothgrad", Options(seed=3, samples=60))
    assert torch.equal(torch.cat(again)[:25], torch.cat(asked))  # more samples are the same ones and others
    x = torch.linspace(-1, 1, 60, dtype=torch.float64).view(5, 12)
    (wide, narrow) = (attribute("smoothgrad", Options(seed=3), given)[1] for given in (x, x.float()))
    torch.testing.assert_close(torch.cat(narrow).double(), torch.cat(wide), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(wide[0][0], attribute("smoothgrad", Options(seed=3, samples=2), x)[1][0][0])


def test_captums_noise_tunnel_agrees_within_its_own_error() -> None:
    count = 3000
    got, _ = attribute("smoothgrad", Options(samples=count, noise=0.1))
    torch.manual_seed(0)
    tunnel = NoiseTunnel(Saliency(bent))
    theirs = tunnel.attribute(
        X[None], nt_type="smoothgrad", nt_samples=count, nt_samples_batch_size=100, stdevs=got.sigma, abs=False
    )
    assert got.samples is not None
    error = got.samples.std(dim=0) * (2 / count) ** 0.5  # both are means of as many samples
    assert float(((got.values - theirs[0]) / error).abs().max()) < 3
    plain = answers(bent)(X[None]).gradients[0]
    assert float(((plain - theirs[0]) / error).abs().max()) > 10  # the plain gradient is clearly another map


def test_the_jackknife_of_a_mean_is_the_textbook_error_of_a_mean() -> None:
    got = jackknife(SAMPLES, lambda a: {"mean_square": a.sum(dim=-1)}, "mean_square")["mean_square"]
    each = SAMPLES.square().sum(dim=-1)
    torch.testing.assert_close(got, each.std(dim=0) / 40**0.5, rtol=1e-12, atol=0)
    linear = jackknife(SAMPLES, lambda a: {"sum": a.sum(dim=-1)})["sum"]
    torch.testing.assert_close(linear, SAMPLES.sum(dim=-1).std(dim=0) / 40**0.5, rtol=1e-12, atol=0)


@pytest.mark.parametrize("estimate", ["mean", "mean_square", "variance"])
def test_leaving_one_out_from_sums_is_leaving_one_out(estimate: Estimate) -> None:
    def score(a: Tensor) -> dict[str, Tensor]:
        return {"l2": a.norm(dim=-1), "max": a.abs().amax(dim=-1)}

    left_out = []
    for i in range(len(SAMPLES)):
        others = torch.cat([SAMPLES[:i], SAMPLES[i + 1 :]])
        left_out.append(
            {
                "mean": others.mean(dim=0),
                "mean_square": others.square().mean(dim=0),
                "variance": others.var(dim=0, correction=0),
            }[estimate]
        )
    got = jackknife(SAMPLES, score, estimate)
    for name in ("l2", "max"):
        scores = torch.stack([score(a)[name] for a in left_out])
        expected = (39 / 40 * (scores - scores.mean(dim=0)).square().sum(dim=0)).sqrt()
        torch.testing.assert_close(got[name], expected, rtol=1e-9, atol=0)


def test_the_jackknife_and_the_bootstrap_agree_roughly() -> None:
    drawn = torch.randint(40, (4000, 40), generator=torch.Generator().manual_seed(1))
    bootstrap = SAMPLES[drawn].mean(dim=1).norm(dim=-1).std(dim=0)
    got = jackknife(SAMPLES, lambda a: token_scores(a, torch.zeros(3, 4)))["l2"]
    torch.testing.assert_close(got, bootstrap, rtol=0.1, atol=0)


def test_words_have_standard_errors_of_their_own() -> None:
    """A word's l2 is the norm of its block; its error is not put together from those of its tokens."""

    def words(a: Tensor) -> dict[str, Tensor]:
        return word_scores(token_scores(a, torch.zeros(3, 4, dtype=a.dtype)), [[0, 1], [2]])

    got = jackknife(SAMPLES, words)
    blocks = jackknife(SAMPLES[:, :2].reshape(40, 1, 8), lambda a: {"l2": a.norm(dim=-1)})
    assert list(got) == ["l2", "l1", "max", "sum", "mean", "gradient_x_input"]
    assert float(got["l2"][0]) == pytest.approx(float(blocks["l2"][0]), rel=1e-12)
    assert got["l2"].shape == (2,)


def test_one_sample_has_no_standard_error() -> None:
    with pytest.raises(ValueError, match=r"^A standard error needs 2 samples\.$"):
        jackknife(SAMPLES[:1], lambda a: {"sum": a.sum(dim=-1)})


@pytest.mark.parametrize("name", NOISE)
def test_what_is_not_finite_is_said(name: str) -> None:
    def spoiled(question: Question) -> Evaluated:
        given = answers(bent)(question)
        given.gradients[0, 0, 0] = float("nan")
        return given

    method = METHODS[name].attribute
    assert method is not None
    with pytest.raises(ExampleError) as error:
        drive(method(start_at(answers(bent), X, torch.zeros_like(X))), spoiled)
    assert error.value.message == "A number is not finite at a noisy copy of the text: the model overflows there."
    assert error.value.next_step == "Try less noise, or --dtype float32."
