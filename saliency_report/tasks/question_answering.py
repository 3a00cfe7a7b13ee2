"""Which words speak for the answer to a question that a model marks in a context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, ExampleResult, Outcome, Prediction, Segment, Target
from saliency_report.spec import QuestionAnswering
from saliency_report.spec.texts import occurrences
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, stated
from saliency_report.tasks.encoding import check_shown, encode, unknown_warning
from saliency_report.tasks.target import Asked, TargetFunction, joint, named

AUTO_CLASS = "AutoModelForQuestionAnswering"
CHOICES = False
LONGEST = 30  # tokens of an answer, as in the usual evaluation
LISTED = 5
NO_ANSWER = "no answer"
CONTEXT = 1  # its segment
_WORDS: dict[Asked, str] = {
    "logit": "start logit plus end logit",
    "log_prob": "start log-probability plus end log-probability",
    "probability": "start probability times end probability",
}


class Span(NamedTuple):
    """The first and the last token of an answer; of none, the token that stands for it twice."""

    first: int
    last: int


def prepare(example: QuestionAnswering, checkpoint: Checkpoint) -> Prepared:
    """One row: the question and the context, as a pair.

    Raises:
        ExampleError: an answer that is named has no token in the context, or target and foil are the same tokens.
    """
    segments = [Segment(name="question", text=example.question), Segment(name="context", text=example.context)]
    row, encoding = encode(checkpoint.tokenizer, segments, [[0], [CONTEXT]], checkpoint.limit)
    check_shown(encoding)
    warnings = unknown_warning(checkpoint.tokenizer, encoding)
    for field in ("target", "foil"):
        value, span = getattr(example, field), _named(example, field, encoding)
        if span is None:
            continue
        shown, count = _text(encoding, span), len(occurrences(value, example.context))
        if shown != value:
            warnings.append(f"{field}: the tokens of {value!r} are those of {shown!r}, which is taken.")
        if count > 1:
            warnings.append(f"{field}: {value!r} occurs {count} times in the context; the first is explained.")
    target, foil = _named(example, "target", encoding), _named(example, "foil", encoding)
    if foil is not None and foil == target:
        raise ExampleError(
            f"foil: {example.foil!r} has the same tokens as the target; their difference is always 0.",
            "Write `foil: runner-up`, or another answer.",
        )
    return Prepared([row], [encoding], warnings)


def select(example: QuestionAnswering, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The explained number (1, 1) of the start and end logits (1, t, 2), which may have padding at their end."""
    own = logits[0, : len(prepared.rows[0])]
    return _score(example, own, *_aimed(example, prepared, own, checkpoint))[None, None]


def explain(
    example: QuestionAnswering,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> ExampleResult:
    """Start and end logits (1, t, 2), embeddings and gradients (t, d) of the one row as a result with one map."""
    encoding, own = prepared.encodings[0], logits[0, : len(prepared.rows[0])]
    span, foil = _aimed(example, prepared, own, checkpoint)
    likeliest = _likeliest(example, prepared, own, checkpoint)
    spans = [*dict.fromkeys([*likeliest, span, *([] if foil is None else [foil])])]
    answers = [_outcome(encoding, own, one) for one in spans]
    label, other = _text(encoding, span), None if foil is None else _text(encoding, foil)
    probability = answers[spans.index(span)].probability
    asked = example.target != "predicted"
    why = "the likeliest answer"
    if span != likeliest[0]:
        why = f"asked for where {_quoted(encoding, likeliest[0])} is the likeliest answer"
    minus = ""
    if foil is not None:
        role = "the likeliest other answer "
        minus = f" minus that of {role if example.foil == 'runner-up' else ''}{_quoted(encoding, foil)}"
    whose = "" if foil is None and span == likeliest[0] else f" of {_quoted(encoding, span)}"
    target = Target(
        quantity=named(example.quantity, foil is not None),
        label=label,
        index=span.first,
        at=[*range(span.first, span.last + 1)],
        indices=[*span],
        foil=other,
        foil_index=None if foil is None else foil.first,
        foil_at=[] if foil is None else [*range(foil.first, foil.last + 1)],
        score=numbers(_score(example, own, span, foil)[None])[0],
        probability=probability,
        chosen_by="given" if asked else "predicted",
        sentence=f"{_WORDS[example.quantity]} of {_quoted(encoding, span)}{minus}, {why}, "
        f"p{whose} {stated(probability)}, that of the start times that of the end",
    )
    title = label if other is None else f"{label} − {other}"
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=Prediction(outcomes=answers, predicted=0),
        maps=[make_map(title, 0, encoding, target, gradients[0], embeddings[0])],
        warnings=prepared.warnings,
    )


