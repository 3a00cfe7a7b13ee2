"""A number that depends on several choices: the difference of two, or what a softmax over them makes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from saliency_report.record import Encoding, Map, Outcome, Quantity, Target
from saliency_report.spec import MultipleChoice
from saliency_report.tasks.base import Prepared, make_map, numbers, valued
from saliency_report.tasks.joined import joined, members
from saliency_report.tasks.target import quantity


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
    """
    held = members(len(answers), example.quantity, index, foil)
    free = logits.detach().requires_grad_()
    value = quantity(example.quantity, free, index, foil)
    slopes = torch.autograd.grad(value, free)[0]
    encoding, gradient, embedding = joined(prepared, held, slopes, embeddings, gradients)
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
        sentence=f"{words}, {valued(score)}",
    )
    title = f"{label} − {answers[foil].label}" if foil is not None else f"{example.quantity} of {label}"
    return encoding, make_map(title, len(prepared.encodings), encoding, target, gradient, embedding)
