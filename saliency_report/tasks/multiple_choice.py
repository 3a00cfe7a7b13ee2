"""Which words speak for each of several answers to a question."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from saliency_report.record import Encoding, ExampleResult, Map, Outcome, Prediction, Segment, Target
from saliency_report.spec import MultipleChoice
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, outcomes, stated
from saliency_report.tasks.encoding import check_shown, encode, unknown_warning
from saliency_report.tasks.joined import joined, joint_function, members
from saliency_report.tasks.target import TargetFunction, in_words, named, quantity

AUTO_CLASS = "AutoModelForMultipleChoice"
CHOICES = True  # the model takes (examples, choices, tokens)


def prepare(example: MultipleChoice, checkpoint: Checkpoint) -> Prepared:
    """One row a choice: (context, question + choice), the pair that models trained on SWAG and RACE read."""
    known = [Segment(name="context", text=example.context)] if example.context is not None else []
    known.append(Segment(name="question", text=example.question))
    choice = len(known)
    parts = [[0], [1, choice]] if example.context is not None else [[0], [choice]]
    rows, encodings = [], []
    for text in example.choices:
        segments = [*known, Segment(name="choice", text=text)]
        row, encoding = encode(checkpoint.tokenizer, segments, parts, checkpoint.limit)
        check_shown(encoding)
        rows.append(row)
        encodings.append(encoding)
    warnings = [w for encoding in encodings for w in unknown_warning(checkpoint.tokenizer, encoding)]
    for i, row in enumerate(rows):
        if row.ids in [other.ids for other in rows[:i]]:
            warnings.append(f"The choice {example.choices[i]!r} has the same tokens as an earlier one.")
    return Prepared(rows, encodings, list(dict.fromkeys(warnings)))


def select(example: MultipleChoice, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """Every choice's logit (1, c): each depends on its own row alone, so one backward serves all maps."""
    return logits.reshape(1, -1)


def explain(
    example: MultipleChoice,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> ExampleResult:
    """Logits (1, c), embeddings and gradients (t, d) a choice as a result with a map a choice, and one for the foil."""
    answers = outcomes(example.choices, logits[0])
    predicted = int(logits[0].argmax())
    index = _target(example, predicted)
    maps, encodings, warnings = [], [*prepared.encodings], [*prepared.warnings]
    for i, (encoding, answer) in enumerate(zip(prepared.encodings, answers, strict=True)):
        asked = example.target != "predicted" and i == index
        why = f", {_why(i, predicted, asked)}" if i in (predicted, index) else ""
        target = Target(
            quantity="logit",
            label=answer.label,
            index=i,
            score=answer.logit,
            probability=answer.probability,
            chosen_by="predicted" if i == predicted and not asked else "given",
            sentence=f"logit of the choice {answer.label}{why}, p {stated(answer.probability)}",
        )
        maps.append(make_map(answer.label, i, encoding, target, gradients[i], embeddings[i]))
    headline = index
    foil = _foil(example, index, logits[0])
    if foil == index:
        warnings.append(f"The foil {answers[index].label} is the predicted choice itself: no difference.")
    elif foil is not None or example.quantity != "logit":
        role = "the predicted " if foil == predicted else "the runner-up "
        shown = "" if foil is None else f"{role if example.foil == 'runner-up' else ''}{answers[foil].label}"
        encoding, joint = _joint(example, prepared, answers, index, foil, shown, logits[0], embeddings, gradients)
        headline = len(maps)
        encodings.append(encoding)
        maps.append(joint)
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=encodings,
        prediction=Prediction(
            outcomes=answers,
            predicted=predicted,
            expected=None if example.answer is None else _index(example, example.answer),
        ),
        maps=maps,
        headline=headline,
        warnings=warnings,
    )


def _why(i: int, predicted: int, asked: bool) -> str:
    if asked:
        return "asked for and chosen by the model" if i == predicted else "asked for"
    return "chosen by the model"


def _index(example: MultipleChoice, value: str | int) -> int:
    return value if isinstance(value, int) else example.choices.index(value)


def _target(example: MultipleChoice, predicted: int) -> int:
    if example.quantity == "loss" and example.answer is not None:
        return _index(example, example.answer)
    return predicted if example.target == "predicted" else _index(example, example.target)


def _foil(example: MultipleChoice, index: int, logits: Tensor) -> int | None:
    if example.foil is None:
        return None
    others = [i for i in logits.argsort(descending=True).tolist() if i != index]
    return int(others[0]) if example.foil == "runner-up" else _index(example, example.foil)


def _joint(
    example: MultipleChoice,
    prepared: Prepared,
    answers: list[Outcome],
    index: int,
    foil: int | None,
    shown: str,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> tuple[Encoding, Map]:
    """The map of a number that depends on several choices: target minus foil, or one that a softmax makes."""
    held = members(len(answers), example.quantity, index, foil)
    free = logits.detach().requires_grad_()
    value = quantity(example.quantity, free, index, foil)
    slopes = torch.autograd.grad(value, free)[0]
    encoding, gradient, embedding = joined(prepared, held, slopes, embeddings, gradients)
    label, score = answers[index].label, numbers(value.detach()[None])[0]
    about = f"the right choice {label}" if example.quantity == "loss" else label
    target = Target(
        quantity=named(example.quantity, foil is not None),
        label=label,
        index=index,
        foil=None if foil is None else answers[foil].label,
        foil_index=foil,
        score=score,
        probability=answers[index].probability,
        chosen_by="predicted" if example.target == "predicted" and example.quantity != "loss" else "given",
        sentence=f"{in_words(example.quantity, about, shown or None)}, {score:.5g}",
    )
    title = f"{label} − {answers[foil].label}" if foil is not None else f"{example.quantity} of {label}"
    return encoding, make_map(title, len(prepared.encodings), encoding, target, gradient, embedding)


def functions(
    example: MultipleChoice, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result: a choice's logit depends on its own row, what is compared on several."""
    found = [TargetFunction([row], [range(len(row))], lambda logits: logits[:, 0, 0]) for row in prepared.rows]
    for joint in result.maps[len(prepared.rows) :]:
        index, foil = joint.target.index, joint.target.foil_index
        held = members(len(prepared.rows), example.quantity, index, foil)

        def score(
            logits: Tensor,
            at: int = held.index(index),
            other: int | None = None if foil is None else held.index(foil),
        ) -> Tensor:
            return quantity(example.quantity, logits[..., 0], at, other)

        found.append(joint_function(prepared, held, score))
    return found
