"""Which words speak for each of several labels that a model of entailment was not trained for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, ExampleResult, Link, Map, Prediction, Segment, Target
from saliency_report.spec import ZeroShotClassification
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, outcomes, stated, valued
from saliency_report.tasks.encoding import check_shown, encode, unknown_warning
from saliency_report.tasks.joined import joined, joint_function, members
from saliency_report.tasks.labels import above
from saliency_report.tasks.target import TargetFunction, in_words, named, quantity

AUTO_CLASS = "AutoModelForSequenceClassification"
CHOICES = False
USE = "Use a model of entailment (NLI) whose labels have names, such as cross-encoder/nli-distilroberta-base."
_PROBABILITIES = (
    "A softmax over the labels’ logits of entailment. It compares the labels with each other and does not say whether "
    "any of them fits the text."
)


@dataclass(frozen=True)
class Entailment:
    """Which outputs of a model say that a hypothesis follows from the text, and that it cannot be."""

    yes: int
    no: int | None  # looked for where each label is judged by itself

    def answers(self, logits: Tensor) -> Tensor:
        """The number of each label, from logits (…, c) a row: of entailment, or of that minus contradiction."""
        return logits[..., self.yes] if self.no is None else logits[..., self.yes] - logits[..., self.no]


def prepare(example: ZeroShotClassification, checkpoint: Checkpoint) -> Prepared:
    """One row a label: the text, and the hypothesis that names it."""
    _entailment(example, checkpoint)
    rows, encodings = [], []
    for label in example.candidate_labels:
        hypothesis = example.hypothesis_template.replace("{label}", label)
        segments = [Segment(name="text", text=example.text), Segment(name="hypothesis", text=hypothesis)]
        row, encoding = encode(checkpoint.tokenizer, segments, [[0], [1]], checkpoint.limit)
        check_shown(encoding)
        rows.append(row)
        encodings.append(encoding)
    warnings = [w for encoding in encodings for w in unknown_warning(checkpoint.tokenizer, encoding)]
    for i, row in enumerate(rows):
        if row.ids in [other.ids for other in rows[:i]]:
            warnings.append(f"The label {example.candidate_labels[i]!r} has the same tokens as an earlier one.")
    return Prepared(rows, encodings, list(dict.fromkeys(warnings)))


def select(example: ZeroShotClassification, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The number (1, n) of every label, from logits (n, c): each depends on its own row alone."""
    return _entailment(example, checkpoint).answers(logits)[None]


