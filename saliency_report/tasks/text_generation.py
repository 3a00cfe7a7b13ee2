"""Which earlier tokens each generated token depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

import torch
from torch import Tensor

from saliency_report.aggregation import Slopes
from saliency_report.errors import ExampleError
from saliency_report.record import ExampleResult, Map, Outcome, Prediction, Segment, Target, Token
from saliency_report.spec import Text2TextGeneration, TextGeneration
from saliency_report.spec.texts import occurrences
from saliency_report.tasks.base import Checkpoint, Prepared, make_map, numbers, stated
from saliency_report.tasks.encoding import Row, build, check_length, is_special
from saliency_report.tasks.generated import generated_spans, piece, token_label
from saliency_report.tasks.prompt import prepare_prompt, with_continuation
from saliency_report.tasks.target import TargetFunction, in_words, named, quantity

Generation = TextGeneration | Text2TextGeneration

AUTO_CLASS = "AutoModelForCausalLM"
CHOICES = False
ALTERNATIVES = 5
TIE = 0.05  # relative; bfloat16 rounds logits to 0.4 %, and a batch of tokens rounds elsewhere than one by one


def prepare(example: TextGeneration, checkpoint: Checkpoint) -> Prepared:
    """The prompt's row; with a continuation to explain, the row of both."""
    prepared = prepare_prompt(example, checkpoint)
    if example.continuation is not None:
        return with_continuation(example, example.continuation, checkpoint, prepared)
    check_length(prepared.known + example.max_new_tokens, checkpoint.limit)
    return prepared


def extend(prepared: Prepared, new: Sequence[int], checkpoint: Checkpoint) -> Prepared:
    """The prompt's row with the generated ids, and their text and offsets.

    Raises:
        ExampleError: nothing was generated.
    """
    tokenizer, row, encoding = checkpoint.tokenizer, prepared.rows[0], prepared.encodings[0]
    if not new:
        raise ExampleError(
            "The model ends the text right after the prompt.",
            "Give a continuation to explain, or end the prompt in the middle of a sentence.",
        )
    text, spans = generated_spans(tokenizer, row.ids, new)
    tokens = [
        Token(
            text=piece(tokenizer, token),
            id=token,
            segment=None if span is None else len(encoding.segments),
            start=span and span[0],
            end=span and span[1],
            special=is_special(tokenizer, token),
        )
        for token, span in zip(new, spans, strict=True)
    ]
    segments = [*encoding.segments, Segment(name="continuation", text=text, generated=True)]
    shown = build(segments, [*encoding.tokens, *tokens])
    return Prepared([Row([*row.ids, *new])], [shown], prepared.warnings, prepared.known)


def aim(example: TextGeneration, prepared: Prepared, checkpoint: Checkpoint) -> Prepared:
    """Decide which tokens are explained, and the foil's token where there is one.

    Raises:
        ExampleError: the target is not in the continuation, or the foil never differs from it.
    """
    if example.foil is None:
        return aimed(example, prepared)
    alone = prepare_prompt(example, checkpoint)
    return aimed(example, prepared, with_continuation(example, example.foil, checkpoint, alone).rows[0].ids)


def aimed(example: Generation, prepared: Prepared, other: Sequence[int] | None = None) -> Prepared:
    """The same, `other` being the ids of the row with the foil in the place of the continuation."""
    first, end, encoding = prepared.known, len(prepared.rows[0]), prepared.encodings[0]
    spans = [(token, token) for token in range(first, end)]
    target, foil = example.target, None
    if example.foil is not None and other is not None:
        at, foil = _first_difference(example.foil, prepared, other)
        spans = [(at, at)]
    elif target == "whole":
        spans = [(first, end - 1)]
    elif isinstance(target, int):
        if target >= len(spans):
            raise ExampleError(
                f"target: the continuation has no token {target}; it has {len(spans)}, counted from 0.",
                "Choose one of them, a text of the continuation, or `whole`.",
            )
        spans = [spans[target]]
    elif target != "each":
        start, stop = next(iter(occurrences(target, encoding.segments[-1].text)), (-1, -1))
        inside = [
            i
            for i, token in enumerate(encoding.tokens)
            if i >= first and (token.start or 0) < stop and (token.end or 0) > start
        ]
        if not inside:
            raise ExampleError(
                f"target: {target!r} does not occur in the continuation {encoding.segments[-1].text!r}.",
                "Give a text that occurs in it, a token's index, or `whole`.",
            )
        spans = [(inside[0], inside[-1])]
    return replace(prepared, spans=spans, foil=foil)


def _first_difference(foil: str, prepared: Prepared, other: Sequence[int]) -> tuple[int, int]:
    """The first position at which the foil's tokens differ from the continuation's, and the foil's token there."""
    ids = prepared.rows[0].ids
    for position in range(prepared.known, min(len(ids), len(other))):
        if ids[position] != other[position]:
            return position, other[position]
    raise ExampleError(
        f"foil: {foil!r} and the continuation {prepared.encodings[0].segments[-1].text!r} begin with the same tokens, "
        "so there is nothing to compare.",
        "Give a foil that differs from the continuation before either ends.",
    )


def explained(prepared: Prepared) -> list[int]:
    """The positions of all explained tokens, span by span."""
    return [token for first, last in prepared.spans for token in range(first, last + 1)]


def scores(example: Generation, prepared: Prepared) -> Callable[[Tensor], Tensor]:
    """The explained number of each explained token: logits (g, v) to (g,)."""
    tokens = [prepared.rows[0].ids[position] for position in explained(prepared)]
    return lambda logits: torch.stack(
        [quantity(example.quantity, row, token, prepared.foil) for row, token in zip(logits, tokens, strict=True)]
    )


