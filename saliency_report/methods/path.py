"""Integrated gradients: the change of F on the straight line from a baseline to the text, shared out among coordinates.

The line is cut into panels [a, b] of 0 ≤ α ≤ 1, each with a Gauss-Legendre rule of its own. Completeness holds on every
panel, Σ (x − x′) ∫ ∇F dα = F(b) − F(a), so each panel knows how far its own rule is off, and only those that are off
are bisected. A rule's nodes lie strictly inside its panel: no gradient is taken at the baseline, where it is not a
number in models with RMSNorm and a baseline of zeros.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch
from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.methods.base import Attribution, Evaluated, Start, Steps, Values, check_finite
from saliency_report.record import Completeness

PASS, WARN = 0.01, 0.05
# Where F(x) = F(x′) there is nothing to be relative to; this is what is left of float32 after a few layers.
NOTHING = 1e-6
# Nodes asked for at once after the first rule, so that their gradients (n, t, d) stay small. Bisecting the worst panels
# first loses nothing by it.
ROUND = 128

ON_THE_PATH = "between the baseline and the text", "Try another baseline, such as mean, or --dtype float32."
AT_THE_BASELINE = "at the baseline", "Try another baseline, such as mean, or --dtype float32."


@cache
def gauss_legendre(n: int) -> tuple[Tensor, Tensor]:
    """Nodes (n,) and weights (n,) of the Gauss-Legendre rule on (0, 1), float64; the weights sum to 1.

    Exact for polynomials of degree 2n − 1. The nodes are the eigenvalues of the Jacobi matrix of the Legendre
    polynomials and the weights the squared first components of its eigenvectors (Golub and Welsch 1969).
    """
    k = torch.arange(1, n, dtype=torch.float64)
    beside = torch.diag(k / (4 * k * k - 1).sqrt(), diagonal=1)
    eigenvalues, eigenvectors = torch.linalg.eigh(beside + beside.T)
    return (1 + eigenvalues) / 2, eigenvectors[0].square()


@dataclass(frozen=True)
class Line:
    """The straight line x′ + α (x − x′), in float32 or wider."""

    origin: Tensor
    direction: Tensor

    def points(self, alphas: Sequence[float] | Tensor) -> Tensor:
        """The points (n, t, d) at α (n,)."""
        factors = torch.as_tensor(alphas, dtype=torch.float64).to(self.origin.dtype).to(self.origin.device)
        return self.origin + factors[:, None, None] * self.direction


@dataclass(frozen=True)
class End:
    """A point between panels: α and F there."""

    alpha: float
    score: float


@dataclass(frozen=True, eq=False)
class Panel:
    """∫ ∇F dα (t, d) from one end to the other, and by how much it misses the change of F between them."""

    low: End
    high: End
    integral: Tensor
    delta: float


def integrated_gradients(start: Start) -> Steps:
    """The part of F(x) − F(x′) that each coordinate accounts for.

    a = (x − x′) ⊙ Σᵢ wᵢ ∇F(x′ + αᵢ (x − x′)), (t, d), with Gauss-Legendre nodes αᵢ and weights wᵢ. One panel of
    `steps` nodes comes first. While Σ |delta| over the panels is more than 0.01 · |F(x) − F(x′)| and the nodes stay
    within `max_steps`, the panels that are furthest off are bisected, each half with `steps` nodes of its own; the
    others keep what they have. The criterion is stricter than the delta that the record states, in which errors of
    opposite sign cancel. Sundararajan, Taly and Yan 2017, arXiv:1703.01365.

    Differs from captum in the refinement: with `max_steps` equal to `steps` it is captum's rule `gausslegendre`.

    Raises:
        ExampleError: F or its gradient is not finite somewhere on the line, or there is no line.
    """
    x, options = _wide(start.x), start.options
    line = Line(_wide(start.baseline).to(x), x - _wide(start.baseline).to(x))
    if not bool(line.direction.any()):
        raise ExampleError(
            "The baseline is the text itself, so there is no change to share out.",
            "Choose another baseline, or write `keep_special: false` where all tokens are kept.",
        )
    steps = min(options.steps, options.max_steps)
    (baseline_score,) = yield from _scores(line, [0.0])
    tolerance = _tolerance(start.score, baseline_score)
    panels = yield from _integrate(line, [(End(0.0, baseline_score), End(1.0, start.score))], steps)
    evaluated = steps
    while chosen := _worst(panels, tolerance, _limit(options.max_steps - evaluated, steps)):
        middles = [(panel.low.alpha + panel.high.alpha) / 2 for panel in chosen]
        scores = yield from _scores(line, middles)
        ends: list[tuple[End, End]] = []
        for panel, middle in zip(chosen, map(End, middles, scores), strict=True):
            ends += [(panel.low, middle), (middle, panel.high)]
        panels = [panel for panel in panels if panel not in chosen] + (yield from _integrate(line, ends, steps))
        evaluated += len(ends) * steps
    integral = torch.stack([panel.integral for panel in panels]).sum(dim=0)
    values = line.direction * integral + 0.0  # where a token is kept, 0 and not −0
    total = float(values.cpu().double().sum())
    return Attribution(values, completeness(start, baseline_score, total, len(panels) * steps, evaluated))


def verdict(relative: float) -> Literal["pass", "warn", "fail"]:
    """What a relative delta says of a map: at most 0.01, at most 0.05, or more."""
    return "pass" if relative <= PASS else "warn" if relative <= WARN else "fail"


def _wide(tensor: Tensor) -> Tensor:
    return tensor.detach().to(torch.promote_types(tensor.dtype, torch.float32))


def _tolerance(score: float, baseline_score: float) -> float:
    """How large a delta may be to pass."""
    rise = abs(score - baseline_score)
    return PASS * rise if rise else NOTHING * max(1.0, abs(score))


def _scores(line: Line, alphas: Sequence[float]) -> Generator[Values, Evaluated, list[float]]:
    """F at the points α of the line."""
    where = AT_THE_BASELINE if list(alphas) == [0.0] else ON_THE_PATH
    answer = check_finite((yield Values(line.points(alphas))), *where)
    return [float(value) for value in answer.values]


def _integrate(line: Line, ends: Sequence[tuple[End, End]], steps: int) -> Generator[Tensor, Evaluated, list[Panel]]:
    """The panels between pairs of ends; the nodes of all of them are one question."""
    nodes, weights = gauss_legendre(steps)
    alphas = torch.cat([low.alpha + (high.alpha - low.alpha) * nodes for low, high in ends])
    answer = check_finite((yield line.points(alphas)), *ON_THE_PATH)
    panels = []
    for (low, high), gradients in zip(ends, answer.gradients.split(steps), strict=True):
        integral = (high.alpha - low.alpha) * torch.tensordot(
            weights.to(line.direction.dtype).to(line.direction.device), gradients.to(line.direction), 1
        )
        total = float((line.direction * integral).cpu().double().sum())
        panels.append(Panel(low, high, integral, total - (high.score - low.score)))
    return panels


def _limit(left: int, steps: int) -> int:
    """How many panels can be bisected with that many nodes left."""
    return min(left, max(ROUND, 2 * steps)) // (2 * steps)


def _worst(panels: Sequence[Panel], tolerance: float, limit: int) -> list[Panel]:
    """The panels that are furthest off, as many as make up what is beyond the tolerance, at most `limit`."""
    ranked = sorted(panels, key=lambda panel: -abs(panel.delta))
    left = sum(abs(panel.delta) for panel in panels)
    chosen = []
    for panel in ranked[:limit]:
        if left <= tolerance:
            break
        chosen.append(panel)
        left -= abs(panel.delta)
    return chosen


def completeness(start: Start, baseline_score: float, total: float, steps: int = 0, evaluated: int = 0) -> Completeness:
    """How well attributions that sum to `total` add up to F(x) − F(x′); without a quadrature there are no steps."""
    rise = start.score - baseline_score
    delta = total - rise
    relative = abs(delta) / abs(rise) if rise else None
    if relative is None:
        said = verdict(0.0 if abs(delta) <= _tolerance(start.score, baseline_score) else float("inf"))
    else:
        said = verdict(relative)
    return Completeness(
        baseline=start.baseline_name,
        kept=start.kept,
        steps=steps,
        evaluated=evaluated,
        max_steps=start.options.max_steps,
        total=total,
        score=start.score,
        baseline_score=baseline_score,
        delta=delta,
        relative=relative,
        verdict=said,
    )