def explain(
    example: ZeroShotClassification,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> ExampleResult:
    """Logits (n, c), embeddings and gradients (t, d) a label as a result with a map a label, and one for the foil."""
    labels, link = example.candidate_labels, _link(example)
    values = _entailment(example, checkpoint).answers(logits)
    order: list[int] = values.argsort(descending=True, stable=True).tolist()
    prediction = _prediction(example, values, order[0])
    index = _target(example, order[0])
    maps, encodings, warnings = [], [*prepared.encodings], [*prepared.warnings]
    for i, encoding in enumerate(prepared.encodings):
        asked = example.target != "predicted" and i == index
        target = Target(
            quantity="logit",
            label=labels[i],
            index=i,
            score=prediction.outcomes[i].logit,
            probability=prediction.outcomes[i].probability,
            chosen_by="predicted" if i in prediction.given and not asked else "given",
            sentence=_sentence(example, prediction, i, asked=asked),
        )
        maps.append(make_map(labels[i], i, encoding, target, gradients[i], embeddings[i]))
    foil = None
    if example.foil is not None:
        others = [i for i in order if i != index]
        foil = others[0] if example.foil == "runner-up" else _index(example, example.foil)
    headline = index
    if foil == index:
        warnings.append(f"The foil {labels[index]} is the predicted label itself: no difference.")
    elif foil is not None or example.quantity != "logit":
        headline = len(maps)
        encoding, joint = _joint(example, prepared, prediction, index, foil, values, link, embeddings, gradients)
        encodings.append(encoding)
        maps.append(joint)
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


def functions(
    example: ZeroShotClassification, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result: a label's number depends on its own row, what is compared on several."""
    entailment, link = _entailment(example, checkpoint), _link(example)
    found = [
        TargetFunction([row], [range(len(row))], lambda logits: entailment.answers(logits)[:, 0])
        for row in prepared.rows
    ]
    for joint in result.maps[len(prepared.rows) :]:
        index, foil = joint.target.index, joint.target.foil_index
        held = members(len(prepared.rows), example.quantity, index, foil, link)

        def score(
            logits: Tensor,
            at: int = held.index(index),
            other: int | None = None if foil is None else held.index(foil),
        ) -> Tensor:
            return quantity(example.quantity, entailment.answers(logits), at, other, link)

        found.append(joint_function(prepared, held, score))
    return found


def _link(example: ZeroShotClassification) -> Link:
    return "sigmoid" if example.multi_label else "softmax"


def _entailment(example: ZeroShotClassification, checkpoint: Checkpoint) -> Entailment:
    """The outputs that are read, by the names of the model's labels.

    Raises:
        ExampleError: none has such a name, or several have.
    """
    config = checkpoint.config
    names = [str(config.id2label.get(i, f"LABEL_{i}")) for i in range(config.num_labels)]

    def named(word: str, *beginnings: str) -> int:
        found = [i for i, name in enumerate(names) if name.casefold().replace(" ", "_").startswith(beginnings)]
        if len(found) != 1:
            raise ExampleError(
                f"The model has {'several labels' if found else 'no label'} of the name {word}: its labels are "
                f"{', '.join(names[:20])}.",
                USE,
            )
        return found[0]

    yes = named("entailment", "entail")
    if not example.multi_label:
        return Entailment(yes, None)
    return Entailment(yes, named("contradiction", "contradict", "not_entail", "non_entail", "non-entail"))


def _index(example: ZeroShotClassification, value: str | int) -> int:
    return value if isinstance(value, int) else example.candidate_labels.index(value)


def _right(example: ZeroShotClassification) -> list[int] | None:
    """The indices of the right labels; none where the input says nothing of that."""
    if example.label is None:
        return None
    return [_index(example, one) for one in (example.label if isinstance(example.label, list) else [example.label])]


def _target(example: ZeroShotClassification, likeliest: int) -> int:
    right = _right(example)
    if example.quantity == "loss" and right:
        return right[0]
    return likeliest if example.target == "predicted" else _index(example, example.target)


def _prediction(example: ZeroShotClassification, values: Tensor, likeliest: int) -> Prediction:
    link, right = _link(example), _right(example)
    answers = outcomes(example.candidate_labels, values, link)
    if example.multi_label:
        given = above(values, example.threshold)
        return Prediction(outcomes=answers, link=link, threshold=example.threshold, labels=given, expected_labels=right)
    return Prediction(
        outcomes=answers, predicted=likeliest, expected=right[0] if right else None, probabilities=_PROBABILITIES
    )


def _sentence(example: ZeroShotClassification, prediction: Prediction, index: int, *, asked: bool) -> str:
    """What the map of one label explains, and its probability."""
    chance = stated(prediction.outcomes[index].probability)
    hypothesis = example.hypothesis_template.replace("{label}", example.candidate_labels[index])
    given = index in prediction.given
    why = "asked for, " if asked else ""
    if example.multi_label:
        why += f"{'' if given else 'not '}above the threshold {example.threshold:g}"
        return f"logit of entailment minus that of contradiction for “{hypothesis}”, {why}, sigmoid p {chance}"
    why += "predicted, " if given else ""
    return f"logit of entailment for “{hypothesis}”, {why}p {chance} of the {len(prediction.outcomes)} labels"


def _joint(
    example: ZeroShotClassification,
    prepared: Prepared,
    prediction: Prediction,
    index: int,
    foil: int | None,
    values: Tensor,
    link: Link,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> tuple[Encoding, Map]:
    """The map of a number of several labels: target minus foil, or one that a softmax or a sigmoid makes."""
    labels = example.candidate_labels
    held = members(len(labels), example.quantity, index, foil, link)
    free = values.detach().requires_grad_()
    value = quantity(example.quantity, free, index, foil, link)
    slopes = torch.autograd.grad(value, free)[0]
    encoding, gradient, embedding = joined(prepared, held, slopes, embeddings, gradients)
    score = numbers(value.detach()[None])[0]
    compared = None
    if foil is not None:
        role = "the predicted " if foil in prediction.given else "the runner-up "
        compared = f"{role if example.foil == 'runner-up' else ''}{labels[foil]}"
    about = f"the right label {labels[index]}" if example.quantity == "loss" else labels[index]
    words = in_words(example.quantity, about, compared, link)
    made = "entailment minus that of contradiction" if example.multi_label else "entailment"
    target = Target(
        quantity=named(example.quantity, foil is not None),
        label=labels[index],
        index=index,
        foil=None if foil is None else labels[foil],
        foil_index=foil,
        score=score,
        probability=prediction.outcomes[index].probability,
        chosen_by="predicted" if example.target == "predicted" and example.quantity != "loss" else "given",
        sentence=f"{words}, {valued(score)}; the logit of a label is that of {made}",
    )
    title = f"{labels[index]} − {labels[foil]}" if foil is not None else f"{example.quantity} of {labels[index]}"
    return encoding, make_map(title, len(prepared.encodings), encoding, target, gradient, embedding)
