"""Which words of a text are explained together, entities or those that are named, and in which window."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding
from saliency_report.spec import TokenClassification
from saliency_report.spec.texts import occurrences
from saliency_report.tasks import long
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.entities import Entity, entities, kind, labelled_words

SHOWN = 60  # characters of an entity in a warning


def aimed(
    example: TokenClassification, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint
) -> tuple[list[tuple[Entity, int]], list[str]]:
    """What is explained: the entities that the model finds, or the words of the target with their labels.

    Each with its row, and what to say of those that no window holds whole.
    """
    encoding, names = prepared.encodings[0], checkpoint.labels
    if example.target == "each":
        words = labelled_words(encoding)
        found = entities(words, predicted(prepared, words, logits), names)
    else:
        words = target_words(example, encoding)
        labels = predicted(prepared, words, logits)
        kinds = dict.fromkeys(kind(names[label]) for label in labels)
        found = [Entity(words, labels, ", ".join(kinds))]
    explained: list[tuple[Entity, int]] = []
    warnings: list[str] = []
    for entity in found:
        row = window_of(prepared, entity.words)
        if row is not None:
            explained.append((entity, row))
            continue
        owners = [long.owner(prepared, encoding.words[word].tokens[0]) for word in entity.words]
        for own in dict.fromkeys(owners):
            held = [i for i, k in enumerate(owners) if k == own]
            part = Entity([entity.words[i] for i in held], [entity.labels[i] for i in held], entity.kind)
            explained.append((part, own))
        text = text_of(encoding, entity.words)
        text = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        warnings.append(
            f"“{text}” is longer than what two windows share: it is explained in {len(set(owners))} parts, each from "
            "the window in which it stands most centrally."
        )
    return explained, warnings


def target_words(example: TokenClassification, encoding: Encoding) -> list[int]:
    """The words that the target names, where it first occurs.

    Raises:
        ExampleError: the model reads none of them.
    """
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


def window_of(prepared: Prepared, words: Sequence[int]) -> int | None:
    """The row that some words are read in together; None where no window holds all of them."""
    firsts = [prepared.encodings[0].words[word].tokens[0] for word in (words[0], words[-1])]
    return long.holder(prepared, *firsts) if prepared.places else 0


def predicted(prepared: Prepared, words: Sequence[int], logits: Tensor) -> list[int]:
    """The likeliest label of each word."""
    found: list[int] = at_words(prepared, logits.detach().cpu(), words).argmax(dim=-1).tolist()
    return found


def at_words(prepared: Prepared, logits: Tensor, words: Sequence[int], row: int | None = None) -> Tensor:
    """The logits (k, c) of words at their first tokens, which models are trained on, out of those (n, t, c) of rows.

    Without a `row` each word's are from the window in which it stands most centrally.
    """
    encoding = prepared.encodings[0]
    firsts = [encoding.words[word].tokens[0] for word in words]
    if not prepared.places:
        return logits[0, firsts]
    rows = [long.owner(prepared, first) if row is None else row for first in firsts]
    return logits[rows, [prepared.places[k].index(first) for k, first in zip(rows, firsts, strict=True)]]


def text_of(encoding: Encoding, words: Sequence[int]) -> str:
    """The text from the first of some words to the last."""
    first, last = encoding.words[words[0]], encoding.words[words[-1]]
    return encoding.segments[0].text[first.start : last.end]
