"""F at points and of edited texts, many at once: what every method and every test of faithfulness asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from saliency_report.engine.device import device_of
from saliency_report.engine.forward import (
    collate,
    embeddings_as_leaf,
    fast_backward,
    keeping,
    logits_of,
    only,
    wide,
    widened,
)
from saliency_report.engine.lookups import embedded, tables
from saliency_report.engine.parts import in_parts
from saliency_report.errors import ExampleError
from saliency_report.models import Loaded
from saliency_report.tasks.base import NOT_FINITE, TRY_ANOTHER_DTYPE
from saliency_report.tasks.encoding import Row
from saliency_report.tasks.target import CONTEXT, Edits, TargetFunction, own_tokens

NOTHING_LEFT = "Without what is removed the model has nothing left to read."

# What `TargetFunction.edited` gives: rows, places, and the positions whose logits are read.
Edited = tuple[list[Row], list[list[int]], list[int | None]]


@dataclass(frozen=True)
class Job:
    """F at one point (t, d), or at the text's own embeddings; or F of the text with edits."""

    function: TargetFunction
    points: Tensor | None = None
    edits: Edits = field(default_factory=dict)


def rows_of(job: Job) -> list[Row]:
    """The rows that the model gets for a job."""
    return job.function.edited(job.edits)[0] if job.edits else [*job.function.rows]


def evaluate(
    loaded: Loaded, jobs: Sequence[Job], *, gradient: bool, most: int | None = None
) -> tuple[Tensor, list[Tensor]]:
    """F (n,) of n jobs in one forward and, where asked for, ∂F/∂x (t, d) of each in one backward.

    The gradient of a token that stands in several rows is the sum over them. A single job with a gradient that has more
    than `most` tokens, a long text in windows, goes through the model in parts.

    Raises:
        ExampleError: F or a point is not finite, points have another shape, or the edits leave nothing to read.
    """
    edited = _edited(jobs)
    points = _points(loaded, jobs, edited)
    if gradient and most is not None and len(jobs) == 1 and _is_long(edited[0], most) and not jobs[0].edits:
        rows, places, _ = edited[0]
        value, found = in_parts(loaded, rows, lambda logits: jobs[0].function.score(logits[None])[0], most, points)
        if not math.isfinite(value):
            raise ExampleError(NOT_FINITE, TRY_ANOTHER_DTYPE)
        slopes = [gradient.values for gradient in found.gradients]
        return torch.tensor([value], dtype=found.logits.dtype), [_gathered(jobs[0], places, slopes)]
    longest = max((len(row) for rows, *_ in edited for row in rows), default=0)
    quick = fast_backward(loaded.model, longest) if gradient else nullcontext()
    with torch.set_grad_enabled(gradient), quick, embeddings_as_leaf(loaded.model, points) as leaves:
        scores, _ = scores_of(loaded, jobs, edited)
    if not gradient:
        return wide(scores), []
    (of_rows,) = torch.autograd.grad(scores.sum(), only(leaves))
    of_rows, gradients, start = widened(of_rows), [], 0
    for job, (held, places, _) in zip(jobs, edited, strict=True):
        gradients.append(_gathered(job, places, of_rows[start : start + len(held)]))
        start += len(held)
    return wide(scores), gradients


def _edited(jobs: Sequence[Job]) -> list[Edited]:
    """What the edits of jobs leave; of the many points of one text that is found once."""
    plain = {id(job.function): job.function.edited({}) for job in jobs if not job.edits}
    return [job.function.edited(job.edits) if job.edits else plain[id(job.function)] for job in jobs]


def _gathered(job: Job, places: Sequence[Sequence[int]], slopes: Tensor | Sequence[Tensor]) -> Tensor:
    """The slopes (t_r, d) of a job's rows as those of its tokens (t, d)."""
    if _is_plain(job, places):
        return slopes[0][: len(places[0])]
    total = slopes[0].new_zeros(job.function.length, slopes[0].shape[-1])
    for of_row, place in zip(slopes, places, strict=True):
        positions, tokens = own_tokens(place)
        total.index_add_(0, torch.tensor(tokens, device=total.device), of_row[positions])
    return total


