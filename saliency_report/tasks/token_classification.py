"""Which words speak for each entity that a model finds, or for the labels of a text that is named."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, ExampleResult, Outcome, Prediction, Segment, Target
from saliency_report.spec import TokenClassification
from saliency_report.spec.texts import occurrences
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, stated
from saliency_report.tasks.encoding import check_shown, encode, unknown_warning
from saliency_report.tasks.entities import Entity, entities, kind, labelled_words, named_label
from saliency_report.tasks.target import TargetFunction, joint, joint_in_words, named

AUTO_CLASS = "AutoModelForTokenClassification"
CHOICES = False
ALTERNATIVES = 5
NOTHING_FOUND = (
    "The model finds no entity in this text, so there is none to explain. Name a text as `target` to explain the "
    "labels that it has there."
)


def prepare(example: TokenClassification, checkpoint: Checkpoint) -> Prepared:
    """The text's row.

    Raises:
        ExampleError: the target has no word, or the model has no label as the foil.
    """
    row, encoding = encode(checkpoint.tokenizer, [Segment(name="text", text=example.text)], [[0]], checkpoint.limit)
    check_shown(encoding)
    warnings = unknown_warning(checkpoint.tokenizer, encoding)
    if example.target != "each":
        _target_words(example, encoding)
        if (count := len(occurrences(example.target, example.text))) > 1:
            warnings.append(f"target: {example.target!r} occurs {count} times; the first is explained.")
    _foil(example, 1, checkpoint)
    return Prepared([row], [encoding], warnings)


def select(example: TokenClassification, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The explained numbers (k, 1) of the logits (1, t, c), which may have padding at their end."""
    aimed = _aimed(example, prepared, logits[0], checkpoint)
    found = [_score(example, prepared, logits[0], entity, checkpoint) for entity in aimed]
    return torch.stack(found)[:, None] if found else logits.new_zeros(0, 1)


def explain(
    example: TokenClassification,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> ExampleResult:
    """Logits (1, t, c), embeddings (t, d), and gradients (t, d) of each explained entity as a result."""
    encoding, names = prepared.encodings[0], _labels(checkpoint)
    aimed = _aimed(example, prepared, logits[0], checkpoint)
    maps = []
    for entity, gradient in zip(aimed, gradients, strict=True):
        target = _target(example, prepared, checkpoint, logits[0], entity)
        title = f"{target.of} as {target.label}" + (f" − {target.foil}" if target.foil else "")
        maps.append(make_map(title, 0, encoding, target, gradient, embeddings[0]))
    words = labelled_words(encoding)
    found = entities(words, _predicted(encoding, words, logits[0]), names)
    said = [f"{_text(encoding, entity.words)} {entity.kind}" for entity in found]
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=Prediction(text=", ".join(said) or "no entity"),
        maps=maps,
        warnings=prepared.warnings if maps else [*prepared.warnings, NOTHING_FOUND],
    )


