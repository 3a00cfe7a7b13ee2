"""A number that depends on several choices: the difference of two, or what a softmax over them makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from saliency_report.record import Encoding, Map, Outcome, Quantity, Target
from saliency_report.spec import MultipleChoice
from saliency_report.tasks.base import Prepared, make_map, numbers
from saliency_report.tasks.encoding import build
from saliency_report.tasks.target import quantity


def members(count: int, example: MultipleChoice, index: int, foil: int | None) -> list[int]:
    """The choices whose logits F depends on, the target first."""
    if example.quantity == "logit":
        return [index] if foil is None else [index, foil]
    return [index, *(i for i in range(count) if i != index)]


def shared(prepared: Prepared, members: Sequence[int]) -> int:
    """How many tokens stand before the choice; they are the same in all rows, since the choice comes last."""
    rows = [prepared.rows[i] for i in members]
    tokens = [prepared.encodings[i].tokens for i in members]
    shared = 0
    while (
        shared < min(len(row) for row in rows)
        and all(row.ids[shared] == rows[0].ids[shared] for row in rows)
        and all(own[shared].segment == tokens[0][shared].segment for own in tokens)
        and not _in_choice(prepared.encodings[members[0]], shared)
    ):
        shared += 1
    return shared


def joint(
    example: MultipleChoice,
    prepared: Prepared,
    answers: list[Outcome],
    index: int,
    foil: int | None,
    called: Quantity,
    words: str,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> tuple[Encoding, Map]:
    """The map of a number that depends on several choices: target minus foil, or one that a softmax makes.

    `called` names that number, `words` are how a sentence about it begins.

    A word of the context stands in several rows, and moving its embedding moves all their logits: its gradient is the
    sum of the rows' gradients, each times ∂F/∂(its logit). What only one row holds (the choice, and what follows it)
    keeps its own gradient times that slope, which for a foil is −1.
    """
    chosen = members(len(answers), example, index, foil)
    before = shared(prepared, chosen)
    free = logits.detach().requires_grad_()
    value = quantity(example.quantity, free, index, foil)
    slopes = torch.autograd.grad(value, free)[0]
    scaled = [gradients[i] * slopes[i] for i in chosen]
    gradient = torch.cat([torch.stack([g[:before] for g in scaled]).sum(0), *(g[before:] for g in scaled)])
    embedding = torch.cat([embeddings[chosen[0]], *(embeddings[i][before:] for i in chosen[1:])])
    segments, tokens = list(prepared.encodings[index].segments), list(prepared.encodings[index].tokens)
    last = len(segments) - 1
    for i in chosen[1:]:
        tokens += [
            replace(token, segment=len(segments)) if token.segment == last else token
            for token in prepared.encodings[i].tokens[before:]
        ]
        segments.append(prepared.encodings[i].segments[-1])
    encoding = build(segments, tokens)
    label, score = answers[index].label, numbers(value.detach()[None])[0]
    target = Target(
        quantity=called,
        label=label,
        index=index,
        foil=None if foil is None else answers[foil].label,
        foil_index=foil,
        score=score,
        probability=answers[index].probability,
        chosen_by="predicted" if example.target == "predicted" and example.quantity != "loss" else "given",
        sentence=f"{words}, {score:.5g}",
    )
    title = f"{label} − {answers[foil].label}" if foil is not None else f"{example.quantity} of {label}"
    return encoding, make_map(title, len(prepared.encodings), encoding, target, gradient, embedding)


def _in_choice(encoding: Encoding, token: int) -> bool:
    return encoding.tokens[token].segment == len(encoding.segments) - 1