def functions(
    example: QuestionAnswering, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of the map of a result: of the start and end logits of all tokens, since a probability depends on them."""
    row, target = prepared.rows[0], result.maps[0].target
    span, foil = Span(*target.indices), Span(target.foil_at[0], target.foil_at[-1]) if target.foil_at else None

    def score(logits: Tensor) -> Tensor:
        return _score(example, logits, span, foil)

    return [TargetFunction([row], [range(len(row))], score, range(len(row)), at_own=True)]


def _score(example: QuestionAnswering, logits: Tensor, span: Span, foil: Span | None) -> Tensor:
    """The explained number (…) of start and end logits (…, t, 2)."""
    return joint(example.quantity, logits.transpose(-1, -2), span, foil)


def _aimed(
    example: QuestionAnswering, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint
) -> tuple[Span, Span | None]:
    """Target and foil, given the logits (t, 2).

    Raises:
        ExampleError: the foil is the likeliest answer itself, or there is no other one.
    """
    encoding = prepared.encodings[0]
    span = _named(example, "target", encoding) or _likeliest(example, prepared, logits, checkpoint)[0]
    if example.foil is None:
        return span, None
    foil = _named(example, "foil", encoding)
    if example.foil == "runner-up":
        foil = next(iter(_likeliest(example, prepared, logits, checkpoint, beside=span)), None)
    if foil is None:
        raise ExampleError("foil: the context has no other answer.", "Leave `foil` out, or write another answer.")
    if foil == span:
        raise ExampleError(
            f"foil: {example.foil!r} is the likeliest answer itself; their difference is always 0.",
            "Write `foil: runner-up`, or another answer.",
        )
    return span, foil


def _named(example: QuestionAnswering, field: str, encoding: Encoding) -> Span | None:
    """The tokens of the answer that `target` or `foil` names; none for `predicted` and `runner-up`."""
    value = getattr(example, field)
    if value is None or (field, value) in (("target", "predicted"), ("foil", "runner-up")):
        return None
    start, end = next(iter(occurrences(value, example.context)), (-1, -1))
    found = [
        i
        for i, token in enumerate(encoding.tokens)
        if token.segment == CONTEXT and (token.start or 0) < end and (token.end or 0) > start
    ]
    if not found:
        raise ExampleError(
            f"{field}: {value!r} has no token that the model reads in the context.",
            "Copy words of the context.",
        )
    return Span(found[0], found[-1])


def _likeliest(
    example: QuestionAnswering,
    prepared: Prepared,
    logits: Tensor,
    checkpoint: Checkpoint,
    *,
    beside: Span | None = None,
) -> list[Span]:
    """The likeliest answers, given the logits (t, 2), the first first: spans of the context, and none where allowed.

    With `beside` those that share no token with that one.
    """
    encoding, (starts, ends) = prepared.encodings[0], logits.detach().cpu().unbind(dim=-1)
    context = [i for i, token in enumerate(encoding.tokens) if token.segment == CONTEXT and not token.special]
    places = torch.tensor(context, dtype=torch.long)
    allowed = torch.ones(len(context), len(context), dtype=torch.bool).triu().tril(LONGEST - 1)
    if beside is not None:
        allowed &= (places[None] < beside.first) | (places[:, None] > beside.last)
    sums = (starts[places, None] + ends[None, places]).where(allowed, -torch.inf)
    order = sums.flatten().argsort(descending=True, stable=True)[: min(LISTED, int(allowed.sum()))].tolist()
    found = [Span(context[place // len(context)], context[place % len(context)]) for place in order]
    absent = checkpoint.tokenizer.cls_token_id
    if example.no_answer and absent in prepared.rows[0].ids:
        # What models are trained to mark where the context has no answer.
        found.append(Span(*[prepared.rows[0].ids.index(absent)] * 2))
    found = [span for span in found if span != beside]
    return sorted(found, key=lambda span: -float(starts[span.first] + ends[span.last]))


def _outcome(encoding: Encoding, logits: Tensor, span: Span) -> Outcome:
    one, both = (float(joint(asked, logits.T, span)) for asked in ("logit", "probability"))
    return Outcome(label=_text(encoding, span), index=span.first, logit=one, probability=min(both, 1.0))


def _text(encoding: Encoding, span: Span) -> str:
    first, last = encoding.tokens[span.first], encoding.tokens[span.last]
    return encoding.segments[CONTEXT].text[first.start : last.end] if first.segment == CONTEXT else NO_ANSWER


def _quoted(encoding: Encoding, span: Span) -> str:
    text = _text(encoding, span)
    no_text = encoding.tokens[span.first].segment != CONTEXT
    return f"no answer, which is marked at {encoding.tokens[span.first].text}" if no_text else f"“{text}”"