def functions(
    example: TokenClassification, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of each map of a result: of the logits at the first token of each word."""
    row, encoding = prepared.rows[0], prepared.encodings[0]

    def of(target: Target) -> TargetFunction:
        reads = [word.tokens[0] for word in encoding.words if word.tokens[0] in target.at]
        foil = _foil(example, len(reads), checkpoint)

        def score(logits: Tensor) -> Tensor:
            return joint(example.quantity, logits, target.indices, foil)

        return TargetFunction([row], [range(len(row))], score, reads, at_own=True)

    return [of(map_.target) for map_ in result.maps]


def _labels(checkpoint: Checkpoint) -> list[str]:
    config = checkpoint.config
    return [str(config.id2label.get(i, f"LABEL_{i}")) for i in range(config.num_labels)]


def _predicted(encoding: Encoding, words: Sequence[int], logits: Tensor) -> list[int]:
    """The likeliest label of each word, which its first token has: models are trained on that one."""
    firsts = [encoding.words[word].tokens[0] for word in words]
    found: list[int] = logits.detach().cpu()[firsts].argmax(dim=-1).tolist()
    return found


def _aimed(example: TokenClassification, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> list[Entity]:
    """What is explained: the entities that the model finds, or the words of the target with their labels."""
    encoding, names = prepared.encodings[0], _labels(checkpoint)
    words = labelled_words(encoding)
    if example.target == "each":
        return entities(words, _predicted(encoding, words, logits), names)
    words = _target_words(example, encoding)
    labels = _predicted(encoding, words, logits)
    kinds = dict.fromkeys(kind(names[label]) for label in labels)
    return [Entity(words, labels, ", ".join(kinds))]


def _target_words(example: TokenClassification, encoding: Encoding) -> list[int]:
    start, end = next(iter(occurrences(example.target, example.text)), (-1, -1))
    found = [
        word
        for word in labelled_words(encoding)
        if (encoding.words[word].start or 0) < end and (encoding.words[word].end or 0) > start
    ]
    if not found:
        raise ExampleError(
            f"target: {example.target!r} has no word that the model reads in this text.",
            "Copy one or more words of the text, or write `each`.",
        )
    return found


def _foil(example: TokenClassification, count: int, checkpoint: Checkpoint) -> list[int] | None:
    """The foil's label for each of some words; None without a foil."""
    if example.foil is None:
        return None
    names = _labels(checkpoint)
    found = named_label(example.foil, count, names)
    if found is None:
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        raise ExampleError(f"foil: the model has no label {example.foil!r}.", f"Its labels are {shown}.")
    return found


def _score(
    example: TokenClassification, prepared: Prepared, logits: Tensor, entity: Entity, checkpoint: Checkpoint
) -> Tensor:
    """The explained number of an entity, given the logits (t, c).

    Raises:
        ExampleError: the foil is what the model predicts.
    """
    foil = _foil(example, len(entity.words), checkpoint)
    if foil == entity.labels:
        raise ExampleError(
            f"foil: {example.foil!r} is what the model predicts for {example.target!r}; their difference is always 0.",
            "Write another label, or leave `foil` out.",
        )
    firsts = [prepared.encodings[0].words[word].tokens[0] for word in entity.words]
    return joint(example.quantity, logits[firsts], entity.labels, foil)


def _text(encoding: Encoding, words: Sequence[int]) -> str:
    first, last = encoding.words[words[0]], encoding.words[words[-1]]
    return encoding.segments[0].text[first.start : last.end]


def _target(
    example: TokenClassification, prepared: Prepared, checkpoint: Checkpoint, logits: Tensor, entity: Entity
) -> Target:
    encoding, names = prepared.encodings[0], _labels(checkpoint)
    words = [encoding.words[word] for word in entity.words]
    firsts = [word.tokens[0] for word in words]
    foil = _foil(example, len(words), checkpoint)
    probability = min(float(joint("probability", logits[firsts], entity.labels)), 1.0)
    shown = _text(encoding, entity.words)
    where = f" at “{shown}”"
    if any(len(word.tokens) > 1 for word in words):
        where += ", each read at its word's first token" if len(words) > 1 else ", read at its first token"
    held, other = (None if labels is None else [names[label] for label in labels] for labels in (entity.labels, foil))
    assert held is not None
    predicts = "the label that the model predicts" if len(words) == 1 else "the labels that the model predicts"
    predicts = "where the model predicts the first" if foil else f"{predicts} there"
    product = f", the product over its {len(words)} words" if len(words) > 1 else ""
    likely = logits[firsts[0]].softmax(dim=-1)
    top = likely.argsort(descending=True, stable=True)[:ALTERNATIVES].tolist()
    return Target(
        quantity=named(example.quantity, foil is not None),
        label=entity.kind,
        index=entity.labels[0],
        at=[token for word in words for token in word.tokens],
        indices=entity.labels,
        of=shown,
        foil=example.foil,
        foil_index=None if foil is None else foil[0],
        score=numbers(_score(example, prepared, logits, entity, checkpoint)[None])[0],
        probability=probability,
        chosen_by="predicted" if example.target == "each" else "given",
        sentence=f"{joint_in_words(example.quantity, held, other)}{where}, {predicts}, "
        f"p {stated(probability)}{product}",
        alternatives=[
            Outcome(label=names[k], index=k, logit=logit, probability=min(p, 1.0))
            for k, logit, p in zip(top, numbers(logits[firsts[0]][top]), numbers(likely[top]), strict=True)
        ],
    )
