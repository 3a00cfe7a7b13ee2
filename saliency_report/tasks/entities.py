"""Labels of words to entities: which words belong together, and what each is called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from saliency_report.record import Encoding

_PREFIXED = re.compile(r"([BIESLU])[-_](.+)")  # of BIO, BIOES and BILOU
_BEGINS, _ENDS = "BSU", "ESLU"
OUTSIDE = "O"


@dataclass(frozen=True)
class Entity:
    """Neighbouring words of one kind: their indices, and the index of each one's label."""

    words: list[int]
    labels: list[int]
    kind: str


def labelled_words(encoding: Encoding) -> list[int]:
    """Indices of the words that have a label: those of the text that are not special."""
    return [i for i, word in enumerate(encoding.words) if word.segment is not None and not word.special]


def kind(label: str) -> str:
    """PER of B-PER; a label without a prefix is its own kind."""
    found = _PREFIXED.fullmatch(label)
    return found[2] if found else label


def entities(words: Sequence[int], labels: Sequence[int], names: Sequence[str]) -> list[Entity]:
    """The entities of words with these labels, whose names are those of the model.

    Where some label is O, neighbours of one kind are one entity, unless a prefix says that another begins. Where none
    is, as with parts of speech, every word is one for itself.
    """
    found: list[Entity] = []
    several, before, last = OUTSIDE in names, "", -2
    for word, label in zip(words, labels, strict=True):
        name = names[label]
        if name != OUTSIDE:
            prefix, ended = _prefix(name), _prefix(before)
            joins = several and last == word - 1 and kind(before) == kind(name)
            if joins and not (prefix and prefix in _BEGINS) and not (ended and ended in _ENDS):
                found[-1].words.append(word)
                found[-1].labels.append(label)
            else:
                found.append(Entity([word], [label], kind(name)))
        before, last = name, word
    return found


def _prefix(label: str) -> str:
    found = _PREFIXED.fullmatch(label)
    return found[1] if found else ""


def named_label(name: str, count: int, names: Sequence[str]) -> list[int] | None:
    """A label for each of some words by its name; of a kind, its B- for the first and its I- for the others."""
    if name in names:
        return [names.index(name)] * count
    held = {_prefix(label): index for index, label in enumerate(names) if _prefix(label) and kind(label) == name}
    if not held:
        return None
    any_ = next(iter(held.values()))
    inside = held.get("I", any_)
    return [held.get("B", inside), *[inside] * (count - 1)]
