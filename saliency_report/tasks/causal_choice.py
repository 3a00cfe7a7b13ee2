"""How a causal model chooses: by how likely it holds the tokens of each choice, or the letter that stands for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from string import ascii_uppercase

import torch
from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import Quantity, Segment
from saliency_report.spec import MultipleChoice
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.prompt import begun, followed

_QUANTITIES: dict[str, Quantity] = {
    "tokens": "mean log_prob",
    "characters": "log_prob a character",
    "none": "log_prob",
}
_DIFFERENCES: dict[Quantity, Quantity] = {
    "logit": "logit difference",
    "log_prob": "log_prob difference",
    "mean log_prob": "mean log_prob difference",
    "log_prob a character": "log_prob a character difference",
}
_OVER = {
    "tokens": "mean log-probabilities a token",
    "characters": "log-probabilities a character",
    "none": "log-probabilities, of which a longer choice tends to have a lower one",
}


def prepare(example: MultipleChoice, checkpoint: Checkpoint) -> Prepared:
    """A row a choice, however long: what is asked, and the choice or its letter, the tokens of which are its span.

    Raises:
        ExampleError: a text has no tokens, or a letter is not one token.
    """
    checkpoint = replace(checkpoint, limit=sys.maxsize)
    asked, found = begun(_asked(example), checkpoint), Prepared([], [])
    for i, choice in enumerate(example.choices):
        row, apart = followed(asked, Segment(name="answer", text=_answer(example, i)), checkpoint)
        known, end = row.known, len(row.rows[0])
        if example.by == "letter" and end - known != 1:
            raise ExampleError(
                f"by: the tokenizer cuts the letter {ascii_uppercase[i]} into {end - known} tokens: it has no logit.",
                "Write `by: likelihood`.",
            )
        if apart and example.by != "letter":
            found.warnings.append(
                f"The choice {choice!r} was cut into tokens on its own: together with the question it would share one."
            )
        found.rows += row.rows
        found.encodings += row.encodings
        found.spans.append((known, end - 1))
    return found


def _asked(example: MultipleChoice) -> list[Segment]:
    """The text before the answer; what stands between the user's own texts is the template's."""
    known = [] if example.context is None else [("context", example.context), ("template", "\n")]
    known.append(("question", example.question))
    if example.by == "letter":
        for letter, choice in zip(ascii_uppercase, example.choices, strict=False):
            known += [("template", f"\n{letter}. "), ("choice", choice)]
        known.append(("template", "\nAnswer:"))
    return [Segment(name=name, text=text) for name, text in known]


def _answer(example: MultipleChoice, i: int) -> str:
    if example.by == "letter":
        return f" {ascii_uppercase[i]}"
    return example.choices[i] if example.question[-1].isspace() else f" {example.choices[i]}"


def read(
    example: MultipleChoice, prepared: Prepared, members: Sequence[int], places: Sequence[Sequence[int]]
) -> tuple[list[int], list[int], Callable[[Tensor], Tensor]]:
    """How the scores of some choices come from logits, the tokens of their rows being those that `places` names.

    Gives the tokens that are read, the row of each, and their logits (b, k, v) to the scores (b, c).
    """
    reads: list[int] = []
    within: list[int] = []
    for row, (member, place) in enumerate(zip(members, places, strict=True)):
        first, last = prepared.spans[member]
        reads += place[first : last + 1]
        within += [row] * (last - first + 1)

    def scores(logits: Tensor) -> Tensor:
        found, start = [], 0
        for member in members:
            ids = _ids(prepared, member)
            found.append(_score(example, member, logits[:, start : start + len(ids)], ids))
            start += len(ids)
        return torch.stack(found, dim=-1)

    return reads, within, scores


def _ids(prepared: Prepared, i: int) -> list[int]:
    """The tokens of a choice, or of its letter."""
    first, last = prepared.spans[i]
    return prepared.rows[i].ids[first : last + 1]


def _score(example: MultipleChoice, i: int, logits: Tensor, ids: Sequence[int]) -> Tensor:
    """The score (b,) of a choice whose n tokens the logits (b, n, v) predict."""
    if example.by == "letter":
        return logits[:, 0, ids[0]]
    total = logits.log_softmax(dim=-1)[:, range(len(ids)), list(ids)].sum(dim=-1)
    return total / {"tokens": len(ids), "characters": len(example.choices[i]), "none": 1}[example.normalise]


def quantity_of(example: MultipleChoice) -> Quantity:
    """What the score of a choice is."""
    return "logit" if example.by == "letter" else _QUANTITIES[example.normalise]


def in_words(example: MultipleChoice, prepared: Prepared, i: int, named: str) -> str:
    """The score of a choice, which is called so, as a sentence begins."""
    n = len(_ids(prepared, i))
    if example.by == "letter":
        return f"logit of the letter {ascii_uppercase[i]} of {named}"
    tokens = f"the {n} tokens" if n > 1 else "the one token"
    if example.normalise == "tokens":
        return f"{'mean ' if n > 1 else ''}log-probability of {tokens} of {named}"
    if example.normalise == "characters":
        return f"log-probability of {named}, divided by its {len(example.choices[i])} characters"
    return f"log-probability of {named}, summed over {tokens}"


def compared(
    example: MultipleChoice,
    prepared: Prepared,
    index: int,
    foil: int | None,
    shown: str | None,
    called: Quantity,
    words: str,
) -> tuple[Quantity, str]:
    """The name of a number that depends on several choices, and how a sentence about it begins.

    `called` and `words` are those of the logits of a head.
    """
    if example.quantity != "logit" or foil is None or shown is None:
        return called, f"{words}, among the choices"
    own, other = (
        in_words(example, prepared, i, named)
        for i, named in ((index, f"the choice {example.choices[index]}"), (foil, shown))
    )
    return _DIFFERENCES[quantity_of(example)], f"{own} minus {other}"


def probabilities(example: MultipleChoice) -> str:
    """What the probabilities of the choices are."""
    over = "logits of their letters" if example.by == "letter" else _OVER[example.normalise]
    return (
        f"A softmax over the choices’ {over}. It compares the choices with each other and does not say how likely the "
        "model is to write one of them."
    )
