"""Which words speak for each of several answers to a question."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from saliency_report.record import Encoding, ExampleResult, Map, Outcome, Prediction, Segment, Target
from saliency_report.spec import MultipleChoice
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, outcomes, stated
from saliency_report.tasks.encoding import build, check_shown, encode, unknown_warning

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


def select(example: MultipleChoice, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """Every choice's logit (c,): each depends on its own row alone, so one backward serves all maps."""
    return logits.reshape(-1)


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
    index = predicted if example.target == "predicted" else _index(example, example.target)
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
    if example.foil is not None:
        others = [i for i in logits[0].argsort(descending=True).tolist() if i != index]
        foil = others[0] if example.foil == "runner-up" else _index(example, example.foil)
        if foil == index:
            warnings.append(f"The foil {answers[foil].label} is the predicted choice itself: no difference.")
        else:
            name = "the predicted " if foil == predicted else "the runner-up "
            name = name if example.foil == "runner-up" else ""
            encoding, contrast = _contrast(example, prepared, answers, index, foil, name, embeddings, gradients)
            headline = len(maps)
            encodings.append(encoding)
            maps.append(contrast)
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


def _contrast(
    example: MultipleChoice,
    prepared: Prepared,
    answers: list[Outcome],
    index: int,
    foil: int,
    foil_name: str,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> tuple[Encoding, Map]:
    """The map of target minus foil.

    A word of the context stands in both rows, and moving its embedding moves both logits: its gradient is the
    difference of the two rows' gradients. What only one row holds (the choice, and what follows it) keeps its own
    gradient, with a minus for the foil.
    """
    rows = [prepared.rows[index], prepared.rows[foil]]
    tokens = [prepared.encodings[index].tokens, prepared.encodings[foil].tokens]
    shared = 0  # tokens before the choice; the same in both rows, since the choice comes last
    while (
        shared < min(len(rows[0]), len(rows[1]))
        and rows[0].ids[shared] == rows[1].ids[shared]
        and tokens[0][shared].segment == tokens[1][shared].segment
        and not _in_choice(prepared.encodings[index], shared)
    ):
        shared += 1
    gradient = torch.cat(
        [
            gradients[index][:shared] - gradients[foil][:shared],
            gradients[index][shared:],
            -gradients[foil][shared:],
        ]
    )
    embedding = torch.cat([embeddings[index], embeddings[foil][shared:]])
    segments = prepared.encodings[index].segments
    other = [
        token.model_copy(update={"segment": len(segments)}) if token.segment == len(segments) - 1 else token
        for token in tokens[1][shared:]
    ]
    encoding = build([*segments, prepared.encodings[foil].segments[-1]], [*tokens[0], *other])
    target_label, foil_label = answers[index].label, answers[foil].label
    difference = answers[index].logit - answers[foil].logit
    target = Target(
        quantity="logit difference",
        label=target_label,
        index=index,
        foil=foil_label,
        score=difference,
        probability=answers[index].probability,
        chosen_by="predicted" if example.target == "predicted" else "given",
        sentence=f"logit of {target_label} minus logit of {foil_name}{foil_label}, {difference:.3f}",
    )
    title = f"{target_label} − {foil_label}"
    return encoding, make_map(title, len(prepared.encodings), encoding, target, gradient, embedding)


def _in_choice(encoding: Encoding, token: int) -> bool:
    return encoding.tokens[token].segment == len(encoding.segments) - 1
