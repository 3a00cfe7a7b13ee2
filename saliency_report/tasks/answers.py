"""The answers that a model marks in a context by start and end, and how likely it holds each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from saliency_report.record import Encoding, Outcome
from saliency_report.tasks import long
from saliency_report.tasks.base import Checkpoint, Prepared
from saliency_report.tasks.target import Asked, joint

LONGEST = 30  # tokens of an answer, as in the usual evaluation
LISTED = 5
NO_ANSWER = "no answer"
CONTEXT = 1  # its segment


class Answer(NamedTuple):
    """The first and the last token of an answer, and the row that it is read in.

    Of no answer the token that stands for it twice.
    """

    first: int
    last: int
    row: int = 0


@dataclass(frozen=True)
class Marks:
    """Start and end logits (…, t_r, 2) of rows, by the row; `absent` is the token that stands for no answer, if any."""

    prepared: Prepared
    logits: Mapping[int, Tensor]
    absent: int | None = None

    def number(self, asked: Asked, answer: Answer, foil: Answer | None = None) -> Tensor:
        """One number (…) of an answer, minus that of a foil where there is one."""
        place = self.prepared.place(answer.row)
        at = [place.index(answer.first), place.index(answer.last)]
        own = joint(asked, self.logits[answer.row].transpose(-1, -2), at)
        return own if foil is None else own - self.number(asked, foil)

    def likeliest(self, beside: Answer | None = None) -> list[Answer]:
        """The likeliest answers of each row, the first first: spans, and none where that is allowed.

        Answers of different windows are compared by their logits. That there is none is said by the window that says so
        least: a window without the answer rightly says that it has none. So does the evaluation of SQuAD 2.0 in BERT's
        repository (run_squad.py). With `beside` those that share no token with that answer.

        Differs from transformers' pipeline in the numbers compared: there they are each window's own probabilities.
        """
        spans = self._spans if beside is None else {row: self._spans_of(row, beside) for row in self.logits}
        found = [one for of_row in spans.values() for one in of_row]
        nowhere = [one for row in self.logits for one in self._nowhere(row)]
        found += [min(nowhere, key=self._logit)] if nowhere else []
        return self._ranked(one for one in found if one != beside)

    def outcome(self, answer: Answer) -> Outcome:
        """An answer with its logit and its probability, that of its start times that of its end."""
        one, both = (float(self.number(asked, answer)) for asked in ("logit", "probability"))
        label = text_of(self.prepared.encodings[0], answer)
        return Outcome(label=label, index=answer.first, logit=one, probability=min(both, 1.0))

    def told(self) -> Encoding:
        """The encoding with the likeliest answer of each window."""
        encoding, windows = self.prepared.encodings[0], []
        for row, window in enumerate(encoding.windows):
            best = next(iter(self._ranked([*self._spans[row], *self._nowhere(row)])), None)
            windows.append(window.model_copy(update={"answer": None if best is None else self.outcome(best)}))
        return encoding.model_copy(update={"windows": windows})

    def _logit(self, answer: Answer) -> float:
        return float(self.number("logit", answer).detach())

    def _ranked(self, answers: Iterable[Answer]) -> list[Answer]:
        return sorted(answers, key=lambda one: -self._logit(one))

    def _nowhere(self, row: int) -> list[Answer]:
        """That a row has no answer, where that may be said."""
        return [] if self.absent is None else [Answer(self.absent, self.absent, row)]

    @cached_property
    def _spans(self) -> dict[int, list[Answer]]:
        """The likeliest spans of each row: target, outcomes and windows are all of these."""
        return {row: self._spans_of(row) for row in self.logits}

    def _spans_of(self, row: int, beside: Answer | None = None) -> list[Answer]:
        """The likeliest spans of the context that no other row holds more centrally."""
        tokens, place = self.prepared.encodings[0].tokens, self.prepared.place(row)
        at = [i for i, token in enumerate(place) if tokens[token].segment == CONTEXT and not tokens[token].special]
        held = torch.tensor([place[i] for i in at], dtype=torch.long)
        starts, ends = self.logits[row].detach().cpu()[at].unbind(dim=-1)
        allowed = torch.ones(len(at), len(at), dtype=torch.bool).triu().tril(LONGEST - 1)
        if beside is not None:
            allowed &= (held[None] < beside.first) | (held[:, None] > beside.last)
        sums = (starts[:, None] + ends[None]).where(allowed, -torch.inf)
        order = sums.flatten().argsort(descending=True, stable=True)[: int(allowed.sum())].tolist()
        spans = (Answer(int(held[one // len(at)]), int(held[one % len(at)]), row) for one in order)
        return [*islice((one for one in spans if long.holder(self.prepared, one.first, one.last) == row), LISTED)]


def token_of_none(prepared: Prepared, checkpoint: Checkpoint) -> int | None:
    """The token that models are trained to mark where the context has no answer; None where a row has none."""
    wanted, places = checkpoint.tokenizer.cls_token_id, [prepared.place(row) for row in range(len(prepared.rows))]
    marks = (i for i, token in enumerate(prepared.encodings[0].tokens) if token.id == wanted)
    return next((i for i in marks if all(i in place for place in places)), None)


def is_none(encoding: Encoding, answer: Answer) -> bool:
    """Whether it says that there is no answer: a context may have these words too."""
    return encoding.tokens[answer.first].segment != CONTEXT


def text_of(encoding: Encoding, answer: Answer) -> str:
    """The words of an answer, or that there is none."""
    first, last = encoding.tokens[answer.first], encoding.tokens[answer.last]
    return NO_ANSWER if is_none(encoding, answer) else encoding.segments[CONTEXT].text[first.start : last.end]


def rows_of(answer: Answer, foil: Answer | None) -> list[int]:
    """The rows whose logits a number of these is of."""
    return [*dict.fromkeys([answer.row, *([] if foil is None else [foil.row])])]
