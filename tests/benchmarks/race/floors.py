"""The least that each piece of work takes: plain loops over a model, which know nothing of this package.

Parameters are frozen, texts sorted by length and packed into batches of so many padded tokens, embeddings put in as
`inputs_embeds`, and gradients taken of them alone. Every number that the other contenders give is held against these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy
import torch
from torch import Tensor

Row = dict[str, list[int]]  # what a tokenizer gives for one text, as far as the model takes it


def fast_float32() -> str:
    """The setting of torch's float32 products that is fast here and rounds as float32 does.

    'medium' sends them to oneDNN, twice as fast as MKL on AMD's AVX-512; on a processor with AMX it rounds to
    bfloat16, 2.3e-3 off in the place of 3.5e-7, and is not taken.
    """
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(256, 256, generator=generator) for _ in range(2))
    exact = a.double() @ b.double()
    with products("medium"):
        off = float((torch.nn.functional.linear(a, b.T).double() - exact).norm() / exact.norm())
    return "medium" if off < 1e-6 else "highest"


@contextmanager
def products(setting: str) -> Iterator[None]:
    """Inside, float32 products are computed so."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(setting)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def packed(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Places in batches of similar lengths, each of at most so many padded tokens."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        if batch and (len(batch) + 1) * lengths[place] > tokens:
            yield batch
            batch = []
        batch.append(place)
    yield batch


def padded(rows: Sequence[Row], device: torch.device) -> dict[str, Tensor]:
    """Rows as inputs (n, longest), padded on the right."""
    longest = max(len(row["input_ids"]) for row in rows)
    return {
        name: torch.tensor([row[name] + [0] * (longest - len(row[name])) for row in rows], device=device)
        for name in rows[0]
    }


def forward(model: Any, rows: Sequence[Row], tokens: int) -> list[Tensor]:
    """The logits (c,) of each text, and no gradient."""
    found: list[Tensor] = [torch.empty(0)] * len(rows)
    with torch.inference_mode():
        for batch in packed([len(row["input_ids"]) for row in rows], tokens):
            logits = model(**padded([rows[i] for i in batch], model.device)).logits.float().cpu()
            for i, own in zip(batch, logits, strict=True):
                found[i] = own
    return found


def gradient_norms(model: Any, rows: Sequence[Row], tokens: int) -> list[Tensor]:
    """‖∂F/∂x‖ (t,) of each text; F is the largest logit."""
    found: list[Tensor] = [torch.empty(0)] * len(rows)
    for batch in packed([len(row["input_ids"]) for row in rows], tokens):
        inputs = padded([rows[i] for i in batch], model.device)
        leaf = model.get_input_embeddings()(inputs.pop("input_ids")).detach().requires_grad_()
        logits = model(inputs_embeds=leaf, **inputs).logits
        (gradient,) = torch.autograd.grad(logits.max(dim=-1).values.sum(), leaf)
        for i, own in zip(batch, gradient.float().norm(dim=-1).cpu(), strict=True):
            found[i] = own[: len(rows[i]["input_ids"])]
    return found


def pooled_norms(model: Any, rows: Sequence[Row], tokens: int) -> list[Tensor]:
    """‖∂F/∂x‖ (t,) of each text as a classifier reads it that pools the last token, such as Llama's.

    Padding is unknown to these where embeddings stand in the place of ids, so the last token is taken here.
    """
    found: list[Tensor] = [torch.empty(0)] * len(rows)
    trunk, lengths = model.get_decoder(), [len(row["input_ids"]) for row in rows]
    for batch in packed(lengths, tokens):
        inputs = padded([rows[i] for i in batch], model.device)
        leaf = model.get_input_embeddings()(inputs.pop("input_ids")).detach().requires_grad_()
        states = trunk(inputs_embeds=leaf, attention_mask=inputs["attention_mask"]).last_hidden_state
        logits = model.score(states[range(len(batch)), [lengths[i] - 1 for i in batch]])
        (gradient,) = torch.autograd.grad(logits.max(dim=-1).values.sum(), leaf)
        for i, own in zip(batch, gradient.float().norm(dim=-1).cpu(), strict=True):
            found[i] = own[: lengths[i]]
    return found


