"""The explained number F as a function of tokens: of their embeddings, and of the ids that stand in their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor
from torch.nn.functional import logsigmoid

from saliency_report.record import Link, Quantity
from saliency_report.tasks.encoding import Row

Asked = Literal["logit", "log_prob", "probability", "loss"]
# What is done to tokens: an id in the place of each, or None where it is cut out.
Edits = Mapping[int, int | None]


CONTEXT = -1


@dataclass(frozen=True)
class TargetFunction:
    """F of t tokens, which stand in one row given to the model or in several.

    `places[r][i]` is the token at position i of row r: a token that stands in several rows, as a context does that is
    given with each choice, moves in all of them. `CONTEXT` is none of them: what stands there stays as it is. `score`
    takes logits (b, k, c) to F (b,): k are the rows; of a causal model, k are the tokens `reads`, each with the logits
    at the position before it, in the row that `within` names (the first where it names none); with `at_own`, of a model
    that answers at every token, each with the logits at its own. The text may have more tokens than stand in a row,
    `of` in all: of those F knows nothing.
    """

    rows: Sequence[Row]
    places: Sequence[Sequence[int]]
    score: Callable[[Tensor], Tensor]
    reads: Sequence[int] = field(default=())
    at_own: bool = False
    within: Sequence[int] = field(default=())
    of: int = 0

    @property
    def read_rows(self) -> Sequence[int]:
        """The row in which each of `reads` is read."""
        return self.within or [0] * len(self.reads)

    @property
    def length(self) -> int:
        """How many tokens t there are."""
        return max(self.of, 1 + max(max(place) for place in self.places))

    @property
    def held(self) -> list[int]:
        """The tokens that stand in a row."""
        return sorted({token for place in self.places for token in place} - {CONTEXT})

    @property
    def size(self) -> tuple[int, int]:
        """Rows, and positions of the longest."""
        return len(self.rows), max(len(row) for row in self.rows)

    def edited(self, edits: Edits) -> tuple[list[Row], list[list[int]], list[int | None]]:
        """Rows and places after the edits, and for each of `reads` the position whose logits are read.

        None stands for a token that is cut out: where each is read at its own position there are no logits of it.
        """
        rows, places = [], []
        for row, place in zip(self.rows, self.places, strict=True):
            kept = [i for i, token in enumerate(place) if token == CONTEXT or edits.get(token, 0) is not None]
            ids = [row.ids[i] if place[i] == CONTEXT else edits.get(place[i], row.ids[i]) for i in kept]
            extra = {name: [values[i] for i in kept] for name, values in row.extra.items()}
            text = len(row) - row.prefix
            rows.append(Row([i for i in ids if i is not None], extra, sum(i >= text for i in kept)))
            places.append([place[i] for i in kept])
        positions: list[int | None]
        if self.at_own:
            standing = [{token: position for position, token in enumerate(place)} for place in places]
            positions = [standing[row].get(read) for row, read in zip(self.read_rows, self.reads, strict=True)]
        else:
            # A decoder's logits stand at the positions of the prefix.
            text = len(rows[0]) - rows[0].prefix if rows[0].prefix else 0
            positions = [
                sum(token < read for token in places[row]) - 1 - text
                for row, read in zip(self.read_rows, self.reads, strict=True)
            ]
        return rows, places, positions


def own_tokens(place: Sequence[int]) -> tuple[slice | list[int], list[int]]:
    """The positions of a row that hold tokens of F, and these tokens: all, where none only lends its surroundings."""
    if CONTEXT not in place:
        return slice(len(place)), list(place)
    kept = [i for i, token in enumerate(place) if token != CONTEXT]
    return kept, [place[i] for i in kept]


def of_row(row: Row, score: Callable[[Tensor], Tensor]) -> TargetFunction:
    """F of a text that is one row: `score` takes its logits (b, c)."""
    return TargetFunction([row], [range(len(row))], lambda logits: score(logits[:, 0]))


def quantity(asked: Asked, logits: Tensor, index: int, foil: int | None = None, link: Link = "softmax") -> Tensor:
    """One number of logits (…, c), with a foil the difference of two: (…).

    logit zᵢ; log_prob zᵢ − log Σⱼ exp zⱼ; probability its exponential; loss −log_prob, the cross-entropy. Where each
    logit has a sigmoid of its own, log_prob is −log(1 + exp −zᵢ).
    """
    if asked == "logit":
        scores = logits
    elif asked == "probability":
        scores = logits.sigmoid() if link == "sigmoid" else logits.softmax(dim=-1)
    else:
        scores = logsigmoid(logits) if link == "sigmoid" else logits.log_softmax(dim=-1)
        scores = -scores if asked == "loss" else scores
    return scores[..., index] if foil is None else scores[..., index] - scores[..., foil]


def joint(asked: Asked, logits: Tensor, indices: Sequence[int], foils: Sequence[int] | None = None) -> Tensor:
    """One number of k rows of logits (…, k, c), one index a row: (…); with foils the difference of two.

    The sum of the logits, or of their log_probs; probability is the product of the rows' probabilities.
    """
    values = logits if asked == "logit" else logits.log_softmax(dim=-1)

    def of(chosen: Sequence[int]) -> Tensor:
        total = values[..., range(len(chosen)), list(chosen)].sum(dim=-1)
        return total.exp() if asked == "probability" else total

    return of(indices) if foils is None else of(indices) - of(foils)


_DIFFERENCES: dict[Asked, Quantity] = {
    "logit": "logit difference",
    "log_prob": "log_prob difference",
    "probability": "probability difference",
}
_WORDS: dict[Asked, str] = {
    "logit": "logit",
    "log_prob": "log-probability",
    "probability": "probability",
    "loss": "loss (cross-entropy)",
}


def named(asked: Asked, contrast: bool) -> Quantity:
    """A quantity as the record names it."""
    return _DIFFERENCES[asked] if contrast else asked


def joint_in_words(asked: Asked, labels: Sequence[str], foils: Sequence[str] | None = None) -> str:
    """The explained number of several rows as a sentence begins: sum of the logits of B-PER, I-PER."""

    def of(names: Sequence[str]) -> str:
        if len(names) == 1:
            return f"{_WORDS[asked]} of {names[0]}"
        number = _WORDS[asked].removesuffix("y") + ("ies" if asked == "probability" else "s")
        number = "log-probabilities" if asked == "log_prob" else number
        return f"{'product' if asked == 'probability' else 'sum'} of the {number} of {', '.join(names)}"

    return of(labels) if foils is None else f"{of(labels)} minus {of(foils)}"


_OF_SIGMOIDS: dict[Asked, str] = {
    "logit": "logit",
    "log_prob": "log-probability (of its own sigmoid)",
    "probability": "probability (its own sigmoid)",
    "loss": "loss (binary cross-entropy)",
}


def in_words(asked: Asked, label: str, foil: str | None = None, link: Link = "softmax") -> str:
    """The explained number as a sentence begins: logit of the choice Paris; loss against NEGATIVE."""
    name = (_OF_SIGMOIDS if link == "sigmoid" else _WORDS)[asked]
    if asked == "loss":
        return f"{name} against {label}, which positive scores raise"
    return f"{name} of {label}" if foil is None else f"{name} of {label} minus {name} of {foil}"
