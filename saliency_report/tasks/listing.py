"""Answers that the example itself lists, each in a row of its own: a map a row, and one of what several of them make.

The number of one answer depends on its row alone. Target minus foil, and what a softmax makes, depend on several rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.record import Encoding, ExampleResult, Link, Map, Prediction, Quantity, Segment, Target
from saliency_report.spec import MultipleChoice, ZeroShotClassification
from saliency_report.tasks.base import Checkpoint, Prepared, foil_in_words, make_map, numbers, valued
from saliency_report.tasks.cutting import note_unseen, shortened, shortened_text, too_long
from saliency_report.tasks.encoding import check_shown, encode
from saliency_report.tasks.joined import joined, members, places_of
from saliency_report.tasks.target import Asked, TargetFunction, quantity

Listing = MultipleChoice | ZeroShotClassification


@dataclass(frozen=True)
class Wording:
    """What a task calls its answers and their numbers.

    `of_one` is the sentence about the number of one answer, given its index and whether it was asked for; `of_several`
    gives the name of a number that depends on several, and how the sentence about it begins, given the indices of
    target and foil and what the foil is called; `note` is how that sentence ends.
    """

    noun: str
    quantity: Quantity
    of_one: Callable[[int, bool], str]
    of_several: Callable[[int, int | None, str | None], tuple[Quantity, str]]
    note: str = ""


def index_of(value: str | int, answers: Sequence[str]) -> int:
    """The index of an answer that is named by its text or its index."""
    return value if isinstance(value, int) else answers.index(value)


def row_each(answers: Sequence[Sequence[Segment]], parts: Sequence[Sequence[int]], checkpoint: Checkpoint) -> Prepared:
    """A row for the segments of each answer, whatever its length."""
    prepared = Prepared([], [])
    for segments in answers:
        row, encoding = encode(checkpoint.tokenizer, segments, parts)
        check_shown(encoding)
        prepared.rows.append(row)
        prepared.encodings.append(encoding)
    return prepared


def fitted(
    prepared: Prepared, example: Listing, checkpoint: Checkpoint, again: Callable[[str], Prepared] | None = None
) -> Prepared:
    """The rows as the model takes them: what they begin with is cut where that is asked for.

    `again` makes the rows of another text in its place, where all of a row is one text for the tokenizer.
    """
    cut, found = too_long(prepared, checkpoint, example.long), prepared
    if cut:
        found = shortened_text(prepared, checkpoint, again) if again else shortened(prepared, checkpoint)
    note_unseen(found, checkpoint, cut=cut)
    return found


def repeated(rows: Prepared, noun: str, answers: Sequence[str]) -> list[str]:
    """Sentences that name the answers which the model cannot tell from an earlier one."""
    ids = [row.ids for row in rows.rows]
    return [
        f"The {noun} {answers[i]!r} has the same tokens as an earlier one."
        for i in range(len(ids))
        if ids[i] in ids[:i]
    ]


def explained(
    example: Listing,
    prepared: Prepared,
    prediction: Prediction,
    wording: Wording,
    values: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> ExampleResult:
    """The numbers (c,) of the answers, embeddings and gradients (t, d) of each as a result.

    It has a map an answer, and one of the number that depends on several where that is explained.
    """
    labels = [outcome.label for outcome in prediction.outcomes]
    order: list[int] = values.argsort(descending=True, stable=True).tolist()
    index, foil = _aimed(example, prediction, labels, order)
    maps, encodings, warnings = [], [*prepared.encodings], [*prepared.warnings]
    for i, encoding in enumerate(prepared.encodings):
        asked = example.target != "predicted" and i == index
        target = Target(
            quantity=wording.quantity,
            label=labels[i],
            index=i,
            score=prediction.outcomes[i].logit,
            probability=prediction.outcomes[i].probability,
            chosen_by="predicted" if i in prediction.given and not asked else "given",
            sentence=wording.of_one(i, asked),
        )
        maps.append(make_map(labels[i], i, encoding, target, gradients[i], embeddings[i]))
    headline = index
    if foil == index:
        warnings.append(f"The foil {labels[index]} is the predicted {wording.noun} itself: no difference.")
    elif foil is not None or example.quantity != "logit":
        headline = len(maps)
        encoding, map_ = _of_several(example, prepared, prediction, wording, index, foil, values, embeddings, gradients)
        encodings.append(encoding)
        maps.append(map_)
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=encodings,
        prediction=prediction,
        maps=maps,
        headline=headline,
        warnings=warnings,
    )


def _aimed(
    example: Listing, prediction: Prediction, labels: Sequence[str], order: Sequence[int]
) -> tuple[int, int | None]:
    """The indices of target and foil, given those of the answers, the likeliest first."""
    if example.quantity == "loss" and prediction.wanted:
        index = prediction.wanted[0]
    elif example.target != "predicted":
        index = index_of(example.target, labels)
    else:
        index = order[0] if prediction.predicted is None else prediction.predicted
    if example.foil is None:
        return index, None
    if example.foil == "runner-up":
        return index, next(i for i in order if i != index)
    return index, index_of(example.foil, labels)


def _of_several(
    example: Listing,
    prepared: Prepared,
    prediction: Prediction,
    wording: Wording,
    index: int,
    foil: int | None,
    values: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> tuple[Encoding, Map]:
    """The map of target minus foil, or of a number that a softmax or a sigmoid makes."""
    held = members(len(prediction.outcomes), example.quantity, index, foil, prediction.link)
    free = values.detach().requires_grad_()
    value = quantity(example.quantity, free, index, foil, prediction.link)
    (slopes,) = torch.autograd.grad(value, free)
    encoding, gradient, embedding = joined(prepared, held, slopes, embeddings, gradients)
    called, words = wording.of_several(index, foil, foil_in_words(example.foil, foil, prediction))
    label, score = prediction.outcomes[index].label, numbers(value.detach()[None])[0]
    other = None if foil is None else prediction.outcomes[foil].label
    target = Target(
        quantity=called,
        label=label,
        index=index,
        foil=other,
        foil_index=foil,
        score=score,
        probability=prediction.outcomes[index].probability,
        chosen_by="predicted" if example.target == "predicted" and example.quantity != "loss" else "given",
        sentence=f"{words}, {valued(score)}{wording.note}",
    )
    title = f"{example.quantity} of {label}" if other is None else f"{label} − {other}"
    return encoding, make_map(title, len(prepared.encodings), encoding, target, gradient, embedding)


def functions_of_several(
    example: Listing,
    prepared: Prepared,
    result: ExampleResult,
    function: Callable[[Sequence[int], Sequence[Sequence[int]], Callable[[Tensor], Tensor]], TargetFunction],
) -> list[TargetFunction]:
    """F of the maps that depend on several answers.

    `function` makes F of some rows, given by their indices, of their places, and of what takes their numbers (b, c) to
    one number (b,).
    """
    assert result.prediction is not None
    found, link = [], result.prediction.link
    for target in (map_.target for map_ in result.maps[len(prepared.rows) :]):
        held = members(len(prepared.rows), example.quantity, target.index, target.foil_index, link)
        at = [held.index(i) for i in (target.index, target.foil_index) if i is not None]
        found.append(function(held, places_of(prepared, held), partial(_number, example.quantity, at, link)))
    return found


def _number(asked: Asked, at: Sequence[int], link: Link, values: Tensor) -> Tensor:
    """One number (b,) of those (b, c) of several answers, `at` being the places of target and foil."""
    return quantity(asked, values, at[0], at[1] if len(at) > 1 else None, link)
