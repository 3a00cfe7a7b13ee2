"""Which words speak for each entity that a model finds, or for the labels of a text that is named."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.errors import ExampleError
from saliency_report.record import ExampleResult, Outcome, Prediction, Segment, Target
from saliency_report.spec import TokenClassification
from saliency_report.spec.texts import occurrences
from saliency_report.tasks import long
from saliency_report.tasks.aimed import aimed, at_words, predicted, target_words, text_of, window_of
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, stated
from saliency_report.tasks.cutting import note_unseen
from saliency_report.tasks.encoding import check_shown
from saliency_report.tasks.entities import Entity, entities, labelled_words, named_label
from saliency_report.tasks.target import TargetFunction, joint, joint_in_words, named

AUTO_CLASS = "AutoModelForTokenClassification"
CHOICES = False
ALTERNATIVES = 5
NOTHING_FOUND = (
    "The model finds no entity in this text, so there is none to explain. Name a text as `target` to explain the "
    "labels that it has there."
)


def prepare(example: TokenClassification, checkpoint: Checkpoint) -> Prepared:
    """The text's row, or a row for each window.

    Raises:
        ExampleError: the target has no word, or not in one window, or the model has no label as the foil.
    """
    prepared = long.read(Segment(name="text", text=example.text), checkpoint, example.long, at_words=True)
    encoding = prepared.encodings[0]
    check_shown(encoding)
    note_unseen(prepared, checkpoint, cut=bool(prepared.warnings))
    if example.target != "each":
        if window_of(prepared, target_words(example, encoding)) is None:
            raise ExampleError(
                f"target: no window holds all of {example.target!r}.",
                "Copy fewer words of the text, or use a model with a longer context.",
            )
        if (count := len(occurrences(example.target, example.text))) > 1:
            prepared.warnings.append(f"target: {example.target!r} occurs {count} times; the first is explained.")
    _foil(example, 1, checkpoint)
    return prepared


def select(example: TokenClassification, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The explained numbers (k, n) of the logits (n, t, c) of n rows, which may have padding at their end.

    A set has one number of each row that has another; where a row has none left it is a zero.
    """
    of_rows: list[list[Tensor]] = [[] for _ in prepared.rows]
    for entity, row in aimed(example, prepared, logits, checkpoint)[0]:
        own = at_words(prepared, logits, entity.words, row)
        of_rows[row].append(_score(example, entity, own, checkpoint))
    count = max(map(len, of_rows))
    if prepared.places:
        count = max(count, 1)  # windows in parts ask for a number, with a gradient
    nothing = logits[:, 0, 0].sum() * 0
    sets = [torch.stack([row[i] if i < len(row) else nothing for row in of_rows]) for i in range(count)]
    return torch.stack(sets) if sets else logits.new_zeros(0, 1)


def explain(
    example: TokenClassification,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> ExampleResult:
    """Logits (n, t, c) and embeddings (t, d) of n rows, and gradients (t, d) of each set of numbers, as a result."""
    encoding, names, rows = prepared.encodings[0], checkpoint.labels, len(prepared.rows)
    explained, warnings = aimed(example, prepared, logits, checkpoint)
    maps, seen = [], [0] * rows
    for entity, row in explained:
        target = _target(example, prepared, checkpoint, logits, entity, row)
        title = f"{target.of} as {target.label}" + (f" − {target.foil}" if target.foil else "")
        own = gradients[seen[row] * rows + row]
        seen[row] += 1
        gradient, x, tokens = long.together(prepared, [row], [own], [embeddings[row]])
        maps.append(make_map(title, 0, encoding, target, gradient, x, tokens))
    words = labelled_words(encoding)
    found = entities(words, predicted(prepared, words, logits), names)
    said = [f"{text_of(encoding, entity.words)} {entity.kind}" for entity in found]
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=Prediction(text=", ".join(said) or "no entity"),
        maps=maps,
        warnings=[*prepared.warnings, *warnings, *([] if maps else [NOTHING_FOUND])],
    )


