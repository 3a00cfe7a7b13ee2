"""What a task is: text to rows and a target, numbers to a result. Tasks know no device and no disk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy
import torch
from torch import Tensor

from saliency_report.aggregation import GRADIENT_SCORES, Slopes, token_scores, word_scores
from saliency_report.errors import ExampleError
from saliency_report.pooling import Pooling
from saliency_report.record import Encoding, Link, Map, Outcome, Prediction, Target
from saliency_report.tasks.encoding import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NOT_FINITE = "A number is not finite: the model overflows on this text."
FLAT = (
    "All numbers are 0: here the explained number does not react to any token at all. A probability that is 1 to the "
    "last digit is such a number: explain the logit."
)
TRY_ANOTHER_DTYPE = "Try --dtype float32, or bfloat16 in the place of float16."


@dataclass(frozen=True)
class Checkpoint:
    """What a task may know of a model: its tokenizer, its labels, the tokens it takes."""

    tokenizer: PreTrainedTokenizerBase
    config: Any
    limit: int
    pooling: Pooling | None = None  # sentence-similarity
    generation: Any = None  # the settings of generation, such as what a decoder begins with
    causal: bool = False  # multiple-choice: whether it continues texts, and has no head that chooses

    @cached_property
    def labels(self) -> list[str]:
        """The names of a classifier's outputs; a configuration takes 20 µs to be asked for each."""
        known = self.config.id2label
        return [str(known.get(i, f"LABEL_{i}")) for i in range(self.config.num_labels)]


@dataclass
class Prepared:
    """One example on its way: the rows for the model, what they show, and what was noticed."""

    rows: list[Row]
    encodings: list[Encoding]
    warnings: list[str] = field(default_factory=list)
    known: int = 0  # generation: how many tokens are the prompt's
    spans: list[tuple[int, int]] = field(default_factory=list)  # generation: first and last of what each map explains
    foil: int | None = None  # generation: the token that the explained one is compared with
    read: int | None = None  # fill-mask: the position of the mask, the only one whose logits are looked at
    places: list[list[int]] = field(default_factory=list)  # of a text in windows: which tokens its rows hold
    owners: list[int] = field(default_factory=list)  # where words answer: the window of each token that is cut; −1 else

    @property
    def length(self) -> int:
        """Tokens of the longest row."""
        return max(len(row) for row in self.rows)

    def place(self, row: int) -> Sequence[int]:
        """The tokens of the text that stand in one of its rows."""
        return self.places[row] if self.places else range(len(self.rows[row]))


def numbers(values: Tensor) -> list[float]:
    """The values as the shortest decimals that name them exactly: 0.1, not 0.10000000149011612.

    Raises:
        ExampleError: a value is infinite or not a number.
    """
    plain = values.detach().cpu().numpy()
    if not numpy.isfinite(plain).all():
        raise ExampleError(NOT_FINITE, TRY_ANOTHER_DTYPE)
    return [float(str(value)) for value in plain]


