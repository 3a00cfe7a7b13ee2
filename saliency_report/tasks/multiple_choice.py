"""Which words speak for each of several answers to a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from saliency_report.record import ExampleResult, Prediction, Segment, Target
from saliency_report.spec import MultipleChoice
from saliency_report.tasks import causal_choice
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, outcomes, stated
from saliency_report.tasks.compared import joint
from saliency_report.tasks.encoding import check_shown, encode, unknown_warning
from saliency_report.tasks.joined import joint_function, members
from saliency_report.tasks.target import TargetFunction, in_words, named, quantity

AUTO_CLASS = "AutoModelForMultipleChoice"
CHOICES = True  # the model takes (examples, choices, tokens)


def prepare(example: MultipleChoice, checkpoint: Checkpoint) -> Prepared:
    """One row a choice: (context, question + choice), the pair that models trained on SWAG and RACE read.

    A causal model reads one text: what is asked, and then the choice.
    """
    prepared = causal_choice.prepare(example, checkpoint) if checkpoint.causal else _pairs(example, checkpoint)
    for i, row in enumerate(prepared.rows):
        if row.ids in [other.ids for other in prepared.rows[:i]]:
            prepared.warnings.append(f"The choice {example.choices[i]!r} has the same tokens as an earlier one.")
    return prepared


def _pairs(example: MultipleChoice, checkpoint: Checkpoint) -> Prepared:
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
    """Logits (1, c), embeddings and gradients (t, d) a choice as a result with a map a choice, and one for the foil.

    Of a causal model the scores of the choices are in the place of their logits.
    """
    answers = outcomes(example.choices, logits[0])
    predicted = int(logits[0].argmax())
    index = _target(example, predicted)
    among = " among the choices" if checkpoint.causal else ""
    maps, encodings, warnings = [], [*prepared.encodings], [*prepared.warnings]
    for i, (encoding, answer) in enumerate(zip(prepared.encodings, answers, strict=True)):
        asked = example.target != "predicted" and i == index
        why = f", {_why(i, predicted, asked)}" if i in (predicted, index) else ""
        target = Target(
            quantity=causal_choice.quantity_of(example) if checkpoint.causal else "logit",
            label=answer.label,
            index=i,
            score=answer.logit,
            probability=answer.probability,
            chosen_by="predicted" if i == predicted and not asked else "given",
            sentence=f"{_scored(example, prepared, checkpoint, i)}{why}, p {stated(answer.probability)}{among}",
        )
        maps.append(make_map(answer.label, i, encoding, target, gradients[i], embeddings[i]))
    headline = index
    foil = _foil(example, index, logits[0])
    if foil == index:
        warnings.append(f"The foil {answers[index].label} is the predicted choice itself: no difference.")
    elif foil is not None or example.quantity != "logit":
        role = "the predicted " if foil == predicted else "the runner-up "
        shown = "" if foil is None else f"{role if example.foil == 'runner-up' else ''}{answers[foil].label}"
        called = named(example.quantity, foil is not None)
        words = in_words(example.quantity, _about(example, index), shown or None)
        if checkpoint.causal:
            called, words = causal_choice.compared(example, prepared, index, foil, shown, called, words)
        encoding, map_ = joint(example, prepared, answers, index, foil, called, words, logits[0], embeddings, gradients)
        headline = len(maps)
        encodings.append(encoding)
        maps.append(map_)
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=encodings,
        prediction=Prediction(
            outcomes=answers,
            predicted=predicted,
            probabilities=causal_choice.probabilities(example) if checkpoint.causal else None,
            expected=None if example.answer is None else _index(example, example.answer),
        ),
        maps=maps,
        headline=headline,
        warnings=warnings,
    )


def _scored(example: MultipleChoice, prepared: Prepared, checkpoint: Checkpoint, i: int) -> str:
    """The score of a choice as a sentence begins."""
    if checkpoint.causal:
        return causal_choice.in_words(example, prepared, i, f"the choice {example.choices[i]}")
    return f"logit of the choice {example.choices[i]}"


def _about(example: MultipleChoice, index: int) -> str:
    """The explained choice in the sentence of a number that depends on several."""
    return f"the right choice {example.choices[index]}" if example.quantity == "loss" else example.choices[index]


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


def functions(
    example: MultipleChoice, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result: a choice's logit depends on its own row, what is compared on several."""
    found = own_functions(example, prepared, checkpoint)
    for map_ in result.maps[len(prepared.rows) :]:
        index, foil = map_.target.index, map_.target.foil_index
        held = members(len(prepared.rows), example.quantity, index, foil)

        def score(
            scores: Tensor,
            at: int = held.index(index),
            other: int | None = None if foil is None else held.index(foil),
        ) -> Tensor:
            return quantity(example.quantity, scores, at, other)

        found.append(
            _function(example, prepared, checkpoint, held, joint_function(prepared, held, score).places, score)
        )
    return found


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