def functions(
    example: TokenClassification, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result: of the logits at the first token of each word."""
    encoding = prepared.encodings[0]

    def of(target: Target) -> TargetFunction:
        reads = [word.tokens[0] for word in encoding.words if word.tokens[0] in target.at]
        foil = _foil(example, len(reads), checkpoint)

        def score(logits: Tensor) -> Tensor:
            return joint(example.quantity, logits, target.indices, foil)

        row = target.window or 0
        return TargetFunction(
            [prepared.rows[row]], [prepared.place(row)], score, reads, at_own=True, of=len(encoding.tokens)
        )

    return [of(map_.target) for map_ in result.maps]


def _foil(example: TokenClassification, count: int, checkpoint: Checkpoint) -> list[int] | None:
    """The foil's label for each of some words; None without a foil."""
    if example.foil is None:
        return None
    names = checkpoint.labels
    found = named_label(example.foil, count, names)
    if found is None:
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        raise ExampleError(f"foil: the model has no label {example.foil!r}.", f"Its labels are {shown}.")
    return found


def _score(example: TokenClassification, entity: Entity, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The explained number of an entity, given the logits (k, c) of its words.

    Raises:
        ExampleError: the foil is what the model predicts.
    """
    foil = _foil(example, len(entity.words), checkpoint)
    if foil == entity.labels:
        raise ExampleError(
            f"foil: {example.foil!r} is what the model predicts for {example.target!r}; their difference is always 0.",
            "Write another label, or leave `foil` out.",
        )
    return joint(example.quantity, logits, entity.labels, foil)


def _target(
    example: TokenClassification,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    entity: Entity,
    row: int,
) -> Target:
    encoding, names = prepared.encodings[0], checkpoint.labels
    words = [encoding.words[word] for word in entity.words]
    own = at_words(prepared, logits, entity.words, row)
    foil = _foil(example, len(words), checkpoint)
    probability = min(float(joint("probability", own, entity.labels)), 1.0)
    shown = text_of(encoding, entity.words)
    where = f" at “{shown}”"
    if any(len(word.tokens) > 1 for word in words):
        where += ", each read at its word's first token" if len(words) > 1 else ", read at its first token"
    if prepared.places:
        where += f", in window {row + 1} of {len(prepared.rows)}"
    held, other = (None if labels is None else [names[label] for label in labels] for labels in (entity.labels, foil))
    assert held is not None
    predicts = "the label that the model predicts" if len(words) == 1 else "the labels that the model predicts"
    predicts = "where the model predicts the first" if foil else f"{predicts} there"
    if own.argmax(dim=-1).tolist() != entity.labels:
        predicts = predicts.removesuffix(" there") + " from the window in which each word stands most centrally"
    product = f", the product over its {len(words)} words" if len(words) > 1 else ""
    likely = own[0].softmax(dim=-1)
    top = likely.argsort(descending=True, stable=True)[:ALTERNATIVES].tolist()
    return Target(
        quantity=named(example.quantity, foil is not None),
        label=entity.kind,
        index=entity.labels[0],
        at=[token for word in words for token in word.tokens],
        indices=entity.labels,
        of=shown,
        window=row if prepared.places else None,
        foil=example.foil,
        foil_index=None if foil is None else foil[0],
        score=numbers(_score(example, entity, own, checkpoint)[None])[0],
        probability=probability,
        chosen_by="predicted" if example.target == "each" else "given",
        sentence=f"{joint_in_words(example.quantity, held, other)}{where}, {predicts}, "
        f"p {stated(probability)}{product}",
        alternatives=[
            Outcome(label=names[k], index=k, logit=logit, probability=min(p, 1.0))
            for k, logit, p in zip(top, numbers(own[0][top]), numbers(likely[top]), strict=True)
        ],
    )
