"""Methods that look at the gradient around the text: at copies of it with noise on every coordinate."""

from __future__ import annotations

from collections.abc import Callable, Generator

import torch
from torch import Tensor

from saliency_report.methods.base import Attribution, Estimate, Evaluated, Start, Steps, check_finite

# Points asked for at once.
CHUNK = 32

SAMPLES = "samples"  # what they are remembered as

NEAR_THE_TEXT = "at a noisy copy of the text", "Try less noise, or --dtype float32."


def smoothgrad(start: Start) -> Steps:
    """The mean of the gradients at n noisy copies of the text.

    a = (1/n) Σᵢ gᵢ, gᵢ = ∂F/∂x at x + σ εᵢ, (t, d), where εᵢ is standard normal and σ = noise · (max x − min x)
    over all coordinates of the text's embeddings. Without noise it is the gradient, exactly.
    Smilkov, Thorat, Kim, Viégas and Wattenberg 2017, arXiv:1706.03825.

    Differs from captum's NoiseTunnel in σ, which is absolute there.

    Raises:
        ExampleError: F or its gradient is not finite at a noisy copy.
    """
    samples = yield from _sample(start)
    return Attribution(_mean(samples), samples=samples, estimate="mean", sigma=sigma(start.x, start.options.noise))


def smoothgrad_squared(start: Start) -> Steps:
    """The mean of the squared gradients at n noisy copies of the text.

    a = (1/n) Σᵢ gᵢ², (t, d), gᵢ as in `smoothgrad`. Hooker, Erhan, Kindermans and Kim 2019, arXiv:1806.10758.

    Raises:
        ExampleError: F or its gradient is not finite at a noisy copy.
    """
    samples = yield from _sample(start)
    values, width = _mean(samples.square()), sigma(start.x, start.options.noise)
    return Attribution(values, samples=samples, estimate="mean_square", sigma=width)


def vargrad(start: Start) -> Steps:
    """The variance of the gradients at n noisy copies of the text.

    a = (1/n) Σᵢ (gᵢ − ḡ)², (t, d), gᵢ as in `smoothgrad`: the variance of the samples as a population, as captum has
    it. It lies below that of the noise by the factor (n − 1)/n, the same for every token, and one sample has it too.
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, arXiv:1810.03292.

    Differs from captum in the sum: of squared deviations, where E[g²] − E[g]² cancels in float32.

    Raises:
        ExampleError: F or its gradient is not finite at a noisy copy.
    """
    samples = yield from _sample(start)
    values, width = _mean((samples - _mean(samples)).square()), sigma(start.x, start.options.noise)
    return Attribution(values, samples=samples, estimate="variance", sigma=width)


def sigma(x: Tensor, noise: float) -> float:
    """Standard deviation of the noise on every coordinate: `noise` · (max x − min x)."""
    return noise * float(x.max() - x.min())


def jackknife(
    samples: Tensor, score: Callable[[Tensor], dict[str, Tensor]], estimate: Estimate = "mean"
) -> dict[str, Tensor]:
    """The standard error of each score of an attribution that was estimated from samples (n, t, d).

    SE = √((n − 1)/n · Σᵢ (s₍ᵢ₎ − s̄)²), where s₍ᵢ₎ is the score of the estimate without sample i and s̄ the mean of
    them. `score` turns an attribution (t, d) into named tensors: scores of tokens, of words, or of anything. The n
    estimates follow from sums over all samples, n t d operations in all. Efron and Stein 1981.

    Raises:
        ValueError: there are fewer than two samples, or three of a variance: of the one that is left it would be 0.
    """
    count, least = len(samples), 3 if estimate == "variance" else 2
    if count < least:
        raise ValueError(f"A standard error needs {least} samples.")
    terms = samples.square() if estimate == "mean_square" else samples
    mean = _mean(terms)
    deviations = terms - mean
    squares = deviations.square().sum(dim=0)
    found: dict[str, list[Tensor]] = {}
    for deviation in deviations:
        if estimate == "variance":
            # The others' squared deviations from their own mean, which lies deviation / (n − 1) away.
            rest = (squares - deviation.square() * (count / (count - 1))).clamp_min(0.0) / (count - 1)
        else:
            rest = mean - deviation / (count - 1)
        for name, values in score(rest).items():
            found.setdefault(name, []).append(values)
    return {name: _standard_error(torch.stack(values)) for name, values in found.items()}


def _standard_error(left_out: Tensor) -> Tensor:
    count = len(left_out)
    return ((left_out - _mean(left_out)).square().sum(dim=0) * ((count - 1) / count)).sqrt()


def _mean(terms: Tensor) -> Tensor:
    """The mean over the first axis; of equal terms exactly that term, which a plain sum rounds away from."""
    return terms[0] + (terms - terms[0]).mean(dim=0)


def _sample(start: Start) -> Generator[Tensor, Evaluated, Tensor]:
    """The gradients (n, t, d) at noisy copies, float32 or wider; of one start they are asked for once."""
    if SAMPLES in start.memory:
        return start.memory[SAMPLES]
    x, options = start.x.detach(), start.options
    dtype = torch.promote_types(x.dtype, torch.float32)
    width = sigma(x, options.noise)
    if width == 0:
        return start.gradient.to(dtype).expand(options.samples, *x.shape)
    # On the CPU, in float32, a draw a copy: the noise is the same on every device, in every dtype, and the first
    # copies are the same however many follow.
    generator = torch.Generator().manual_seed(options.seed)
    gradients = []
    for first in range(0, options.samples, CHUNK):
        count = min(CHUNK, options.samples - first)
        drawn = torch.stack([torch.randn(x.shape, generator=generator, dtype=torch.float32) for _ in range(count)])
        points = x.to(dtype) + width * drawn.to(dtype).to(x.device)
        gradients.append(check_finite((yield points), *NEAR_THE_TEXT).gradients.to(dtype))
    start.memory[SAMPLES] = torch.cat(gradients)
    return start.memory[SAMPLES]