def line(x: Tensor, baseline: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """Points (n, t, d) from the baseline to x and their weights (n,), those of Gauss and Legendre."""
    nodes, weights = numpy.polynomial.legendre.leggauss(steps)
    alphas = torch.from_numpy((nodes + 1) / 2).to(x)[:, None, None]
    return baseline + alphas * (x - baseline), torch.from_numpy(weights / 2).to(x)


def copies(x: Tensor, samples: int, noise: float) -> tuple[Tensor, Tensor]:
    """Points (n, t, d) with noise of a share of the embeddings' range on x, seeded with 0, and equal weights (n,)."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([torch.randn(x.shape, generator=generator) for _ in range(samples)]).to(x)
    return x + noise * (x.max() - x.min()) * drawn, torch.full((samples,), 1 / samples).to(x)


def weighted(
    model: Any, rows: Sequence[Row], points: Sequence[tuple[Tensor, Tensor]], targets: Sequence[int], tokens: int
) -> list[Tensor]:
    """Σᵢ wᵢ ∂F/∂x (t, d) over the points (n, t, d) of each text with weights (n,); all points share batches."""
    sums = [torch.zeros_like(own[0]) for own, _ in points]
    jobs = [(text, i) for text, (_, weights) in enumerate(points) for i in range(len(weights))]
    for batch in packed([len(rows[text]["input_ids"]) for text, _ in jobs], tokens):
        chosen = [jobs[place] for place in batch]
        inputs = padded([rows[text] for text, _ in chosen], model.device)
        leaf = model.get_input_embeddings()(inputs.pop("input_ids")).detach()
        for place, (text, i) in enumerate(chosen):
            leaf[place, : len(rows[text]["input_ids"])] = points[text][0][i]
        leaf.requires_grad_()
        logits = model(inputs_embeds=leaf, **inputs).logits
        of = torch.tensor([[targets[text]] for text, _ in chosen], device=model.device)
        (gradient,) = torch.autograd.grad(logits.gather(1, of).sum(), leaf)
        for own, (text, i) in zip(gradient, chosen, strict=True):
            sums[text] += points[text][1][i] * own[: len(sums[text])]
    return sums


def integrated_gradients(
    model: Any, rows: Sequence[Row], baselines: Sequence[list[int]], steps: int, tokens: int
) -> list[Tensor]:
    """Integrated gradients (t,) of the largest logit of each text, from ids to baseline ids."""
    targets = [int(logits.argmax()) for logits in forward(model, rows, tokens)]
    ends = [(embedded(model, row["input_ids"]), embedded(model, ids)) for row, ids in zip(rows, baselines, strict=True)]
    found = weighted(model, rows, [line(x, baseline, steps) for x, baseline in ends], targets, tokens)
    return [((x - baseline) * g).sum(dim=-1).float().cpu() for g, (x, baseline) in zip(found, ends, strict=True)]


def smoothgrad(model: Any, rows: Sequence[Row], samples: int, noise: float, tokens: int) -> list[Tensor]:
    """The norm (t,) of the mean gradient over noisy copies of each text."""
    targets = [int(logits.argmax()) for logits in forward(model, rows, tokens)]
    points = [copies(embedded(model, row["input_ids"]), samples, noise) for row in rows]
    return [g.float().norm(dim=-1).cpu() for g in weighted(model, rows, points, targets, tokens)]


class OneChoice:
    """A multiple-choice model to which every row is a question with one choice: logits (n, 1)."""

    def __init__(self, model: Any) -> None:
        self.model, self.device, self.get_input_embeddings = model, model.device, model.get_input_embeddings

    def __call__(self, **inputs: Tensor) -> Any:
        return self.model(**{name: tensor.unsqueeze(1) for name, tensor in inputs.items()})


def chosen_choices(model: Any, questions: Sequence[Sequence[Row]], tokens: int) -> list[Tensor]:
    """‖∂F/∂x‖ (t,) of each question's best choice: a forward of all choices, the gradient of the chosen row alone."""
    single = OneChoice(model)
    scores = iter(forward(single, [row for choices in questions for row in choices], tokens))
    best = [choices[int(torch.cat([next(scores) for _ in choices]).argmax())] for choices in questions]
    return gradient_norms(single, best, tokens)


def matrix(model: Any, ids: list[int], known: int) -> Tensor:
    """Gradient × input (g, t) of the log-probability of each of the g tokens after the first `known`.

    One forward of the trunk; one backward through the head for all targets; then all vector-Jacobian products of the
    trunk at once, for which its attention must be the plain one.
    """
    leaf = embedded(model, ids)[None].requires_grad_()
    trunk = model.get_decoder()(inputs_embeds=leaf).last_hidden_state
    hidden = trunk.detach().requires_grad_()
    reads = list(range(known - 1, len(ids) - 1))
    scores = model.get_output_embeddings()(hidden[0, reads]).float().log_softmax(dim=-1)
    score = scores[range(len(reads)), ids[known:]].sum()
    (slopes,) = torch.autograd.grad(score, hidden)
    vectors = torch.zeros(len(reads), *trunk.shape, dtype=trunk.dtype, device=trunk.device)
    for i, read in enumerate(reads):
        vectors[i, 0, read] = slopes[0, read]
    (gradients,) = torch.autograd.grad(trunk, leaf, vectors, is_grads_batched=True)
    return (gradients[:, 0] * leaf).sum(dim=-1).detach().float().cpu()


def embedded(model: Any, ids: Sequence[int]) -> Tensor:
    """The embeddings (t, d) of ids."""
    found: Tensor = model.get_input_embeddings()(torch.tensor(list(ids), device=model.device)).detach()
    return found
