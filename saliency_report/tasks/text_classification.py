"""Which words speak for a label of a text, or of a pair of texts."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import ExampleResult, Prediction, Segment, Target
from saliency_report.spec import TextClassification
from saliency_report.tasks import long
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, outcomes, stated
from saliency_report.tasks.encoding import check_shown, encode, unknown_warning
from saliency_report.tasks.target import TargetFunction, in_words, named, quantity

AUTO_CLASS = "AutoModelForSequenceClassification"
CHOICES = False


def prepare(example: TextClassification, checkpoint: Checkpoint) -> Prepared:
    """One row: the text, or the text and its pair."""
    _labels(checkpoint)
    for field in ("target", "label", "foil"):
        _index(getattr(example, field), field, checkpoint)
    text = Segment(name="text", text=example.text)
    if example.text_pair is None:
        prepared = long.read(text, checkpoint, example.long)
    else:
        pair = Segment(name="text_pair", text=example.text_pair)
        row, encoding = encode(checkpoint.tokenizer, [text, pair], [[0], [1]], checkpoint.limit)
        prepared = Prepared([row], [encoding])
    check_shown(prepared.encodings[0])
    cut = bool(prepared.warnings)
    prepared.warnings += unknown_warning(checkpoint.tokenizer, prepared.encodings[0], cut=cut)
    return prepared


def select(example: TextClassification, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The explained number (1, 1) of the logits (1, c) of one example, or of those of its n windows (n, c)."""
    logits = long.mean(logits)
    return quantity(example.quantity, logits, *_target(example, logits[0], checkpoint))[None]


def explain(
    example: TextClassification,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> ExampleResult:
    """Logits (n, c), embeddings and gradients (t, d) of the one row, or of n windows, as a result with one map."""
    encoding = long.told(prepared.encodings[0], logits)
    logits = long.mean(logits)
    answers = outcomes(_labels(checkpoint), logits[0])
    predicted = int(logits[0].argmax())
    index, foil = _target(example, logits[0], checkpoint)
    label, probability = answers[index].label, answers[index].probability
    asked = example.target != "predicted" or example.quantity == "loss"
    why = "predicted" if index == predicted else f"asked for where {answers[predicted].label} is predicted"
    compared = None
    if foil is not None:
        role = "the predicted " if foil == predicted else "the runner-up "
        compared = f"{role if example.foil == 'runner-up' else ''}{answers[foil].label}"
    about = "the right label " if example.quantity == "loss" else ""
    windows = f" over the mean logits of {len(prepared.rows)} windows" if prepared.places else ""
    sentence = f"{in_words(example.quantity, about + label, compared)}{windows}, {why}, p {stated(probability)}"
    target = Target(
        quantity=named(example.quantity, foil is not None),
        label=label,
        index=index,
        foil=None if foil is None else answers[foil].label,
        foil_index=foil,
        score=numbers(quantity(example.quantity, logits, index, foil))[0],
        probability=probability,
        chosen_by="given" if asked else "predicted",
        sentence=sentence,
    )
    title = label if foil is None else f"{label} − {answers[foil].label}"
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=Prediction(
            outcomes=answers,
            predicted=predicted,
            expected=_index(example.label, "label", checkpoint),
        ),
        maps=[
            make_map(
                title, 0, encoding, target, long.gathered(gradients, prepared), long.gathered(embeddings, prepared)
            )
        ],
        warnings=prepared.warnings,
    )


def functions(
    example: TextClassification, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result."""
    target = result.maps[0].target
    return [
        TargetFunction(
            prepared.rows,
            prepared.places or [range(len(prepared.rows[0]))],
            lambda logits: quantity(example.quantity, logits.mean(dim=1), target.index, target.foil_index),
        )
    ]


def _labels(checkpoint: Checkpoint) -> list[str]:
    config = checkpoint.config
    if config.problem_type == "multi_label_classification":
        raise ExampleError(
            "The model gives several labels at once (multi-label); its labels are not explained yet.",
            "Use a model that chooses one label.",
        )
    if config.num_labels < 2 or config.problem_type == "regression":
        raise ExampleError(
            "The model gives numbers, not labels (regression); it is not explained yet.",
            "Use a model that chooses among labels.",
        )
    return [str(config.id2label.get(i, f"LABEL_{i}")) for i in range(config.num_labels)]


def _target(example: TextClassification, logits: Tensor, checkpoint: Checkpoint) -> tuple[int, int | None]:
    """Indices of target and foil, given the logits (c,).

    Raises:
        ExampleError: the foil is the target.
    """
    wanted = ("label", example.label) if example.quantity == "loss" else ("target", example.target)
    index = _index(wanted[1], wanted[0], checkpoint)
    order: list[int] = logits.argsort(descending=True).tolist()
    index = order[0] if index is None else index
    if example.foil is None:
        return index, None
    foil = _index(example.foil, "foil", checkpoint)
    foil = next(i for i in order if i != index) if foil is None else foil
    if foil == index:
        raise ExampleError(
            f"foil: {_labels(checkpoint)[foil]!r} is the target itself; their difference is always 0.",
            "Write `foil: runner-up`, or another label.",
        )
    return index, foil


def _index(value: str | int | None, field: str, checkpoint: Checkpoint) -> int | None:
    """A label's name or index as its index; none for `predicted` and `runner-up`."""
    if value is None or (field, value) in (("target", "predicted"), ("foil", "runner-up")):
        return None
    labels = _labels(checkpoint)
    if isinstance(value, int):
        if str(value) in labels and labels.index(str(value)) != value:
            raise ExampleError(
                f"{field}: {value} is the index of the label {labels[value]!r} and the name of another."
                if value < len(labels)
                else f"{field}: the model has no label of index {value}.",
                f"Write '{value}' in quotes for the name, or the name of the label you mean.",
            )
        if not 0 <= value < len(labels):
            raise ExampleError(f"{field}: the model has no label {value}.", _known(labels))
        return value
    if value not in labels:
        folded = {label.casefold(): label for label in labels}
        close = folded.get(value.casefold()) or next(iter(difflib.get_close_matches(value, labels, n=1)), None)
        hint = f"Did you mean {close!r}? " if close else ""
        raise ExampleError(f"{field}: the model has no label {value!r}.", hint + _known(labels))
    return labels.index(value)


def _known(labels: list[str]) -> str:
    shown = ", ".join(labels[:20])
    more = f" and {len(labels) - 20} more" if len(labels) > 20 else ""
    return f"Its labels are {shown}{more} (0 to {len(labels) - 1})."