def _is_plain(job: Job, places: Sequence[Sequence[int]]) -> bool:
    """Whether the tokens of a job are those of its one row, in order: nothing is to be gathered or to be spread."""
    return len(places) == 1 and job.function.length == len(places[0]) and list(places[0]) == [*range(len(places[0]))]


def _is_long(edited: Edited, most: int) -> bool:
    """Whether these are windows of a long text that are too many for one pass."""
    rows, places, _ = edited
    return any(CONTEXT in place for place in places) and sum(map(len, rows)) > most


def scores_of(loaded: Loaded, jobs: Sequence[Job], edited: Sequence[Edited], **options: Any) -> tuple[Tensor, Any]:
    """F (n,) of n jobs with their edited rows, in the graph, and the model's whole output; `options` go to the model.

    Raises:
        ExampleError: F is not finite, or the edits leave nothing to read.
    """
    model: Any = loaded.model
    rows = [row for rows, _, _ in edited for row in rows]
    wanted = {position for _, _, positions in edited for position in positions if position is not None}
    if not all(map(len, rows)) or min(wanted, default=0) < 0:
        raise ExampleError(NOTHING_LEFT, "Write `removal: mask`, or give a longer text.")
    # Logits of the positions that are read and of no others: a head of 49,152 tokens is a fifth of SmolLM2-135M.
    kept, standing = keeping(loaded, wanted)
    output = model(**collate(rows, loaded, len(rows) if loaded.choices else None), **kept, **options)
    logits = logits_of(output)
    values, start = [], 0
    # The points of one text are one call: each costs a GPU as many launches as many do.
    for _, same in groupby(range(len(jobs)), key=lambda i: (id(jobs[i].function), i if jobs[i].edits else -1)):
        first, *others = same
        count, (own, _, positions), function = 1 + len(others), edited[first], jobs[first].function
        if positions:
            there = [min(wanted) if position is None else position for position in positions]
            at = [[start + i * len(own) + row for row in function.read_rows] for i in range(count)]
            shown = widened(logits[at, [[standing[position] for position in there]] * count])
            if None in positions:  # what is cut out cannot be the answer: its probability is 0
                gone = torch.tensor([position is None for position in positions], device=shown.device)
                shown = shown.masked_fill(gone[:, None], -torch.inf)
        else:
            shown = widened(logits[start : start + count * len(own)]).reshape(count, len(own), -1)
        values.append(function.score(shown).reshape(count))
        start += count * len(own)
    scores = torch.cat(values)
    if not bool(scores.isfinite().all()):
        raise ExampleError(NOT_FINITE, TRY_ANOTHER_DTYPE)
    return scores, output


def _points(loaded: Loaded, jobs: Sequence[Job], edited: Sequence[Edited]) -> Tensor | None:
    """The embeddings (n, longest, d) of all rows, where any job has points; NaN marks what it looks up itself."""
    model: Any = loaded.model
    given = next((job.points for job in jobs if job.points is not None), None)
    if given is None:
        return None
    d, device = embed(loaded, [0]).shape[-1], device_of(model)
    asked = [None if job.points is None else job.points.to(device, given.dtype) for job in jobs]
    for job, own in zip(jobs, asked, strict=True):
        if own is not None and own.shape != (job.function.length, d):
            raise ExampleError(
                f"The method asks for a point of the shape {tuple(own.shape)}, the embeddings are "
                f"{(job.function.length, d)}.",
                "Ask for points of the shape of the embeddings, (t, d).",
            )
    if not bool(torch.cat([own for own in asked if own is not None]).isfinite().all()):
        raise ExampleError("A point that the method asks for is not finite.", "Check how the method makes its points.")
    rows: list[Tensor] = []
    for job, own, (held, places, _) in zip(jobs, asked, edited, strict=True):
        if own is not None and _is_plain(job, places):
            rows.append(own)
            continue
        for row, place in zip(held, places, strict=True):
            rows.append(torch.full((len(row), d), torch.nan, dtype=given.dtype, device=device))
            if own is not None:
                positions, tokens = own_tokens(place)
                rows[-1][positions] = own[tokens]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=torch.nan)


def embed(loaded: Loaded, ids: Sequence[int]) -> Tensor:
    """What the word-embedding module gives for ids (t, d), scaled as the model scales it."""
    model: Any = loaded.model
    with torch.no_grad():
        return widened(embedded(tables(model)[0], torch.tensor([list(ids)], device=model.device))[0])
