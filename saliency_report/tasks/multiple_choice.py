"""Which words speak for each of several answers to a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.record import ExampleResult, Prediction, Quantity, Segment
from saliency_report.spec import MultipleChoice
from saliency_report.tasks import causal_choice
from saliency_report.tasks.base import Checkpoint, Prepared, outcomes, stated
from saliency_report.tasks.listing import Wording, explained, fitted, functions_of_several, index_of, repeated, row_each
from saliency_report.tasks.target import TargetFunction, in_words, named

AUTO_CLASS = "AutoModelForMultipleChoice"
CHOICES = True  # the model takes (examples, choices, tokens)


def prepare(example: MultipleChoice, checkpoint: Checkpoint) -> Prepared:
    """One row a choice: (context, question + choice), the pair that models trained on SWAG and RACE read.

    A causal model reads one text: what is asked, and then the choice.
    """
    if checkpoint.causal:
        first = "question" if example.context is None else "context"

        def again(text: str) -> Prepared:
            return causal_choice.prepare(example.model_copy(update={first: text}), checkpoint)

        prepared = fitted(causal_choice.prepare(example, checkpoint), example, checkpoint, again)
    else:
        prepared = fitted(_pairs(example, checkpoint), example, checkpoint)
    prepared.warnings += repeated(prepared, "choice", example.choices)
    return prepared


def _pairs(example: MultipleChoice, checkpoint: Checkpoint) -> Prepared:
    known = [Segment(name="context", text=example.context)] if example.context is not None else []
    known.append(Segment(name="question", text=example.question))
    choice = len(known)
    parts = [[0], [1, choice]] if example.context is not None else [[0], [choice]]
    return row_each([[*known, Segment(name="choice", text=text)] for text in example.choices], parts, checkpoint)


def select(example: MultipleChoice, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """Every choice's logit (1, c): each depends on its own row alone, so one backward serves all maps."""
    return logits.reshape(1, -1)


def explain(
    example: MultipleChoice,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> ExampleResult:
    """Logits (1, c), embeddings and gradients (t, d) a choice as a result with a map a choice, and one for the foil.

    Of a causal model the scores of the choices are in the place of their logits.
    """
    prediction = Prediction(
        outcomes=outcomes(example.choices, logits[0]),
        predicted=int(logits[0].argmax()),
        probabilities=causal_choice.probabilities(example) if checkpoint.causal else None,
        expected=None if example.answer is None else index_of(example.answer, example.choices),
    )
    wording = Wording(
        "choice",
        causal_choice.quantity_of(example) if checkpoint.causal else "logit",
        partial(_of_one, example, prepared, checkpoint, prediction),
        partial(_of_several, example, prepared, checkpoint),
    )
    return explained(example, prepared, prediction, wording, logits[0], embeddings, gradients)


def _of_one(
    example: MultipleChoice, prepared: Prepared, checkpoint: Checkpoint, prediction: Prediction, i: int, asked: bool
) -> str:
    """The sentence about the score of a choice."""
    chosen = "chosen by the model" if i == prediction.predicted else ""
    why = " and ".join(part for part in ("asked for" if asked else "", chosen) if part)
    choice, chance = f"the choice {example.choices[i]}", stated(prediction.outcomes[i].probability)
    if checkpoint.causal:
        words, chance = causal_choice.in_words(example, prepared, i, choice), f"{chance} among the choices"
    else:
        words = f"logit of {choice}"
    return f"{words}{', ' if why else ''}{why}, p {chance}"


def _of_several(
    example: MultipleChoice, prepared: Prepared, checkpoint: Checkpoint, index: int, foil: int | None, shown: str | None
) -> tuple[Quantity, str]:
    """The name of a number that depends on several choices, and how the sentence about it begins."""
    about = f"{'the right choice ' if example.quantity == 'loss' else ''}{example.choices[index]}"
    called, words = named(example.quantity, foil is not None), in_words(example.quantity, about, shown)
    return (
        causal_choice.compared(example, prepared, index, foil, shown, called, words)
        if checkpoint.causal
        else (called, words)
    )


def functions(
    example: MultipleChoice, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result: a choice's score depends on its own row, what is compared on several."""
    of_several = functions_of_several(example, prepared, result, partial(_function, example, prepared, checkpoint))
    return [*own_functions(example, prepared, checkpoint), *of_several]


def own_functions(example: MultipleChoice, prepared: Prepared, checkpoint: Checkpoint) -> list[TargetFunction]:
    """The score of each choice."""
    return [
        _function(example, prepared, checkpoint, [i], [range(len(row))], lambda scores: scores[:, 0])
        for i, row in enumerate(prepared.rows)
    ]


def _function(
    example: MultipleChoice,
    prepared: Prepared,
    checkpoint: Checkpoint,
    members: Sequence[int],
    places: Sequence[Sequence[int]],
    score: Callable[[Tensor], Tensor],
) -> TargetFunction:
    """F of some choices, whose scores (b, c) `score` makes one number (b,) of."""
    rows = [prepared.rows[i] for i in members]
    if not checkpoint.causal:
        return TargetFunction(rows, places, lambda logits: score(logits[..., 0]))
    reads, within, scores = causal_choice.read(example, prepared, members, places)
    return TargetFunction(rows, places, lambda logits: score(scores(logits)), reads, within=within)
