"""Which words speak for the answer to a question that a model marks in a context."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.errors import ExampleError
from saliency_report.record import Encoding, ExampleResult, Outcome, Prediction, Segment, Target
from saliency_report.spec import QuestionAnswering
from saliency_report.spec.texts import occurrences
from saliency_report.tasks import long
from saliency_report.tasks.answers import CONTEXT, LISTED, Answer, Marks, is_none, rows_of, text_of, token_of_none
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, stated
from saliency_report.tasks.cutting import note_unseen
from saliency_report.tasks.encoding import check_shown
from saliency_report.tasks.target import Asked, TargetFunction, named

AUTO_CLASS = "AutoModelForQuestionAnswering"
CHOICES = False
_IN_WINDOWS = (
    "Each probability is that of the start times that of the end within the answer’s own window. Answers of different "
    "windows are compared by their logits; “no answer” has those of the window that says so least."
)
_WORDS: dict[Asked, str] = {
    "logit": "start logit plus end logit",
    "log_prob": "start log-probability plus end log-probability",
    "probability": "start probability times end probability",
}


def prepare(example: QuestionAnswering, checkpoint: Checkpoint) -> Prepared:
    """The question and the context as a pair: one row, or a row for each window of the context.

    Raises:
        ExampleError: an answer that is named has no token in the context, or not in one window; or target and foil are
            the same tokens.
    """
    question, context = Segment(name="question", text=example.question), Segment(name="context", text=example.context)
    prepared = long.read(context, checkpoint, example.long, before=question, at_words=True, noun="context")
    encoding = prepared.encodings[0]
    check_shown(encoding)
    note_unseen(prepared, checkpoint, cut=bool(prepared.warnings))
    named_answers = {field: _named(example, field, prepared) for field in ("target", "foil")}
    for field, answer in named_answers.items():
        if answer is None:
            continue
        value = getattr(example, field)
        shown, count = text_of(encoding, answer), len(occurrences(value, example.context))
        if shown != value:
            prepared.warnings.append(f"{field}: the tokens of {value!r} are those of {shown!r}, which is taken.")
        if count > 1:
            prepared.warnings.append(f"{field}: {value!r} occurs {count} times in the context; the first is explained.")
    if named_answers["foil"] is not None and named_answers["foil"] == named_answers["target"]:
        raise ExampleError(
            f"foil: {example.foil!r} has the same tokens as the target; their difference is always 0.",
            "Write `foil: runner-up`, or another answer.",
        )
    return prepared


def select(example: QuestionAnswering, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Tensor:
    """The explained number (1, 1) of the start and end logits (n, t, 2), which may have padding at their end."""
    marks = _marks(example, prepared, logits, checkpoint)
    answer, foil = _aimed(example, marks)
    return marks.number(example.quantity, answer, foil)[None, None]


def explain(
    example: QuestionAnswering,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Sequence[Tensor],
    gradients: Sequence[Slopes],
) -> ExampleResult:
    """Start and end logits (n, t, 2), embeddings and gradients (t, d) of n rows as a result with one map."""
    encoding, marks = prepared.encodings[0], _marks(example, prepared, logits, checkpoint)
    answer, foil = _aimed(example, marks)
    likeliest = marks.likeliest()
    none = [one for one in likeliest if is_none(encoding, one)]
    answers = [*dict.fromkeys([*likeliest[: LISTED + 1], *none, answer, *([] if foil is None else [foil])])]
    outcomes = [marks.outcome(one) for one in answers]
    own = outcomes[answers.index(answer)]
    held = rows_of(answer, foil)
    target = Target(
        quantity=named(example.quantity, foil is not None),
        label=text_of(encoding, answer),
        index=answer.first,
        at=[*range(answer.first, answer.last + 1)],
        indices=[answer.first, answer.last],
        window=answer.row if prepared.places else None,
        foil=None if foil is None else text_of(encoding, foil),
        foil_index=None if foil is None else foil.first,
        foil_at=[] if foil is None else [*range(foil.first, foil.last + 1)],
        foil_window=foil.row if foil is not None and prepared.places else None,
        score=numbers(marks.number(example.quantity, answer, foil)[None])[0],
        probability=own.probability,
        chosen_by="predicted" if example.target == "predicted" else "given",
        sentence=_sentence(example, prepared, likeliest[0] if likeliest else answer, answer, foil, own),
    )
    title = target.label if target.foil is None else f"{target.label} − {target.foil}"
    gradient, x, tokens = long.together(
        prepared, held, [gradients[row] for row in held], [embeddings[row] for row in held]
    )
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[marks.told()],
        prediction=Prediction(outcomes=outcomes, predicted=0, probabilities=_IN_WINDOWS if prepared.places else None),
        maps=[make_map(title, 0, encoding, target, gradient, x, tokens)],
        warnings=prepared.warnings,
    )


def functions(
    example: QuestionAnswering, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult
) -> list[TargetFunction]:
    """F of the map of a result: of the start and end logits of all tokens, since a probability depends on them."""
    target = result.maps[0].target
    answer, foil = Answer(target.indices[0], target.indices[1], target.window or 0), None
    if target.foil_at:
        foil = Answer(target.foil_at[0], target.foil_at[-1], target.foil_window or 0)
    held = rows_of(answer, foil)
    places = [prepared.place(row) for row in held]

    def score(logits: Tensor) -> Tensor:
        of_rows = dict(zip(held, logits.split([len(place) for place in places], dim=-2), strict=True))
        return Marks(prepared, of_rows).number(example.quantity, answer, foil)

    reads = [token for place in places for token in place]
    within = [number for number, place in enumerate(places) for _ in place]
    rows, of = [prepared.rows[row] for row in held], len(prepared.encodings[0].tokens)
    return [TargetFunction(rows, places, score, reads, at_own=True, within=within, of=of)]


def _marks(example: QuestionAnswering, prepared: Prepared, logits: Tensor, checkpoint: Checkpoint) -> Marks:
    """What the model marks, by start and end logits (n, t, 2), which may have padding at their end."""
    own = {number: logits[number, : len(row)] for number, row in enumerate(prepared.rows)}
    return Marks(prepared, own, token_of_none(prepared, checkpoint) if example.no_answer else None)


def _aimed(example: QuestionAnswering, marks: Marks) -> tuple[Answer, Answer | None]:
    """Target and foil.

    Raises:
        ExampleError: there is no answer to explain; or the foil is the likeliest one itself, or there is no other one.
    """
    prepared = marks.prepared
    answer = _named(example, "target", prepared) or next(iter(marks.likeliest()), None)
    if answer is None:
        raise ExampleError(
            "The context has no token that an answer could be made of.", "Write a context with words of its own."
        )
    if example.foil is None:
        return answer, None
    foil = _named(example, "foil", prepared)
    if example.foil == "runner-up":
        foil = next(iter(marks.likeliest(beside=answer)), None)
    if foil is None:
        raise ExampleError("foil: the context has no other answer.", "Leave `foil` out, or write another answer.")
    if foil == answer:
        raise ExampleError(
            f"foil: {example.foil!r} is the likeliest answer itself; their difference is always 0.",
            "Write `foil: runner-up`, or another answer.",
        )
    return answer, foil


def _named(example: QuestionAnswering, field: str, prepared: Prepared) -> Answer | None:
    """The tokens of the answer that `target` or `foil` names; none for `predicted` and `runner-up`."""
    value = getattr(example, field)
    if value is None or (field, value) in (("target", "predicted"), ("foil", "runner-up")):
        return None
    start, end = next(iter(occurrences(value, example.context)), (-1, -1))
    found = [
        i
        for i, token in enumerate(prepared.encodings[0].tokens)
        if token.segment == CONTEXT and (token.start or 0) < end and (token.end or 0) > start
    ]
    if not found:
        raise ExampleError(
            f"{field}: {value!r} has no token that the model reads in the context.",
            "Copy words of the context.",
        )
    row = long.holder(prepared, found[0], found[-1])
    if row is None:
        raise ExampleError(
            f"{field}: no window holds all of {value!r}.",
            "Copy fewer words of the context, or use a model with a longer context.",
        )
    return Answer(found[0], found[-1], row)


def _sentence(
    example: QuestionAnswering,
    prepared: Prepared,
    likeliest: Answer,
    answer: Answer,
    foil: Answer | None,
    outcome: Outcome,
) -> str:
    """The target in words: start logit plus end logit of “Paris”, the likeliest answer, p = 0.731."""
    quoted = _quoted(prepared.encodings[0], answer)
    # After a foil it has to be said which of the two is meant.
    why = ", the likeliest answer" if foil is None else f"; {quoted} is the likeliest answer"
    if answer != likeliest:
        why = f", asked for where {_quoted(prepared.encodings[0], likeliest)} is the likeliest answer"
    minus = ""
    if foil is not None:
        role = "the likeliest other answer " if example.foil == "runner-up" else ""
        minus = f" minus that of {role}{_quoted(prepared.encodings[0], foil)}{_where(prepared, foil)}"
    whose = "" if answer == likeliest else f" of {quoted}"
    return (
        f"{_WORDS[example.quantity]} of {quoted}{_where(prepared, answer)}{minus}{why}, p{whose} "
        f"{stated(outcome.probability)}, that of the start times that of the end"
    )


def _where(prepared: Prepared, answer: Answer) -> str:
    """The window of an answer as a sentence about it goes on."""
    if not prepared.places:
        return ""
    least = ", the one that says so least" if is_none(prepared.encodings[0], answer) else ""
    return f" in window {answer.row + 1} of {len(prepared.rows)}{least}"


def _quoted(encoding: Encoding, answer: Answer) -> str:
    if is_none(encoding, answer):
        return f"no answer, which is marked at {encoding.tokens[answer.first].text}"
    return f"“{text_of(encoding, answer)}”"
