"""Which words speak for each of several labels that a model of entailment was not trained for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.errors import ExampleError
from saliency_report.record import ExampleResult, Link, Prediction, Quantity, Segment
from saliency_report.spec import ZeroShotClassification
from saliency_report.spec.zero_shot_classification import GAP
from saliency_report.tasks.base import Checkpoint, Prepared, outcomes, stated
from saliency_report.tasks.labels import above
from saliency_report.tasks.listing import Wording, explained, fitted, functions_of_several, index_of, repeated, row_each
from saliency_report.tasks.target import TargetFunction, in_words, named, of_row

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
    labels, _ = example.candidate_labels, _entailment(example, checkpoint)
    text = Segment(name="text", text=example.text)
    segments = [[text, Segment(name="hypothesis", text=_hypothesis(example, i))] for i in range(len(labels))]
    prepared = fitted(row_each(segments, [[0], [1]], checkpoint), example, checkpoint)
    prepared.warnings += repeated(prepared, "label", labels)
    return prepared


def select(example: ZeroShotClassification, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The number (1, n) of every label, from logits (n, c): each depends on its own row alone."""
    return _entailment(example, checkpoint).answers(logits)[None]


def explain(
    example: ZeroShotClassification,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> ExampleResult:
    """Logits (n, c), embeddings and gradients (t, d) a label as a result with a map a label, and one for the foil."""
    values = _entailment(example, checkpoint).answers(logits)
    prediction = _prediction(example, values)
    made = "entailment minus that of contradiction" if example.multi_label else "entailment"
    wording = Wording(
        "label",
        "logit",
        partial(_of_one, example, prediction),
        partial(_of_several, example, prediction),
        f"; the logit of a label is that of {made}",
    )
    return explained(example, prepared, prediction, wording, values, embeddings, gradients)


def functions(
    example: ZeroShotClassification, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result: a label's number depends on its own row, what is compared on several."""
    entailment = _entailment(example, checkpoint)

    def function(
        held: Sequence[int], places: Sequence[Sequence[int]], score: Callable[[Tensor], Tensor]
    ) -> TargetFunction:
        return TargetFunction(
            [prepared.rows[i] for i in held], places, lambda logits: score(entailment.answers(logits))
        )

    own = [of_row(row, entailment.answers) for row in prepared.rows]
    return [*own, *functions_of_several(example, prepared, result, function)]


def _entailment(example: ZeroShotClassification, checkpoint: Checkpoint) -> Entailment:
    """The outputs that are read, by the names of the model's labels.

    Raises:
        ExampleError: none has such a name, or several have.
    """
    names = checkpoint.labels

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


def _hypothesis(example: ZeroShotClassification, i: int) -> str:
    return example.hypothesis_template.replace(GAP, example.candidate_labels[i])


def _prediction(example: ZeroShotClassification, values: Tensor) -> Prediction:
    labels, right = example.candidate_labels, example.label
    link: Link = "sigmoid" if example.multi_label else "softmax"
    answers = outcomes(labels, values, link)
    wanted = (
        None if right is None else [index_of(one, labels) for one in (right if isinstance(right, list) else [right])]
    )
    if example.multi_label:
        given = above(values, example.threshold)
        return Prediction(
            outcomes=answers, link=link, threshold=example.threshold, labels=given, expected_labels=wanted
        )
    return Prediction(
        outcomes=answers,
        predicted=int(values.argsort(descending=True, stable=True)[0]),
        expected=wanted[0] if wanted else None,
        probabilities=_PROBABILITIES,
    )


def _of_one(example: ZeroShotClassification, prediction: Prediction, i: int, asked: bool) -> str:
    """The sentence about the number of one label."""
    chance, hypothesis = stated(prediction.outcomes[i].probability), _hypothesis(example, i)
    given = i in prediction.given
    why = "asked for, " if asked else ""
    if example.multi_label:
        why += f"{'' if given else 'not '}above the threshold {example.threshold:g}"
        return f"logit of entailment minus that of contradiction for “{hypothesis}”, {why}, sigmoid p {chance}"
    why += "predicted, " if given else ""
    return f"logit of entailment for “{hypothesis}”, {why}p {chance} of the {len(prediction.outcomes)} labels"


def _of_several(
    example: ZeroShotClassification, prediction: Prediction, index: int, foil: int | None, shown: str | None
) -> tuple[Quantity, str]:
    """The name of a number that depends on several labels, and how the sentence about it begins."""
    about = f"{'the right label ' if example.quantity == 'loss' else ''}{example.candidate_labels[index]}"
    return named(example.quantity, foil is not None), in_words(example.quantity, about, shown, prediction.link)