def score_lists(
    attribution: Tensor | Slopes,
    embeddings: Tensor,
    words: Sequence[Sequence[int]],
    names: Sequence[str] = GRADIENT_SCORES,
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """The named scores of an attribution (t, d) at embeddings (t, d): of its t tokens, and of the words of these.

    A word of one token has that token's number; a word at the end has those of its tokens that are below t.

    Raises:
        ExampleError: a score is infinite or not a number.
    """
    scores = attribution.scores if isinstance(attribution, Slopes) else _taken(attribution, embeddings, names)
    of_tokens = _lists(scores)
    count = len(embeddings)
    seen = [[token for token in word if token < count] for word in words]
    several = [word for word in seen if len(word) > 1]
    # Most words are one token, whose numbers are there already: half of the time that a map takes is turning a number
    # into its shortest decimals.
    gathered = _lists(word_scores(scores, several)) if several else {}
    of_words: dict[str, list[float]] = {}
    for name, values in of_tokens.items():
        rest = iter(gathered.get(name, ()))
        of_words[name] = [values[word[0]] if len(word) == 1 else next(rest) for word in seen if word]
    return of_tokens, of_words


def _taken(attribution: Tensor, embeddings: Tensor, names: Sequence[str]) -> dict[str, Tensor]:
    """Token scores on the CPU, brought there at once."""
    found = token_scores(attribution, embeddings, names)
    return dict(zip(found, torch.stack([*found.values()]).cpu(), strict=True))


def _lists(scores: dict[str, Tensor]) -> dict[str, list[float]]:
    """Scores (n,) by name as numbers."""
    count = len(next(iter(scores.values())))
    flat = numbers(torch.cat([*scores.values()]))
    return {name: flat[i * count : (i + 1) * count] for i, name in enumerate(scores)}


def outcomes(labels: Sequence[str], logits: Tensor, link: Link = "softmax") -> list[Outcome]:
    """The answers (c,) that the model could give, with their probabilities where it has any."""
    of_link = {"softmax": logits.softmax(dim=-1), "sigmoid": logits.sigmoid()}.get(link)
    chances = [None] * len(labels) if of_link is None else [min(chance, 1.0) for chance in numbers(of_link)]
    return [
        Outcome(label=label, index=index, logit=logit, probability=chance)
        for index, (label, logit, chance) in enumerate(zip(labels, numbers(logits), chances, strict=True))
    ]


def make_map(
    title: str,
    index: int,
    encoding: Encoding,
    target: Target,
    gradients: Tensor | Slopes,
    embeddings: Tensor,
    held: Collection[int] | None = None,
) -> Map:
    """The map of one target: gradients (t, d) taken at embeddings (t, d), under every aggregation.

    Where F is of one window of a text only the tokens `held` there have scores.
    """
    scores, words = score_lists(gradients, embeddings, blocks(encoding, held))
    of_tokens, of_words = without(scores, words, encoding, () if held is None else _others(encoding, held))
    return Map(
        title=title,
        encoding=index,
        method="gradient",
        target=target,
        scores=of_tokens,
        word_scores=of_words,
        special_share=special_share(encoding, of_tokens["l2"]),
        warnings=[] if any(of_tokens["l2"]) else [FLAT],
    )


def blocks(encoding: Encoding, held: Collection[int] | None = None) -> list[list[int]]:
    """The tokens of each word; of a word that is `held` in part only these, since the others have no number."""
    if held is None or len(held) == len(encoding.tokens):
        return [word.tokens for word in encoding.words]
    there = set(held)
    return [[token for token in word.tokens if token in there] or word.tokens for word in encoding.words]


def without(
    scores: dict[str, list[float]], words: dict[str, list[float]], encoding: Encoding, gone: Collection[int]
) -> tuple[dict[str, list[float | None]], dict[str, list[float | None]]]:
    """Scores of tokens and of words, None for the tokens that are `gone` and for the words that are made of them."""
    if not gone:
        return {name: [*values] for name, values in scores.items()}, {name: [*values] for name, values in words.items()}
    count, tokens = len(next(iter(scores.values()))), set(gone)
    empty = {i for i, of in enumerate(encoding.words) if tokens.issuperset(t for t in of.tokens if t < count)}

    def other(held: dict[str, list[float]], none: set[int]) -> dict[str, list[float | None]]:
        return {name: [None if i in none else v for i, v in enumerate(values)] for name, values in held.items()}

    return other(scores, tokens), other(words, empty)


def _others(encoding: Encoding, held: Collection[int]) -> set[int]:
    return {*range(len(encoding.tokens))}.difference(held)


def special_share(encoding: Encoding, scores: Sequence[float | None]) -> float | None:
    """The part of the summed sizes of scores (t,) that lies on special tokens; None where none of these has a score."""
    special = [score for token, score in zip(encoding.tokens, scores, strict=False) if token.special]
    if special and all(score is None for score in special):
        return None
    total = sum(abs(score) for score in scores if score is not None)
    return min(sum(abs(score) for score in special if score is not None) / total, 1.0) if total > 0 else 0.0


def foil_in_words(asked: str | int | None, foil: int | None, prediction: Prediction) -> str | None:
    """A foil as a target's sentence names it, and which answer it is where the input leaves that to the model."""
    if foil is None:
        return None
    role = "the predicted " if foil in prediction.given else "the runner-up "
    return f"{role if asked == 'runner-up' else ''}{prediction.outcomes[foil].label}"


def valued(score: float) -> str:
    """A number as a target's sentence gives it: five digits, and the minus that the page writes."""
    return f"{score:.5g}".replace("-", "\N{MINUS SIGN}")


def stated(probability: float | None) -> str:
    """A probability as a target's sentence gives it: never 1.000 or 0.000, which it only rounds to."""
    assert probability is not None  # a number's sentence has none
    if probability >= 0.9995:
        return "> 0.999"
    if probability < 0.0005:
        return "< 0.001"
    return f"= {probability:.3f}"