def explain(
    example: Generation,
    prepared: Prepared,
    checkpoint: Checkpoint,
    logits: Tensor,
    embeddings: Tensor,
    gradients: Iterable[Slopes],
) -> ExampleResult:
    """A result with one map for each explained token or span.

    Logits (g, v) predict the explained tokens; embeddings (t, d); `gradients` (t, d) are one a span, in order.
    """
    encoding = prepared.encodings[0]
    maps: list[Map] = []
    beaten: list[tuple[str, float, float]] = []
    values, start = scores(example, prepared)(logits), 0
    for (first, last), gradient in zip(prepared.spans, gradients, strict=True):
        end = start + last - first + 1
        target = _target(example, prepared, checkpoint, (first, last), logits[start:end], values[start:end])
        # A token depends on the earlier ones only: the rest of its gradient is exactly 0 and not kept.
        title = target.label if target.foil is None else f"{target.label} − {target.foil}"
        maps.append(make_map(title, 0, encoding, target, gradient.up_to(last), embeddings[:last]))
        for row, token in zip(logits[start:end], prepared.rows[0].ids[first : last + 1], strict=True):
            logit = float(row[token])
            beaten.append((token_label(checkpoint.tokenizer, token), float(row.max()) - logit, max(1.0, abs(logit))))
        start = end
    stop: Literal["max_new_tokens", "end of text", "continuation given"] = "continuation given"
    warnings = [*prepared.warnings]
    if example.continuation is None:
        count = len(prepared.rows[0]) - prepared.known
        stop = "max_new_tokens" if count == example.max_new_tokens else "end of text"
        close = [label for label, gap, _ in beaten if gap > 0]
        if any(gap > TIE * scale for _, gap, scale in beaten):
            raise ExampleError(
                "Computed again for its maps, the model prefers other tokens than those it generated.",
                "Its generation depends on more than the text; give a continuation to explain.",
            )
        if close:
            warnings.append(
                f"Recomputed for this map, the model ranks another token a hair above {', '.join(close)}: "
                "two candidates are equally likely to the last digits."
            )
    return ExampleResult(
        id=example.id,
        task=example.task,
        inputs=example.model_dump(),
        encodings=[encoding],
        prediction=Prediction(text=encoding.segments[-1].text, stop=stop),
        maps=maps,
        warnings=warnings,
    )


def functions(
    example: Generation, prepared: Prepared, checkpoint: Checkpoint, result: ExampleResult | None = None
) -> list[TargetFunction]:
    """F of each map of a result: of the tokens before the explained one, and for a span the sum over its tokens."""
    row = prepared.rows[0]
    ids, source = row.ids, len(row) - row.prefix

    def of_span(first: int, last: int) -> TargetFunction:
        tokens = ids[first : last + 1]

        def score(logits: Tensor) -> Tensor:
            parts = [quantity(example.quantity, logits[:, i], token, prepared.foil) for i, token in enumerate(tokens)]
            return torch.stack(parts).sum(dim=0)

        # What a decoder is given stands behind the source.
        before = Row(ids[:last], prefix=last - source if row.prefix else 0)
        return TargetFunction([before], [range(last)], score, range(first, last + 1))

    return [of_span(first, last) for first, last in prepared.spans]


def _target(
    example: Generation,
    prepared: Prepared,
    checkpoint: Checkpoint,
    span: tuple[int, int],
    logits: Tensor,
    values: Tensor,
) -> Target:
    """The target of a span, whose tokens the logits (k, v) predict and whose explained numbers are values (k,)."""
    tokenizer, ids, (first, last) = checkpoint.tokenizer, prepared.rows[0].ids, span
    tokens, whole = ids[first : last + 1], len(ids) - prepared.known
    chosen = logits.log_softmax(dim=-1)[range(len(tokens)), tokens]
    probability = min(float(chosen.sum().exp()), 1.0)
    label = "".join(token_label(tokenizer, token) for token in tokens)
    foil = None if prepared.foil is None else token_label(tokenizer, prepared.foil)
    given = example.continuation is not None
    part = f"token {last - prepared.known + 1} of {whole}"
    made = f"given as {part} of the continuation" if given else f"generated as {part}"
    if len(tokens) > 1:
        made = f"the sum over {len(tokens)} of the {whole} tokens of the continuation"
    rank = int((logits[0] > logits[0, tokens[0]]).sum()) + 1
    beaten = f", number {rank} among the model's candidates" if rank > 1 and len(tokens) == 1 else ""
    differ = ", where the two first differ" if foil is not None else ""
    words = in_words(example.quantity, f"“{label}”", None if foil is None else f"“{foil}”")
    top = logits[-1].topk(min(ALTERNATIVES, logits.shape[-1])).indices.tolist()
    likely = logits[-1].softmax(dim=-1)[top]
    return Target(
        quantity=named(example.quantity, foil is not None),
        label=label,
        index=tokens[-1],
        position=last,
        first=first if len(tokens) > 1 else None,
        foil=foil,
        foil_index=prepared.foil,
        score=numbers(values.sum()[None])[0],
        probability=probability,
        chosen_by="continuation" if given else "generated",
        sentence=f"{words}, {made}{differ}, p {stated(probability)}{beaten}",
        alternatives=[
            Outcome(label=token_label(tokenizer, k), index=k, logit=logit, probability=min(p, 1.0))
            for k, logit, p in zip(top, numbers(logits[-1][top]), numbers(likely), strict=True)
        ],
    )
