"""Which words speak for a label of a text or of a pair of texts, for each of several labels, or for a number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.record import ExampleResult, Outcome, Prediction, Quantity, Segment, Target
from saliency_report.spec import TextClassification
from saliency_report.tasks import long, pairs
from saliency_report.tasks.base import Checkpoint, Prepared, foil_in_words, make_map, numbers, outcomes, stated, valued
from saliency_report.tasks.cutting import note_unseen
from saliency_report.tasks.encoding import check_shown
from saliency_report.tasks.labels import SCORE, Head, above, check, explained, head
from saliency_report.tasks.target import TargetFunction, in_words, named, quantity

AUTO_CLASS = "AutoModelForSequenceClassification"
CHOICES = False


def prepare(example: TextClassification, checkpoint: Checkpoint) -> Prepared:
    """One row: the text, or the text and its pair."""
    check(example, head(example, checkpoint))
    text = Segment(name="text", text=example.text)
    if example.text_pair is None:
        prepared = long.read(text, checkpoint, example.long)
    else:
        prepared = pairs.read([text, Segment(name="text_pair", text=example.text_pair)], checkpoint, example.long)
    check_shown(prepared.encodings[0])
    note_unseen(prepared, checkpoint, cut=bool(prepared.warnings))
    return prepared


def select(example: TextClassification, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The explained numbers (k, 1) of the logits (1, c) of one example, or of those of its n windows (n, c)."""
    outputs, logits = head(example, checkpoint), long.mean(logits)
    targets, foil = explained(example, outputs, logits[0])
    return torch.stack([quantity(example.quantity, logits, target, foil, outputs.link) for target in targets])


def explain(
    example: TextClassification,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> ExampleResult:
    """Logits (n, c) and embeddings (t, d) of the one row, or of n windows, as a result with a map a target.

    The gradients (t, d) are those of the first target for each row, then of the next.
    """
    outputs, encoding = head(example, checkpoint), long.told(prepared.encodings[0], logits)
    logits = long.mean(logits)
    answers = outcomes(outputs.labels, logits[0], outputs.link)
    targets, foil = explained(example, outputs, logits[0])
    prediction = _prediction(example, outputs, answers, logits[0])
    windows = f" from the mean logits of {len(prepared.rows)} windows" if prepared.places else ""
    maps, rows = [], len(prepared.rows)
    for number, target in enumerate(targets):
        score = numbers(quantity(example.quantity, logits, target, foil, outputs.link))[0]
        found = _target(example, outputs, prediction, target, foil, score, windows)
        title = found.label if found.foil is None else f"{found.label} − {found.foil}"
        gradient, x = long.gathered(gradients[number * rows : (number + 1) * rows], embeddings, prepared)
        maps.append(make_map(title, 0, encoding, found, gradient, x))
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=prediction,
        maps=maps,
        warnings=prepared.warnings,
    )


def functions(
    example: TextClassification, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result."""
    assert result.prediction is not None
    link = result.prediction.link

    def score(target: Target, logits: Tensor) -> Tensor:
        return quantity(example.quantity, logits.mean(dim=1), target.index, target.foil_index, link)

    places = prepared.places or [[*range(len(prepared.rows[0]))]]
    return [TargetFunction(prepared.rows, places, partial(score, map_.target)) for map_ in result.maps]


def _prediction(example: TextClassification, outputs: Head, answers: list[Outcome], logits: Tensor) -> Prediction:
    right = None if example.label is None else outputs.indices("label", example.label)
    if outputs.link == "none":
        return Prediction(outcomes=answers, link="none")
    if outputs.link == "sigmoid":
        given = above(logits, example.threshold)
        return Prediction(
            outcomes=answers, link="sigmoid", threshold=example.threshold, labels=given, expected_labels=right
        )
    likeliest = int(logits.argsort(descending=True, stable=True)[0])
    return Prediction(outcomes=answers, predicted=likeliest, expected=None if right is None else right[0])


def _target(
    example: TextClassification,
    outputs: Head,
    prediction: Prediction,
    index: int,
    foil: int | None,
    score: float,
    windows: str,
) -> Target:
    asked = example.target != "predicted" or example.quantity == "loss"
    if outputs.link == "none":
        kind: Quantity = "number" if foil is None else "number difference"
        sentence = (
            f"{_number(outputs, index)}{windows.replace('logits', 'numbers')}, {valued(score)}, which is no probability"
        )
        if foil is not None:
            compared = f"{_number(outputs, index)} minus {_number(outputs, foil)}"
            sentence = f"{compared}{windows.replace('logits', 'numbers')}, {valued(score)}"
    else:
        kind = named(example.quantity, foil is not None)
        sentence = _sentence(example, outputs, prediction, index, foil, windows, asked=asked)
    return Target(
        quantity=kind,
        label=outputs.labels[index],
        index=index,
        foil=None if foil is None else outputs.labels[foil],
        foil_index=foil,
        score=score,
        probability=prediction.outcomes[index].probability,
        chosen_by="given" if asked else "predicted",
        sentence=sentence,
    )


def _number(outputs: Head, index: int) -> str:
    return "the model’s one number" if outputs.labels == [SCORE] else f"the model’s number {outputs.labels[index]}"


def _sentence(
    example: TextClassification,
    outputs: Head,
    prediction: Prediction,
    index: int,
    foil: int | None,
    windows: str,
    *,
    asked: bool,
) -> str:
    """What is explained, why that, and its probability."""
    labels = outputs.labels
    compared = foil_in_words(example.foil, foil, prediction)
    about = f"{'the right label ' if example.quantity == 'loss' else ''}{labels[index]}"
    chance = stated(prediction.outcomes[index].probability)
    if prediction.predicted is None:
        none = "the likeliest, since none is" if not asked and not prediction.given else "not"
        why = f"{'' if index in prediction.given else f'{none} '}above the threshold {prediction.threshold:g}"
        why = f"asked for, {why}" if example.target != "predicted" else why
        chance = f"sigmoid p {chance}"
    else:
        likeliest = labels[prediction.predicted]
        why = "predicted" if index == prediction.predicted else f"asked for where {likeliest} is predicted"
        chance = f"p {chance}"
    return f"{in_words(example.quantity, about, compared, outputs.link)}{windows}, {why}, {chance}"
